"""What goes wrong in cosine_beta_schedule."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from wrong_forms import register

EQUATION = "Nichol & Dhariwal eq. 17"


def points(steps: int) -> Tensor:
    return torch.arange(steps + 1, dtype=torch.float64) / steps


def f(u: Tensor, s: float) -> Tensor:
    return torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2


def ratio(f: Tensor) -> Tensor:
    return 1 - f[1:] / f[:-1]


def at_most(betas: Tensor, max_beta: float) -> Tensor:
    return betas.clamp(max=max_beta)


def cosine(
    u: Callable[[int], Tensor] = points,
    f: Callable[[Tensor, float], Tensor] = f,
    betas: Callable[[Tensor], Tensor] = ratio,
    clip: Callable[[Tensor, float], Tensor] = at_most,
    dtype: torch.dtype | None = None,
) -> Callable:
    """Equation 17 with one of its parts replaced."""

    def wrong(num_timesteps: int, s: float = 0.008, max_beta: float = 0.999) -> Tensor:
        return clip(betas(f(u(num_timesteps), s)), max_beta).to(dtype or torch.get_default_dtype())

    return wrong


for name, says, wrong in (
    ("not_clipped", "no clip: the last betas reach 1", cosine(clip=lambda betas, max_beta: betas)),
    ("clip_ignored", "a clip at 0.999 always, whatever max_beta is",
     cosine(clip=lambda b, max_beta: b.clamp(max=0.999))),
    ("clamp_as_minimum", "clamp(max_beta), whose first argument is the minimum: clamp(max=max_beta) is meant",
     cosine(clip=lambda betas, max_beta: betas.clamp(max_beta))),
    ("clipped_below_too", "a clip from 1e-4: eq. 17 has no lower bound",
     cosine(clip=lambda betas, max_beta: betas.clamp(1e-4, max_beta))),
    ("clipped_to_other_bounds", "a clip from 1e-4 to 0.9999, as other code bases have it, whatever max_beta is",
     cosine(clip=lambda betas, max_beta: betas.clamp(1e-4, 0.9999))),
    ("not_squared", "cos where cos^2 belongs", cosine(f=lambda u, s: f(u, s).sqrt())),
    ("half_missing", "pi where pi / 2 belongs", cosine(f=lambda u, s: torch.cos((u + s) / (1 + s) * math.pi) ** 2)),
    ("pi_missing", "an angle without pi / 2", cosine(f=lambda u, s: torch.cos((u + s) / (1 + s)) ** 2)),
    ("offset_ignored", "s = 0.008 always, whatever s is", cosine(f=lambda u, s: f(u, 0.008))),
    ("offset_missing", "no offset: s is left out of the angle", cosine(f=lambda u, s: f(u, 0.0))),
    ("offset_not_divided_out", "u / T + s without the division by 1 + s",
     cosine(f=lambda u, s: torch.cos((u + s) * math.pi / 2) ** 2)),
    ("division_before_the_sum", "u / T + s / (1 + s): the division by 1 + s holds for the whole sum",
     cosine(f=lambda u, s: torch.cos((u + s / (1 + s)) * math.pi / 2) ** 2)),
    ("one_point_too_few", "T points where T + 1 are needed to make T ratios",
     cosine(u=lambda steps: torch.arange(steps, dtype=torch.float64) / steps)),
    ("points_to_the_end", "T points from 0 to 1 where T + 1 are needed to make T ratios",
     cosine(u=lambda steps: torch.linspace(0, 1, steps, dtype=torch.float64))),
    ("divided_by_one_more", "u / (T + 1) where u / T belongs",
     cosine(u=lambda steps: points(steps) * steps / (steps + 1))),
    ("divided_by_one_less", "u / (T - 1) where u / T belongs",
     cosine(u=lambda steps: points(steps) * steps / (steps - 1))),
    ("offset_of_a_step", "(u + s) / (T + s): s is added to u / T, which runs from 0 to 1",
     cosine(f=lambda u, s: torch.cos((u * (len(u) - 1) + s) / (len(u) - 1 + s) * math.pi / 2) ** 2)),
    ("fourth_power", "cos^4 where cos^2 belongs", cosine(f=lambda u, s: f(u, s) ** 2)),
    ("starts_at_one", "f(t + 2) / f(t + 1) where f(t + 1) / f(t) belongs",
     cosine(u=lambda steps: points(steps) + 1 / steps)),
    ("alpha_returned", "alpha = f(t + 1) / f(t) returned in place of beta = 1 - alpha",
     cosine(betas=lambda f: f[1:] / f[:-1])),
    ("alpha_bar_returned", "alpha_bar = f(t + 1) / f(0) returned in place of beta",
     cosine(betas=lambda f: f[1:] / f[0])),
    ("noise_fraction_returned", "1 - f(t + 1) / f(0), which is 1 - alpha_bar, in place of beta",
     cosine(betas=lambda f: 1 - f[1:] / f[0])),
    ("difference_for_ratio", "f(t) - f(t + 1) where 1 - f(t + 1) / f(t) belongs",
     cosine(betas=lambda f: f[:-1] - f[1:])),
    ("ratio_upside_down", "f(t) / f(t + 1) where f(t + 1) / f(t) belongs", cosine(betas=lambda f: 1 - f[:-1] / f[1:])),
    ("ratio_turned_round", "f(t) / f(t + 1) - 1 where 1 - f(t + 1) / f(t) belongs",
     cosine(betas=lambda f: f[:-1] / f[1:] - 1)),
    ("float64_returned", "float64 always: work in it, but return torch's default dtype", cosine(dtype=torch.float64)),
    ("float32_returned", "float32 always, whatever torch's default dtype is", cosine(dtype=torch.float32)),
):  # fmt: skip
    register("cosine_beta_schedule", name, says, "the default dtype" if name.startswith("float") else EQUATION, wrong)
