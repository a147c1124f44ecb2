"""A test that ended with anything but a Failure, put as one: a sentence, and no traceback of the grader's."""

from __future__ import annotations

import traceback
from pathlib import Path

from grading.judging.failure import Failure, Hopeless
from grading.submission.errors import SubmissionError, describe
from grading.submission.katas import tasks

MOST_TOLD = 300  # characters


def as_failure(id: str, error: BaseException) -> Failure:
    """The failure that a test of the task ended with, or one that says what else it ended with.

    Where a test is too slow while hypothesis repeats it, several errors come as a group, in a group: the first that is
    known speaks for all.
    """
    found = next((e for e in _within(error) if isinstance(e, (Failure, Hopeless, SubmissionError))), error)
    if isinstance(found, Hopeless):
        found = found.failure
    if isinstance(found, Failure):
        return found
    function = next((task.function for task in tasks() if task.id == id), "sample quality")
    if isinstance(found, SubmissionError):
        at = [("at", str(frame)) for frame in found.frames]
        return Failure(id, f"{id} {found.function}: {found.message}", found.kind, at)
    if any(type(e).__name__ == "Failed" and str(e).startswith("Timeout") for e in _within(error)):
        return Failure(id, f"{id} {function}: this test did not end in time", "timeout")
    frames = traceback.extract_tb(error.__traceback__)
    where = [("at", f"{Path(frame.filename).name}:{frame.lineno}") for frame in frames[-1:]]
    return Failure(id, f"{id} {function}: this test could not be run: {describe(error)[:MOST_TOLD]}", "error", where)


def _within(error: BaseException) -> list[BaseException]:
    """The error, and those that are grouped in it."""
    grouped = getattr(error, "exceptions", ())
    return [error, *(inner for e in grouped if isinstance(e, BaseException) for inner in _within(e))]
