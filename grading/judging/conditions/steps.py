"""Ask a step at every t of every schedule, and from every t to every t_prev of the small ones.

A step is a sum of terms, one for each tensor. So one call with a batch in which each tensor has entries of its own, the
others being zero there, shows every factor by itself: a noise that is missing at one t of a thousand cannot hide behind
the rounding of the mean.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from grading.judging.compare import EXACT
from grading.judging.conditions.arguments import SCHEDULES
from grading.judging.conditions.asked import Due, judged
from grading.judging.conditions.factors import NUMBERS, signature
from grading.judging.rounding import float32_error
from grading.submission.contract import NoiseSchedule
from grading.submission.errors import SubmissionError

EACH = 2  # samples that belong to one tensor
SMALL = 10
Call = dict[str, Any]  # the numbers of a call: t, t_prev, eta


def calls(function: str, T: int) -> Iterator[Call]:
    """Every t, with t - 1 for its next and with others: all of them where T is small, else one more, near or far."""
    roles = signature(function)
    numbers = {name: NUMBERS.get(name, (0.5, 0.0, 1.0)) for name, role in roles.items() if role == "number"}
    follows = [name for name, role in roles.items() if role == "next"]
    for t in range(T):
        ends: list[int | None] = [None]
        if follows:
            ends = list(range(-1, t)) if T <= SMALL else [t - 1, random.Random(t).randint(-1, t - 1)]
        for i, t_prev in enumerate(ends):
            ways = max((len(ways) for ways in numbers.values()), default=1)
            for k in range(ways) if T <= SMALL else [(t + i) % ways]:
                yield (
                    {"t": t}
                    | dict.fromkeys(follows, t_prev)
                    | {name: ways[k % len(ways)] for name, ways in numbers.items()}
                )


def at_every_step(kata: Any, due: Due, source: str) -> None:
    """Raise Failure at the first t that goes wrong, and say at which others; half of the calls are in float32."""
    name = kata.task.function
    for title, schedule in SCHEDULES.items():
        made = list(calls(name, len(schedule.betas)))
        for dtype in (torch.float64, torch.float32):
            half = [call for i, call in enumerate(made) if ((i + i // 2) % 2 == 0) == (dtype == torch.float64)]
            if half:
                _ask(kata, due, source, half, schedule.to(kata.device), dtype, title)


def _ask(
    kata: Any, due: Due, source: str, made: list[Call], schedule: NoiseSchedule, dtype: torch.dtype, title: str
) -> None:
    name = kata.task.function
    like = [k for k, role in signature(name).items() if role == "like"]
    tensors = {k: torch.zeros(EACH * len(like), 2, dtype=dtype, device=kata.device) for k in like}
    for i, tensor in enumerate(tensors.values()):
        tensor[EACH * i : EACH * (i + 1)] = kata.randn(EACH, 2, seed=i, dtype=dtype)
    tables = schedule.to(dtype, copy=True)
    f, shared = kata.function, tensors | {"schedule": tables}
    answers = _answers(f, shared, made)
    exact = {k: v.double() for k, v in tensors.items()}
    together = {k: torch.tensor([c[k] for c in made], device=kata.device).reshape(-1, 1, 1) for k in made[0]}
    expected = due(**exact, **together, schedule=tables.to(torch.float64)).to(dtype)

    def wrong(i: int) -> bool:
        one = exact | made[i] | {"schedule": tables.to(torch.float64)}
        if isinstance(answers[i], SubmissionError):
            return True
        return judged(answers[i], expected[i], 1.0, lambda: float32_error(due, one)) is not None

    suspects = _apart(answers, expected)
    bad = [i for i in suspects if wrong(i)]
    if bad:
        ts = sorted({made[i]["t"] for i in bad})
        few = len(bad) <= len(made) // 4
        listed = ", ".join(map(str, ts)) if len(ts) <= 6 else f"{ts[0]}, {ts[1]}, ..., {ts[-1]} ({len(ts)} of them)"
        only = f"only at t = {listed} of {title}" if few else f"at t = {ts[0]} of {title}"
        if dtype == torch.float32:
            due64 = expected[bad[0]].double()
            in64 = _answer(f, exact | made[bad[0]] | {"schedule": tables.to(torch.float64)})
            only += "" if judged(in64, due64, 1.0, lambda: None) else ", only in float32"
        given = tensors | made[bad[0]] | {"schedule": tables}
        problem = answers[bad[0]]
        if not isinstance(problem, SubmissionError):
            problem = judged(problem, expected[bad[0]], 1.0, lambda: None)
        raise kata.wrong_under(problem, given, only, "", source)


def _answers(f: Any, shared: dict[str, Any], made: list[Call]) -> list[Any]:
    """What comes back of each call; an isolated submission is asked for all of them at once."""
    each = getattr(f, "each", None)
    return each(shared, made) if each else [_answer(f, shared | call) for call in made]


def _answer(f: Any, given: dict[str, Any]) -> Any:
    try:
        return f(**given)
    except SubmissionError as error:
        if error.kind != "crash":
            raise
        return error


def _apart(answers: list, expected: Tensor) -> list[int]:
    """The numbers of the answers that are not what float64 would give."""
    kinds = [type(a) is Tensor and (a.shape, a.dtype) == (expected.shape[1:], expected.dtype) for a in answers]
    if not all(kinds):
        return [i for i, alike in enumerate(kinds) if not alike]
    gap = (torch.stack(answers).detach() - expected).abs()
    close = gap <= EXACT.atol + EXACT.rtol * expected.abs()
    return (~close).flatten(1).any(dim=1).nonzero().flatten().tolist()
