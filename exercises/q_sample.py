"""Kata 2. The forward process: from data to noise in one jump."""

import torch
from torch import Tensor

from .beta_schedule import NoiseSchedule


def q_sample(x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    """Jump from x0 straight to x_t, each sample of the batch to its own t.

    x_t = sqrt(alpha_bar_t) * x0 + sqrt(1 - alpha_bar_t) * noise        (DDPM, eq. 4)

    The squares of the two factors add up to 1: data of unit variance keeps unit variance at every t.

    Args:
        x0: (B, *dims), one dim or more, float32 or float64, any device, any layout in memory.
        t: (B,), int64, each from 0 to T-1.
        schedule: tables of length T, like x0 in dtype and device; only alphas_cumprod is needed.
        noise: like x0, drawn from N(0, I) by the caller.

    Returns:
        x_t, shape, dtype and device of x0. The arguments are left as they are.

    Raises:
        Nothing of its own.

    Check by hand: with alpha_bar_t = 0.25, x0 = 2 and noise = 0, x_t is 1.
    """
    raise NotImplementedError("2.1 q_sample")
