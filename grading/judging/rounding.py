"""What float32 costs: how far a right formula may lie from its closed form, worked out from the formula itself.

U is the largest relative error of one rounding to float32. A submission may keep its tables in float32, multiply
alpha_bar up from rounded factors, or work beta_t out as 1 - alpha_bar_t / alpha_bar_{t-1}. So its tables may be off by

    beta_t       4 U                       a difference of numbers near 1
    alpha_t      4 U
    alpha_bar_t  (t + 4) U alpha_bar_t     a rounding for each factor, and a few for what is done with the product

What that makes of the result is found by evaluating the closed form again with one table moved by so much, the entries
at t apart from the others, and every tensor by itself, so that two errors cannot cancel; then each term is rounded
a few times more, 8 U of it. Near t = 0 of a long schedule this comes to 1e-4, because 1 - alpha_bar has lost four of
float32's seven digits there; on the coarse schedule of the suites to 1e-5, where a wrong formula is off by 1e-3 or
more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from grading.judging import closed_form
from grading.judging.compare import Mismatch, Tolerance, dtype_name
from grading.submission.contract import NoiseSchedule, schedule_from

U = 2.0**-24
FEW = 4
ROUNDINGS = 8  # of a term of the result
DIGITS = 24  # binary ones: where so many all look rounded, they were

Arguments = dict[str, Any]


def table_errors(schedule: NoiseSchedule) -> NoiseSchedule:
    """How far float32 tables may be off, entry by entry."""
    t = torch.arange(len(schedule.betas), dtype=torch.float64, device=schedule.betas.device)
    few = torch.full_like(t, FEW * U)
    return NoiseSchedule(few, few, (t + FEW) * U * schedule.alphas_cumprod)


def cosine_error(num_timesteps: int, s: float = 0.008, max_beta: float = 0.999) -> Tensor:
    """Of 1 - f(t + 1) / f(t), f = cos(angle)^2 or, by the half angle, (1 + cos(2 angle)) / 2.

    angle and f are off by 4 U of themselves, |f' / f| is 2 tan(angle); of the half angle's sum, near 1, 4 U are lost.
    """
    u = torch.arange(num_timesteps + 1, dtype=torch.float64)
    angle = (u / num_timesteps + s) / (1 + s) * math.pi / 2
    f = angle.cos() ** 2
    relative = FEW * U * (1 + 2 * angle * angle.tan().abs().clamp(max=1 / U) + 1 / f.clamp(min=U))
    return 2 * U + f[1:] / f[:-1] * (relative[1:] + relative[:-1])


def _made_error(betas: Tensor) -> Tensor:
    return torch.stack([*table_errors(schedule_from(betas))])


OWN: dict[str, Callable[..., Tensor]] = {"cosine_beta_schedule": cosine_error, "make_schedule": _made_error}


def float32_error(due: Callable[..., Any], arguments: Arguments) -> Tensor | None:
    """How far `due(**arguments)` may be missed by right code that works in float32; None where nothing is known."""
    if due.__name__ in OWN:
        return OWN[due.__name__](**arguments)
    schedule = arguments.get("schedule")
    if schedule is None:
        return None
    error: Any = 0.0
    for alone in _one_at_a_time(arguments):
        exact = due(**alone)
        error = error + ROUNDINGS * U * exact.abs()
        for moved in _moved(schedule, arguments.get("t")):
            error = error + (due(**alone | {"schedule": moved}) - exact).abs()
    return error


def float32_error_of(function: str, given: Arguments) -> Tensor | None:
    """The same for a call of a function that has a closed form of its name."""
    due = getattr(closed_form, function, None)
    return float32_error(due, {name: exactly(value) for name, value in given.items()}) if due else None


def right_in_float32(
    found: Mismatch, seen: Any, expected: Any, tolerance: Tolerance, error: Callable[[], Tensor | None]
) -> bool:
    """Whether a wrong value is as near as float32 comes."""
    if found.problem != "wrong value" or not isinstance(expected, Tensor):
        return False
    allowed = error()
    gap = (seen.detach() - expected).abs()
    return allowed is not None and bool((gap <= allowed + tolerance.atol + tolerance.rtol * expected.abs()).all())


def narrow(seen: Any) -> str:
    """In a sentence, that what came back as float64 was worked out in fewer digits; empty where nothing says so."""
    if not isinstance(seen, Tensor) or seen.dtype != torch.float64 or bool((seen == seen.round()).all()):
        return ""
    for dtype, digits in ((torch.bfloat16, 8), (torch.float16, 11), (torch.float32, 24)):
        if bool((seen.to(dtype).double() == seen).all()):
            # 0.5 and 0.375 are numbers of every dtype: what counts are those that need more than half of its digits.
            halves = torch.frexp(seen.unique()).mantissa * 2 ** (digits // 2)
            if int((halves != halves.round()).sum()) * digits < DIGITS:
                return ""
            name = dtype_name(dtype)
            return f"each number is one of {name}: it was worked out in {name}, and only then made float64"
    return ""


def exactly(value: Any) -> Any:
    """A tensor or a schedule in float64, and without a graph; anything else as it is."""
    if isinstance(value, NoiseSchedule):
        return value.to(torch.float64)
    return value.detach().double() if isinstance(value, Tensor) and value.is_floating_point() else value


def _one_at_a_time(arguments: Arguments) -> Iterator[Arguments]:
    """Each tensor by itself, the others zero: for a sum of terms, one in each. A model's answer is no such sum."""
    tensors = {k: v for k, v in arguments.items() if isinstance(v, Tensor) and v.is_floating_point()}
    if "model" in arguments:
        yield arguments
        return
    for name in tensors:
        yield arguments | {k: v.abs() if k == name else torch.zeros_like(v) for k, v in tensors.items()}


def _moved(schedule: NoiseSchedule, t: Any) -> Iterator[NoiseSchedule]:
    here = torch.zeros(len(schedule.betas), dtype=torch.bool, device=schedule.betas.device)
    here[t] = True
    for number, (table, error) in enumerate(zip(schedule, table_errors(schedule))):
        for part in (here, ~here):
            tables = list(schedule)
            tables[number] = table + error * part
            yield NoiseSchedule(*tables)
