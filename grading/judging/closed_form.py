"""The formulas that expected values come from: coefficients of the papers' equations, and the best possible predictors.

Everything here is written against the papers, shares no line with a submission, and is meant for float64 tables.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Schedule = Any  # anything with betas, alphas and alphas_cumprod
Times = Any  # a number; or a tensor of many, which broadcasts against x


def broadcast(coefficient: Tensor, x: Tensor) -> Tensor:
    """(B,) -> (B, 1, ..., 1), ready to multiply x (B, *dims)."""
    return coefficient.reshape(-1, *[1] * (x.ndim - 1))


def linear_beta_schedule(num_timesteps: int, beta_start: float = 1e-4, beta_end: float = 0.02) -> Tensor:
    """DDPM section 4; for T = 1 beta_start."""
    t = torch.arange(num_timesteps, dtype=torch.float64)
    return beta_start + (beta_end - beta_start) * t / max(num_timesteps - 1, 1)


def quadratic_beta_schedule(num_timesteps: int, beta_start: float = 1e-4, beta_end: float = 0.02) -> Tensor:
    """DDIM appendix D."""
    return linear_beta_schedule(num_timesteps, beta_start**0.5, beta_end**0.5) ** 2


def cosine_beta_schedule(num_timesteps: int, s: float = 0.008, max_beta: float = 0.999) -> Tensor:
    """Nichol & Dhariwal eq. 17."""
    f = [math.cos((u / num_timesteps + s) / (1 + s) * math.pi / 2) ** 2 for u in range(num_timesteps + 1)]
    betas = [min(1 - after / before, max_beta) for before, after in zip(f, f[1:])]
    return torch.tensor(betas, dtype=torch.float64)


def make_schedule(betas: Tensor) -> Tensor:
    """(3, T): betas, alphas and alphas_cumprod."""
    return torch.stack([betas, 1 - betas, torch.cumprod(1 - betas, dim=0)])


def q_sample(x0: Tensor, t: Tensor, schedule: Schedule, noise: Tensor) -> Tensor:
    """x_t = sqrt(alpha_bar_t) x0 + sqrt(1 - alpha_bar_t) noise. DDPM eq. 4."""
    alpha_bar = broadcast(schedule.alphas_cumprod[t], x0)
    return alpha_bar**0.5 * x0 + (1 - alpha_bar) ** 0.5 * noise


def ddpm_loss(model: Any, x0: Tensor, t: Tensor, schedule: Schedule, noise: Tensor) -> Tensor:
    """The mean over every element of (noise - model(x_t, t))^2. DDPM eq. 14."""
    squares = (noise - model(q_sample(x0, t, schedule, noise), t)) ** 2
    return squares.sum() / squares.numel()


def alpha_bar_at(schedule: Schedule, t: Times) -> Tensor:
    """alpha_bar_t; 1 at t = -1, where no noise has been added yet."""
    if isinstance(t, Tensor):
        alpha_bar = schedule.alphas_cumprod[t.clamp(min=0)]
        return alpha_bar.where(t >= 0, torch.ones_like(alpha_bar))
    return schedule.alphas_cumprod[t] if t >= 0 else torch.ones_like(schedule.alphas_cumprod[0])


def predict_x0(x_t: Tensor, t: Times, eps: Tensor, schedule: Schedule) -> Tensor:
    """Solve DDPM eq. 4 for x0."""
    alpha_bar = alpha_bar_at(schedule, t)
    return (x_t - (1 - alpha_bar) ** 0.5 * eps) / alpha_bar**0.5


def posterior(x0: Tensor, x_t: Tensor, t: Times, schedule: Schedule) -> tuple[Tensor, Tensor]:
    """Mean and variance of q(x_{t-1} | x_t, x0). DDPM eq. 6 and 7; at t = 0 that is x0 itself and 0."""
    alpha_bar, alpha_bar_prev = alpha_bar_at(schedule, t), alpha_bar_at(schedule, t - 1)
    from_x0 = alpha_bar_prev**0.5 * schedule.betas[t] / (1 - alpha_bar)
    from_x_t = schedule.alphas[t] ** 0.5 * (1 - alpha_bar_prev) / (1 - alpha_bar)
    variance = (1 - alpha_bar_prev) / (1 - alpha_bar) * schedule.betas[t]
    return from_x0 * x0 + from_x_t * x_t, variance


def ddpm_step(x_t: Tensor, t: Times, eps: Tensor, schedule: Schedule, noise: Tensor) -> Tensor:
    """Sample the posterior at the x0 that eps stands for."""
    mean, variance = posterior(predict_x0(x_t, t, eps, schedule), x_t, t, schedule)
    return mean + variance**0.5 * noise


def ddim_sigma(t: Times, t_prev: Times, schedule: Schedule, eta: float) -> Tensor:
    """DDIM eq. 16, shape ()."""
    alpha_bar, alpha_bar_prev = alpha_bar_at(schedule, t), alpha_bar_at(schedule, t_prev)
    return eta * ((1 - alpha_bar_prev) / (1 - alpha_bar) * (1 - alpha_bar / alpha_bar_prev)) ** 0.5


def ddim_step(
    x_t: Tensor,
    t: Times,
    t_prev: Times,
    eps: Tensor,
    schedule: Schedule,
    eta: float = 0.0,
    noise: Tensor | None = None,
) -> Tensor:
    """DDIM eq. 12."""
    alpha_bar_prev, sigma = alpha_bar_at(schedule, t_prev), ddim_sigma(t, t_prev, schedule, eta)
    towards_x_t = (1 - alpha_bar_prev - sigma**2).clamp(min=0) ** 0.5 * eps
    x_prev = alpha_bar_prev**0.5 * predict_x0(x_t, t, eps, schedule) + towards_x_t
    return x_prev if noise is None else x_prev + sigma * noise


def ddim_timesteps(num_timesteps: int, num_inference_steps: int) -> list[int]:
    """The multiples of T // S from the S-th down to 0."""
    return [i * (num_timesteps // num_inference_steps) for i in reversed(range(num_inference_steps))]


@dataclass(frozen=True)
class GaussianDenoiser:
    """The best possible model for data drawn from N(mean, std ** 2), in closed form: E[eps | x_t].

    x_t is Gaussian too, with variance alpha_bar std^2 + 1 - alpha_bar, and eps and x_t are jointly Gaussian.
    """

    mean: float
    std: float
    schedule: Schedule

    def __call__(self, x_t: Tensor, t: Tensor) -> Tensor:
        alpha_bar = broadcast(self.schedule.alphas_cumprod[t].to(x_t), x_t)
        variance = alpha_bar * self.std**2 + 1 - alpha_bar
        return (1 - alpha_bar) ** 0.5 * (x_t - alpha_bar**0.5 * self.mean) / variance


@dataclass(frozen=True)
class DatasetDenoiser:
    """The best possible model when the data are a finite set of points (N, D), equally likely: a softmax over them.

    E[x0 | x_t] = sum_i softmax_i(-|x_t - sqrt(alpha_bar) point_i|^2 / (2 (1 - alpha_bar))) point_i
    """

    points: Tensor
    schedule: Schedule
    chunk: int = 1024

    def __call__(self, x_t: Tensor, t: Tensor) -> Tensor:
        return torch.cat([self._guess(x, s) for x, s in zip(x_t.split(self.chunk), t.split(self.chunk))])

    def _guess(self, x_t: Tensor, t: Tensor) -> Tensor:
        points = self.points.to(x_t)
        alpha_bar = self.schedule.alphas_cumprod[t].to(x_t)[:, None]
        centres_dot_x = alpha_bar**0.5 * (x_t @ points.T)
        logits = (centres_dot_x - alpha_bar * points.square().sum(dim=1) / 2) / (1 - alpha_bar)
        x0 = torch.softmax(logits, dim=1) @ points
        return (x_t - alpha_bar**0.5 * x0) / (1 - alpha_bar) ** 0.5
