"""The contract: which functions a submission holds, in which of its modules; the grader's own schedule."""

from typing import NamedTuple

import torch
from torch import Tensor

from grading.submission.katas import FUNCTIONS, MODULE_OF, MODULES
from grading.submission.signatures import parameters

__all__ = [
    "FUNCTIONS",
    "MODULES",
    "MODULE_OF",
    "NoiseSchedule",
    "bind",
    "linear_schedule",
    "schedule_from",
]


class NoiseSchedule(NamedTuple):
    """The grader's own schedule, made without a line of the submission. Each table has shape (T,)."""

    betas: Tensor
    alphas: Tensor
    alphas_cumprod: Tensor

    def to(self, *args, **kwargs) -> "NoiseSchedule":
        """Move every table as `Tensor.to` does."""
        return NoiseSchedule(*(table.to(*args, **kwargs) for table in self))


def schedule_from(betas: Tensor) -> NoiseSchedule:
    """alpha = 1 - beta and alpha_bar = the running product of alpha, at the precision of betas (T,)."""
    return NoiseSchedule(betas, 1 - betas, torch.cumprod(1 - betas, dim=0))


def linear_schedule(
    num_timesteps: int = 1000, dtype: torch.dtype = torch.float64, device: torch.device | str = "cpu"
) -> NoiseSchedule:
    """DDPM's own schedule: betas evenly from 1e-4 to 0.02 (section 4), worked out in float64, then cast."""
    betas = torch.linspace(1e-4, 0.02, num_timesteps, dtype=torch.float64)
    return schedule_from(betas).to(device=device, dtype=dtype)


def bind(function: str, args: tuple, kwargs: dict) -> dict[str, object]:
    """Name the arguments of a call as the contract does: bind("ddpm_step", (x, 3), {}) == {"x_t": x, "t": 3}."""
    return dict(zip(parameters(function), args)) | kwargs
