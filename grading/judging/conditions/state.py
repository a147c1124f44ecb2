"""Whether a function keeps something from one call to the next, found without knowing what is right."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from grading.judging.conditions.arguments import arguments
from grading.judging.conditions.asked import OTHER
from grading.judging.conditions.factors import plain, signature
from grading.judging.observations import seen_as_tensor
from grading.submission.errors import SubmissionError

OVERWRITTEN = "the answer of an earlier call changes: make a new tensor for each answer"
KEPT = "a second schedule of the same length gets the answer of the first"
NOT_AGAIN = "the same call gives another answer after a call with other arguments"


def kept_between_calls(kata: Any) -> str:
    """What is kept, in a sentence; empty where nothing is, and for a sampler, whose answers differ anyway."""
    name = kata.task.function
    if "generator" in signature(name).values():
        return ""
    row = plain(name)

    def answer(**ways: Any) -> Any:
        return seen_as_tensor(kata.function(**arguments(name, row | ways, kata)))

    try:
        first = answer()
        kept = first.detach().clone() if isinstance(first, Tensor) else first
        answer(**{factor: way for factor, way in OTHER.items() if factor in row})
        if not _same(first, kept):
            return OVERWRITTEN
        if "schedule" in row and _same(answer(schedule=OTHER["schedule"]), kept):
            return KEPT
        return "" if _same(answer(), kept) else NOT_AGAIN
    except (SubmissionError, TypeError, ValueError, RuntimeError, AttributeError):
        return ""


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        return left.shape == right.shape and torch.equal(left.nan_to_num(7.0), right.nan_to_num(7.0))
    return bool(left == right)
