"""What goes wrong in linear_beta_schedule and quadratic_beta_schedule."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from wrong_forms import register


def line(start: float, end: float, steps: int) -> Tensor:
    return torch.linspace(start, end, steps)


def without_its_end(start: float, end: float, steps: int) -> Tensor:
    return start + (end - start) * torch.arange(steps) / steps


def without_its_start(start: float, end: float, steps: int) -> Tensor:
    return start + (end - start) * (torch.arange(steps) + 1) / steps


def one_point_too_many(start: float, end: float, steps: int) -> Tensor:
    return torch.linspace(start, end, steps + 1)


def divided_by_nothing(start: float, end: float, steps: int) -> Tensor:
    return start + (end - start) * torch.arange(steps) / torch.tensor(steps - 1)


def backwards(start: float, end: float, steps: int) -> Tensor:
    return torch.linspace(end, start, steps)


def from_zero(start: float, end: float, steps: int) -> Tensor:
    return torch.linspace(0.0, end, steps)


def the_papers_ends(start: float, end: float, steps: int) -> Tensor:
    return torch.linspace(1e-4, 0.02, steps)


def linear(spaced: Callable = line, then: Callable[[Tensor], Tensor] = lambda betas: betas) -> Callable:
    def wrong(num_timesteps: int, beta_start: float = 1e-4, beta_end: float = 0.02) -> Tensor:
        return then(spaced(beta_start, beta_end, num_timesteps))

    return wrong


def quadratic(spaced: Callable = line, then: Callable = torch.square, ends: Callable = lambda b: b**0.5) -> Callable:
    def wrong(num_timesteps: int, beta_start: float = 1e-4, beta_end: float = 0.02) -> Tensor:
        return then(spaced(ends(beta_start), ends(beta_end), num_timesteps))

    return wrong


def _the_papers_roots(start: float, end: float, steps: int) -> Tensor:
    return torch.linspace(1e-4**0.5, 0.02**0.5, steps)


def _parabola(start: float, end: float, steps: int) -> Tensor:
    return start + (end - start) * torch.linspace(0, 1, steps) ** 2


def _geometric(start: float, end: float, steps: int) -> Tensor:
    return torch.logspace(torch.tensor(start).log10().item(), torch.tensor(end).log10().item(), steps)


def _scaled(start: float, end: float, steps: int) -> Tensor:
    return torch.linspace(1000 / steps * start, 1000 / steps * end, steps)


def _squared_then(cast: Callable) -> Callable:
    return lambda roots: cast(roots**2)


# Where the points lie on the line, for both schedules: name, what it looks like, the points.
SPACINGS = (
    ("endpoint_excluded", "t / T where t / (T - 1) belongs: beta_end is never reached", without_its_end),
    ("start_excluded", "(t + 1) / T where t / (T - 1) belongs: beta_start is never reached", without_its_start),
    ("one_point_too_many", "T + 1 points where T are asked for", one_point_too_many),
    ("ends_exchanged", "beta_end first and beta_start last", backwards),
    ("starts_at_zero", "a line that starts at 0 instead of beta_start", from_zero),
    ("division_by_zero_at_one_step", "t / (T - 1) worked out at T = 1, where it is 0 / 0", divided_by_nothing),
)

LINEAR = (
    ("ends_ignored", "1e-4 and 0.02 always, whatever beta_start and beta_end are", linear(the_papers_ends)),
    ("roots_evenly_spaced", "the quadratic schedule, evenly spaced in sqrt(beta)", quadratic()),
    ("betas_squared", "evenly spaced betas that are then squared", linear(then=torch.square)),
    ("alphas_returned", "alpha = 1 - beta returned in place of beta", linear(then=lambda betas: 1 - betas)),
    ("running_product_returned", "alpha_bar returned in place of beta", linear(then=lambda b: (1 - b).cumprod(0))),
    ("logarithms_evenly_spaced", "evenly spaced logarithms of beta", linear(_geometric)),
    ("scaled_by_steps", "ends multiplied by 1000 / T, as other code bases do", linear(_scaled)),
)

QUADRATIC = (
    ("not_squared", "the evenly spaced roots themselves: the square is missing", quadratic(then=lambda roots: roots)),
    ("betas_evenly_spaced", "the linear schedule: evenly spaced betas, not roots", linear()),
    ("roots_forgotten", "betas squared: the square roots of the two ends are missing", linear(then=torch.square)),
    ("squares_for_roots", "squares where square roots belong, and roots where squares belong",
     quadratic(then=torch.sqrt, ends=lambda b: b**2)),
    ("root_of_the_line", "the square root of evenly spaced betas", linear(then=torch.sqrt)),
    ("parabola_in_t", "beta_start + (beta_end - beta_start) * (t / (T - 1))^2: that is quadratic in t, not linear in "
     "sqrt(beta)", linear(_parabola)),
    ("ends_ignored", "1e-4 and 0.02 always, whatever beta_start and beta_end are", quadratic(_the_papers_roots)),
    ("fourth_power", "roots squared twice", quadratic(then=lambda roots: roots**4)),
    ("alphas_returned", "alpha = 1 - beta returned in place of beta", quadratic(then=lambda roots: 1 - roots**2)),
    ("logarithms_evenly_spaced", "evenly spaced logarithms of beta", linear(_geometric)),
)  # fmt: skip

DTYPES = (
    ("float32_always", "float32 always, whatever torch's default dtype is", Tensor.float),
    ("float64_always", "float64 always, whatever torch's default dtype is", Tensor.double),
)

for name, says, wrong in LINEAR:
    register("linear_beta_schedule", name, says, "DDPM section 4", wrong)
for name, says, wrong in QUADRATIC:
    register("quadratic_beta_schedule", name, says, "DDIM appendix D", wrong)
for name, says, spaced in SPACINGS:
    register("linear_beta_schedule", name, says, "DDPM section 4", linear(spaced))
    register("quadratic_beta_schedule", name, says, "DDIM appendix D", quadratic(spaced))
for name, says, cast in DTYPES:
    register("linear_beta_schedule", name, says, "the default dtype", linear(then=cast))
    register("quadratic_beta_schedule", name, says, "the default dtype", quadratic(then=_squared_then(cast)))
