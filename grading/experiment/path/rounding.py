"""How far a step may lie beside its equation, and still be that equation worked out in float32."""

from __future__ import annotations

import torch
from torch import Tensor

from grading.submission.contract import NoiseSchedule

ROUNDING = 1e-5  # float32: 80 units in the last place, relative to what is added up in a step
CANCELLED = 5e-7  # eight units in the last place of alpha_bar: all that is wrong with 1 - alpha_bar, small near t = 0


def slack(t: int, t_prev: int, schedule: NoiseSchedule) -> float:
    """How far apart two right float32 forms of a step's coefficients may be."""
    left = 1 - float(schedule.alphas_cumprod[max(t_prev, 0)])
    return ROUNDING + CANCELLED / max(min(left, 1 - float(schedule.alphas_cumprod[t])), CANCELLED)


def beside(gap: Tensor, x_t: Tensor, eps: Tensor, slack: float, size: float) -> bool:
    """Whether a gap is more than rounding: tiny multiples of x_t and eps, and some units in the last place."""
    flat = torch.stack([x_t.flatten(), eps.flatten()], dim=1)
    multiples = torch.linalg.lstsq(flat, gap.flatten()[:, None], driver="gelsd").solution.flatten()
    rest = (gap.flatten() - flat @ multiples).reshape(gap.shape)
    most = ROUNDING * size * (1 + x_t.abs() + eps.abs())
    return float((flat @ multiples).norm()) > slack * float(flat.norm()) or bool((rest.abs() > most).any())
