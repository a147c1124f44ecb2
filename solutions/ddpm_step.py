"""Kata 4. The way back, DDPM: remove the predicted noise, add a little fresh noise, T times."""

import torch
from torch import Tensor

from .beta_schedule import NoiseSchedule


def ddpm_step(x_t: Tensor, t: int, eps: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    """Take one ancestral step from x_t to x_{t-1}.

    mean = (x_t - beta_t / sqrt(1 - alpha_bar_t) * eps) / sqrt(alpha_t)        (DDPM, eq. 11)
    beta~_t = (1 - alpha_bar_{t-1}) / (1 - alpha_bar_t) * beta_t               (DDPM, eq. 7)
    x_{t-1} = mean + sqrt(beta~_t) * noise; at t = 0 the mean alone            (DDPM, algorithm 2)

    Args:
        x_t: (B, *dims), one dim or more, float32 or float64, any device, any layout in memory.
        t: the step, from T-1 down to 0, the same for the whole batch.
        eps: like x_t, the noise that the model predicts.
        schedule: tables of length T, like x_t in dtype and device.
        noise: like x_t, drawn from N(0, I) by the caller; not used at t = 0.

    Returns:
        x_{t-1}, shape, dtype and device of x_t. The arguments are left as they are.

    Raises:
        Nothing of its own.

    Check by hand: with betas [0.5, 0.5], t = 1, x_t = 1, eps = 0 and noise = 0, x_{t-1} is sqrt(2).
    """
    beta = schedule.betas[t].to(x_t)
    alpha = schedule.alphas[t].to(x_t)
    alpha_bar = schedule.alphas_cumprod[t].to(x_t)
    mean = (x_t - beta / (1 - alpha_bar).sqrt() * eps) / alpha.sqrt()
    if t == 0:
        return mean
    alpha_bar_prev = schedule.alphas_cumprod[t - 1].to(x_t)
    variance = (1 - alpha_bar_prev) / (1 - alpha_bar) * beta
    return mean + variance.sqrt() * noise


@torch.no_grad()
def ddpm_sample(model, x_T: Tensor, schedule: NoiseSchedule, generator: torch.Generator | None = None) -> Tensor:
    """Walk from pure noise to data: one ddpm_step for every t = T-1, ..., 0.

    x_{t-1} = ddpm_step(x_t, t, model(x_t, t), ...), with fresh noise at each step        (DDPM, algorithm 2)

    Args:
        model: called as model(x_t, t) with x_t (B, *dims) and t (B,) int64, all equal; returns the noise, like x_t.
        x_T: (B, *dims), pure noise, float32 or float64, any device; the walk starts from it and leaves it as it is.
        schedule: tables of length T, like x_T in dtype and device.
        generator: source of every random number, on the device of x_T, and left where the draws have brought it;
            None means torch's global one, so that two calls differ.

    Returns:
        x_0, shape, dtype and device of x_T, with no gradients recorded.

    Raises:
        Nothing of its own.

    Check by hand: with T = 1, betas [0.75], and a model that answers 0, x_0 is 2 * x_T.
    """
    x = x_T
    for t in reversed(range(len(schedule.betas))):
        eps = model(x, torch.full((len(x),), t, device=x.device))
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x = ddpm_step(x, t, eps, schedule, noise)
    return x
