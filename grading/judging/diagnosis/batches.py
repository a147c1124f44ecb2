"""Right for one sample at a time: for which shapes and batches is a step wrong, and whose factors do samples get?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from grading.judging import closed_form
from grading.judging.diagnosis.finding import Finding, for_some, stated
from grading.judging.diagnosis.measure import arguments, call
from grading.judging.diagnosis.search.formulas import FORMULAS
from grading.judging.diagnosis.sites import UNEVEN, Site
from grading.judging.step_rules import quietly

SHAPES: tuple[tuple[int, ...], ...] = ((5, 3), (5, 5), (5, 1), (5, 2, 2), (5, 1, 2, 2), (300, 2))
SITE, TIMES = Site(UNEVEN, 4, 2, 0.5), torch.tensor([1, 4, 2, 5, 3])  # several t in one batch are q_sample's alone


def only_some(f: Callable, function: str) -> Finding | None:
    """Right for one sample at a time: in batches, whose t is used, and along which dim does the factor run?"""
    says = for_some(FORMULAS[function][0].vectors[0], SHAPES, partial(_is_right, f, function))
    if says and function == "q_sample":
        says = _whose_factor(f) or says
    return stated(says) if says else None


def _is_right(f: Callable, function: str, shape: tuple[int, ...]) -> bool:
    given, times = arguments(function, shape), TIMES.repeat(shape[0] // len(TIMES))
    due = call(getattr(closed_form, function), function, SITE, given, times)
    answer = quietly(partial(call, f, function, SITE, given, times))
    return isinstance(answer, Tensor) and answer.shape == due.shape and torch.allclose(answer, due, 1e-5, 1e-6)


def _whose_factor(f: Callable) -> str:
    """Where a batch has several t: the factor that each entry of (5, 5) gets."""
    one = torch.ones(5, 5, dtype=torch.float64)
    factors = quietly(partial(call, f, "q_sample", SITE, [one, 0 * one], TIMES))
    if factors is None or factors.shape != one.shape:
        return ""
    due = UNEVEN.alphas_cumprod[TIMES] ** 0.5
    known = {
        "a factor of shape (B,) that runs along the last dim, not along the batch: reshape it to (B, 1, ...)": due,
        "every sample is given the factors of t[0]: each has its own t": due[:1],
        "the whole batch is given one factor: each sample has its own t": factors[0, 0],
    }
    return next((says for says, made in known.items() if torch.allclose(factors, made + 0 * one, rtol=1e-5)), "")
