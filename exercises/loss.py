"""Kata 3. The training loss: guess the noise that went in."""

import torch
from torch import Tensor

from .beta_schedule import NoiseSchedule
from .q_sample import q_sample


def ddpm_loss(model, x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    """Mean squared error between the noise that made x_t and the model's guess of it.

    L_simple = mean over every element of (noise - model(x_t, t)) ** 2,  x_t = q_sample(x0, t, schedule, noise)
    (DDPM, eq. 14)

    Args:
        model: called once as model(x_t, t) with x_t (B, *dims) and t (B,) int64; returns predicted noise like x_t.
        x0: (B, *dims), one dim or more, float32 or float64, any device, any layout in memory.
        t: (B,), int64, each from 0 to T-1.
        schedule: tables of length T, like x0 in dtype and device.
        noise: like x0, drawn from N(0, I) by the caller.

    Returns:
        the loss, shape (), dtype and device of x0, with a gradient that reaches the model.
        The arguments are left as they are.

    Raises:
        Nothing of its own.

    Check by hand: a model that always answers 0, with noise [[1, 3]], has loss (1 + 9) / 2 = 5.
    """
    raise NotImplementedError("3.1 ddpm_loss")
