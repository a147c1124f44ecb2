"""Whether a function keeps something from one call to the next, found without knowing what is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from grading.judging.conditions.arguments import arguments
from grading.judging.conditions.asked import OTHER, copied
from grading.judging.conditions.factors import plain, signature
from grading.judging.examples import ANOTHER, COARSE
from grading.judging.observations import seen_as_tensor
from grading.submission.contract import NoiseSchedule, schedule_from
from grading.submission.errors import SubmissionError

OVERWRITTEN = "the answer of an earlier call changes: make a new one for each call"
KEPT = "a second schedule of the same length gets the answer of the first"
# The two schedules that are asked about, each with more entries behind; nobody else asks for so many. Who gives one
# answer for two schedules of a length may not look at the tables at all, or at their length alone: these tell.
LONGER, LONGER_OTHER = (schedule_from(torch.cat([s.betas, s.betas[:n]])) for s, n in ((COARSE, 8), (ANOTHER, 7)))
NOT_AGAIN = "the same call gives another answer after a call with other arguments"
REMEMBERS = "right when it is asked first, and wrong after other calls: something is kept between calls"
MOST_ASKED = 3  # a failure may be one of several calls, and so say nothing; the next may
_asked: WeakKeyDictionary[Any, dict[str, list[bool]]] = WeakKeyDictionary()


def remembers(kata: Any, is_wrong: Callable[[Any], bool] | None = None) -> bool:
    """Whether what goes wrong is right in the same submission loaded anew, where nothing was asked before."""
    name = kata.task.function
    answers = _asked.setdefault(kata.implementation, {}).setdefault(name, [])
    alone = "generator" not in signature(name).values() and hasattr(kata.implementation, "anew")
    if is_wrong and alone and not any(answers) and len(answers) < MOST_ASKED:
        answers.append(False)
        fresh = kata.implementation.anew()
        try:
            answers[-1] = not is_wrong(replace(kata, implementation=fresh))
        except Exception:  # whatever it is, it does not make the answer right
            return False
        finally:
            fresh.close()
    return any(answers)


def kept_between_calls(kata: Any) -> str:
    """What is kept, in a sentence; empty where nothing is, and for a sampler, whose answers differ anyway."""
    name = kata.task.function
    if "generator" in signature(name).values():
        return ""
    row = plain(name)

    def answer(tables: NoiseSchedule | None = None, **ways: Any) -> Any:
        given = arguments(name, row | ways, kata)
        if tables is not None:
            tables = kata.on(tables)
            given |= {"betas": tables.betas} if "betas" in given else {"schedule": tables}
        return seen_as_tensor(kata.function(**given))

    try:
        first = answer()
        kept = copied(first)
        answer(**{factor: way for factor, way in OTHER.items() if factor in row})
        if not _same(first, kept):
            return OVERWRITTEN
        if "schedule" in row and _same(answer(schedule=OTHER["schedule"]), kept):
            uses_tables, uses_length = not _same(answer(LONGER_OTHER), kept), not _same(answer(LONGER), kept)
            if uses_tables and not uses_length:
                return KEPT
        return "" if _same(answer(), kept) else NOT_AGAIN
    except (SubmissionError, TypeError, ValueError, RuntimeError, AttributeError):
        return ""


def _same(left: Any, right: Any) -> bool:
    """Whether two answers are equal; of tables of different lengths, as far as both go."""
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        if left.ndim and right.ndim and left.shape != right.shape:
            count = min(left.shape[-1], right.shape[-1])
            left, right = left[..., :count], right[..., :count]
        return left.shape == right.shape and torch.equal(left.nan_to_num(7.0), right.nan_to_num(7.0))
    return bool(left == right)
