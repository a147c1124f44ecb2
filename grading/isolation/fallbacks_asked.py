"""The child's stand-ins for broken siblings: questions to the parent, so that no formula is there to be found.

The parent refuses them while the function that they stand for is itself under test.
"""

from typing import Any

from torch import Tensor

from grading.submission.contract import NoiseSchedule

__all__ = ["NoiseSchedule", "make_schedule", "q_sample"]


def ask(name: str, *args: Any) -> Any:
    """Replaced at each call by a question to the parent; while a module loads there is nobody to ask."""
    raise RuntimeError(f"{name} of a broken sibling module was called while a module was being imported")


def make_schedule(betas: Tensor) -> NoiseSchedule:
    return NoiseSchedule(*ask("make_schedule", betas))


def q_sample(x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    return ask("q_sample", x0, t, list(schedule), noise)
