"""Inputs that the suites share: two schedules, and what hypothesis may vary."""

from __future__ import annotations

from typing import Any

import torch

from grading.judging.property_tests import st
from grading.submission.contract import linear_schedule, schedule_from

# Ten uneven steps: neighbouring entries of every table differ by a tenth or more, so that an index that is off by one,
# alpha for alpha_bar or a missing root shows in the first digits.
COARSE = schedule_from(torch.tensor([0.02, 0.05, 0.1, 0.16, 0.2, 0.23, 0.3, 0.33, 0.38, 0.4], dtype=torch.float64))
STEPS = len(COARSE.betas)
# As many steps, the same ends and the same sum: what a submission has kept of COARSE, by whatever key, is wrong here.
ANOTHER = schedule_from(torch.tensor([0.02, 0.3, 0.05, 0.33, 0.16, 0.38, 0.1, 0.23, 0.2, 0.4], dtype=torch.float64))

# The schedule of the papers: a thousand small steps.
PAPER = linear_schedule()

SHAPES = st.lists(st.integers(1, 4), min_size=2, max_size=4).map(lambda dims: (*dims,))
ETAS = st.floats(0.0, 1.0)


@st.composite
def jumps(draw: Any) -> tuple[int, int]:
    """t and t_prev < t of COARSE; t_prev may be -1, the end."""
    t = draw(st.integers(0, STEPS - 1))
    return t, draw(st.integers(-1, t - 1))
