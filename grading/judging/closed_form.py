"""The formulas that expected values come from: coefficients of the papers' equations, and the best possible predictors.

Everything here is written against the papers, shares no line with a submission, and is meant for float64 tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Schedule = Any  # anything with betas, alphas and alphas_cumprod


def broadcast(coefficient: Tensor, x: Tensor) -> Tensor:
    """(B,) -> (B, 1, ..., 1), ready to multiply x (B, *dims)."""
    return coefficient.reshape(-1, *[1] * (x.ndim - 1))


def q_sample(x0: Tensor, t: Tensor, schedule: Schedule, noise: Tensor) -> Tensor:
    """x_t = sqrt(alpha_bar_t) x0 + sqrt(1 - alpha_bar_t) noise. DDPM eq. 4."""
    alpha_bar = broadcast(schedule.alphas_cumprod[t], x0)
    return alpha_bar**0.5 * x0 + (1 - alpha_bar) ** 0.5 * noise


def alpha_bar_at(schedule: Schedule, t: int) -> Tensor:
    """alpha_bar_t, shape (); 1 at t = -1, where no noise has been added yet."""
    return schedule.alphas_cumprod[t] if t >= 0 else torch.ones_like(schedule.alphas_cumprod[0])


def predict_x0(x_t: Tensor, t: int, eps: Tensor, schedule: Schedule) -> Tensor:
    """Solve DDPM eq. 4 for x0."""
    alpha_bar = alpha_bar_at(schedule, t)
    return (x_t - (1 - alpha_bar) ** 0.5 * eps) / alpha_bar**0.5


def posterior(x0: Tensor, x_t: Tensor, t: int, schedule: Schedule) -> tuple[Tensor, Tensor]:
    """Mean and variance of q(x_{t-1} | x_t, x0). DDPM eq. 6 and 7; at t = 0 that is x0 itself and 0."""
    alpha_bar, alpha_bar_prev = alpha_bar_at(schedule, t), alpha_bar_at(schedule, t - 1)
    from_x0 = alpha_bar_prev**0.5 * schedule.betas[t] / (1 - alpha_bar)
    from_x_t = schedule.alphas[t] ** 0.5 * (1 - alpha_bar_prev) / (1 - alpha_bar)
    variance = (1 - alpha_bar_prev) / (1 - alpha_bar) * schedule.betas[t]
    return from_x0 * x0 + from_x_t * x_t, variance


def ddpm_step(x_t: Tensor, t: int, eps: Tensor, schedule: Schedule, noise: Tensor) -> Tensor:
    """Sample the posterior at the x0 that eps stands for."""
    mean, variance = posterior(predict_x0(x_t, t, eps, schedule), x_t, t, schedule)
    return mean + variance**0.5 * noise


def ddim_sigma(t: int, t_prev: int, schedule: Schedule, eta: float) -> Tensor:
    """DDIM eq. 16, shape ()."""
    alpha_bar, alpha_bar_prev = alpha_bar_at(schedule, t), alpha_bar_at(schedule, t_prev)
    return eta * ((1 - alpha_bar_prev) / (1 - alpha_bar) * (1 - alpha_bar / alpha_bar_prev)) ** 0.5


def ddim_step(
    x_t: Tensor, t: int, t_prev: int, eps: Tensor, schedule: Schedule, eta: float = 0.0, noise: Tensor | None = None
) -> Tensor:
    """DDIM eq. 12."""
    alpha_bar_prev, sigma = alpha_bar_at(schedule, t_prev), ddim_sigma(t, t_prev, schedule, eta)
    towards_x_t = (1 - alpha_bar_prev - sigma**2).clamp(min=0) ** 0.5 * eps
    x_prev = alpha_bar_prev**0.5 * predict_x0(x_t, t, eps, schedule) + towards_x_t
    return x_prev if noise is None else x_prev + sigma * noise


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
