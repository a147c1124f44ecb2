"""What the other modules get for a sibling that is broken or missing, so that each kata is judged by itself."""

from torch import Tensor

from grading.closed_form import q_sample as _q_sample
from grading.contract import NoiseSchedule, schedule_from

__all__ = ["NoiseSchedule", "make_schedule", "q_sample"]


def make_schedule(betas: Tensor) -> NoiseSchedule:
    return schedule_from(betas)


def q_sample(x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    return _q_sample(x0, t, schedule, noise)
