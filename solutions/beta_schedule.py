"""Kata 1. The noise schedule: how much noise each of the T steps adds."""

import math
from typing import NamedTuple

import torch
from torch import Tensor


class NoiseSchedule(NamedTuple):
    """The three tables that every later kata reads. Given: nothing to do here.

    In the paper's letters, for t = 0 ... T-1 (0-based: t = 0 is the least noisy step, the paper's t = 1):
    betas[t] = beta_t, alphas[t] = 1 - beta_t, alphas_cumprod[t] = alpha_bar_t = alpha_0 * ... * alpha_t.
    """

    betas: Tensor
    alphas: Tensor
    alphas_cumprod: Tensor


def linear_beta_schedule(num_timesteps: int, beta_start: float = 1e-4, beta_end: float = 0.02) -> Tensor:
    """Space the betas evenly from beta_start to beta_end.

    beta_t = beta_start + (beta_end - beta_start) * t / (T - 1)        (DDPM, section 4)

    Args:
        num_timesteps: T, at least 1.
        beta_start: beta_0, between 0 and 1, both excluded.
        beta_end: beta_{T-1}, between 0 and 1, both excluded.

    Returns:
        betas (T,), torch's default dtype (float32 unless somebody changed it), on the CPU; for T = 1 any
        number from beta_start to beta_end.

    Raises:
        ValueError: num_timesteps is below 1, or beta_start or beta_end is not between 0 and 1.

    Check by hand: linear_beta_schedule(3, 0.1, 0.3) is [0.1, 0.2, 0.3].
    """
    if num_timesteps < 1:
        raise ValueError(f"num_timesteps must be at least 1; got {num_timesteps}")
    if not (0 < beta_start < 1 and 0 < beta_end < 1):
        raise ValueError(
            f"beta_start and beta_end must lie between 0 and 1, both excluded; got {beta_start} and {beta_end}"
        )
    return torch.linspace(beta_start, beta_end, num_timesteps)


def quadratic_beta_schedule(num_timesteps: int, beta_start: float = 1e-4, beta_end: float = 0.02) -> Tensor:
    """Space the square roots of the betas evenly, from sqrt(beta_start) to sqrt(beta_end).

    sqrt(beta_t) = sqrt(beta_start) + (sqrt(beta_end) - sqrt(beta_start)) * t / (T - 1)        (DDIM, appendix D)

    Args:
        num_timesteps: T, at least 1.
        beta_start: beta_0, between 0 and 1, both excluded.
        beta_end: beta_{T-1}, between 0 and 1, both excluded.

    Returns:
        betas (T,), torch's default dtype (float32 unless somebody changed it), on the CPU; for T = 1 any
        number from beta_start to beta_end.

    Raises:
        ValueError: num_timesteps is below 1, or beta_start or beta_end is not between 0 and 1.

    Check by hand: quadratic_beta_schedule(3, 0.01, 0.09) is [0.01, 0.04, 0.09].
    """
    if num_timesteps < 1:
        raise ValueError(f"num_timesteps must be at least 1; got {num_timesteps}")
    if not (0 < beta_start < 1 and 0 < beta_end < 1):
        raise ValueError(
            f"beta_start and beta_end must lie between 0 and 1, both excluded; got {beta_start} and {beta_end}"
        )
    return torch.linspace(beta_start**0.5, beta_end**0.5, num_timesteps) ** 2


def cosine_beta_schedule(num_timesteps: int, s: float = 0.008, max_beta: float = 0.999) -> Tensor:
    """Choose the betas so that alpha_bar falls along a squared cosine, slowly at both ends.

    f(u) = cos(((u / T + s) / (1 + s)) * pi / 2) ** 2,  u = 0 ... T
    beta_t = min(1 - f(t + 1) / f(t), max_beta)        (Nichol & Dhariwal 2021, eq. 17)

    Args:
        num_timesteps: T, at least 1.
        s: the small offset that keeps the first betas from vanishing, 0 or more.
        max_beta: the clip for the last betas, which would reach 1.

    Returns:
        betas (T,), torch's default dtype (float32 unless somebody changed it), on the CPU.

    Raises:
        ValueError: num_timesteps is below 1.

    Check by hand: cosine_beta_schedule(2, s=0.0) is [0.5, 0.999], because cos(pi/4)**2 = 0.5 and cos(pi/2) = 0.
    """
    if num_timesteps < 1:
        raise ValueError(f"num_timesteps must be at least 1; got {num_timesteps}")
    u = torch.arange(num_timesteps + 1, dtype=torch.float64)  # 1 - f/f cancels nearly every digit near t = 0
    f = torch.cos((u / num_timesteps + s) / (1 + s) * math.pi / 2) ** 2
    betas = 1 - f[1:] / f[:-1]
    return betas.clamp(max=max_beta).to(torch.get_default_dtype())


def make_schedule(betas: Tensor) -> NoiseSchedule:
    """Work out alpha and alpha_bar from beta.

    alpha_t = 1 - beta_t
    alpha_bar_t = alpha_0 * alpha_1 * ... * alpha_t        (DDPM, section 2)

    Args:
        betas: (T,), each between 0 and 1, float32 or float64, any device.

    Returns:
        NoiseSchedule, or anything with these three attributes: (T,) each, dtype and device of betas.
        betas is left as it is.

    Raises:
        ValueError: betas is not one-dimensional.

    Check by hand: for betas [0.5, 0.5], alphas_cumprod is [0.5, 0.25].
    """
    if betas.ndim != 1:
        raise ValueError(f"betas must be one-dimensional, (T,); got shape {tuple(betas.shape)}")
    alphas = 1 - betas
    return NoiseSchedule(betas, alphas, alphas.cumprod(dim=0))
