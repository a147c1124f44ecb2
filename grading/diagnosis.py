"""Find the misconception that gives the same wrong result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from grading.compare import EXACT, Tolerance, same
from grading.contract import schedule_from
from grading.errors import SubmissionError, describe
from grading.misconceptions import Misconception, catalogue

Probe = Callable[[Callable], Any]  # takes one of the eleven functions, calls it, returns what it saw


def diagnose(
    function: str, student: Callable, probe: Probe, seen: Any, tolerance: Tolerance = EXACT
) -> Misconception | None:
    """Return the misconception that the probe cannot tell from the student's function, or None.

    Where several give what was seen, calls on other inputs decide: on the few inputs of one test, two different
    mistakes can look alike.
    """
    suspects = [m for m in catalogue(function) if same(_quietly(probe, m.wrong), seen, tolerance)]
    if len(suspects) < 2:
        return next(iter(suspects), None)
    answers = [_quietly(further, student) for further in _further_probes(function)]
    for suspect in suspects:
        others = [_quietly(further, suspect.wrong) for further in _further_probes(function)]
        if all(same(answer, other) for answer, other in zip(answers, others)):
            return suspect
    return suspects[0]


def _quietly(probe: Probe, function: Callable) -> Any:
    """What a probe sees, or the name of what it raised: a wrong formula may crash where a right one does not."""
    try:
        return probe(function)
    except SubmissionError as error:
        return raised(error.message)
    except Exception as error:
        return raised(describe(error))


def raised(message: str) -> str:
    """What stands for an exception among the things that a probe can see."""
    return f"raised {message}"


def _further_probes(function: str) -> list[Probe]:
    generator = torch.Generator().manual_seed(20)
    schedule = schedule_from(torch.tensor([0.03, 0.2, 0.1, 0.35, 0.25, 0.4], dtype=torch.float64))

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    def calls(*argument_lists: tuple) -> list[Probe]:
        return [lambda f, args=args: f(*args) for args in argument_lists]

    x, y, z = draw(5, 3), draw(5, 3), draw(5, 3)
    t = torch.tensor([0, 3, 5, 1, 4])

    def model(x_t: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return 0.3 * x_t + 0.1 * t.to(x_t).reshape(-1, *[1] * (x_t.ndim - 1))

    def walk(*more: Any) -> Probe:
        return lambda f: f(model, x, schedule, *more, torch.Generator().manual_seed(3))

    if function in ("linear_beta_schedule", "quadratic_beta_schedule"):
        return calls((7, 0.1, 0.4), (1000,), (2, 0.2, 0.3))
    if function == "cosine_beta_schedule":
        return calls((7,), (50, 0.1, 0.9), (3, 0.0))
    if function == "make_schedule":
        return [lambda f, i=i: f(schedule.betas)[i] for i in range(3)]
    if function == "q_sample":
        return calls(
            (x, t, schedule, y), (x[:3, :], t[:3], schedule, y[:3, :]), (draw(5, 2, 2), t, schedule, draw(5, 2, 2))
        )
    if function == "ddpm_loss":
        return calls((model, x, t, schedule, y), (model, x[:1], t[1:2], schedule, y[:1]))
    if function == "ddpm_step":
        return calls(*((x, i, y, schedule, z) for i in range(6)))
    if function == "ddim_timesteps":
        return calls((10, 3), (12, 4), (7, 1), (5, 5), (1000, 50))
    if function == "ddim_step":
        jumps = [(5, 3, 0.0), (5, 2, 0.4), (3, 2, 1.0), (1, 0, 0.7), (4, -1, 0.0), (4, -1, 0.6), (0, -1, 0.0)]
        return calls(*((x, i, j, y, schedule, eta, z) for i, j, eta in jumps))
    if function == "ddpm_sample":
        return [walk()]
    return [walk(3, 0.0), walk(4, 0.5)]
