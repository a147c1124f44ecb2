"""A deadline of one's own, before the platform's that throws everything away: what is known by then counts."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from grading.submission.contract import MODULE_OF
from grading.submission.errors import SubmissionError

Progress = Callable[[str, int, int], None]


class OutOfTime(BaseException):
    """The time is over in the middle of a call. No `except Exception` on the way may take it for something else."""


class Deadline:
    """So many seconds from now; None for no end."""

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = math.inf if seconds is None else seconds
        self.end = time.monotonic() + self.seconds

    @property
    def remaining(self) -> float:
        """Seconds left, at least 0."""
        return max(self.end - time.monotonic(), 0.0)

    def __str__(self) -> str:
        return f"not run to its end: the {self.seconds:g} seconds of this grade are over"

    def check(self) -> None:
        """Raise OutOfTime once the time is over."""
        if not self.remaining:
            raise OutOfTime(str(self))

    def watched(self, progress: Progress | None) -> Progress:
        """The same progress, which ends the call that tells of it once the time is over."""

        def told(stage: str, done: int, total: int) -> None:
            self.check()
            if progress:
                progress(stage, done, total)

        return told


class InTime:
    """An implementation whose functions are not called any more once the time is over: they fail and say why."""

    def __init__(self, implementation: Any, deadline: Deadline) -> None:
        self._implementation, self._deadline = implementation, deadline

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._implementation, name)
        if name not in MODULE_OF:
            return found
        call = self._in_time(name, found)
        for way in ("elsewhere", "each"):
            if hasattr(found, way):
                setattr(call, way, self._in_time(name, getattr(found, way)))
        return call

    def _in_time(self, name: str, function: Callable) -> Callable:
        def call(*args: Any, **kwargs: Any) -> Any:
            if not self._deadline.remaining:
                raise SubmissionError(name, "timeout", str(self._deadline))
            try:
                return function(*args, **kwargs)
            except OutOfTime:
                raise SubmissionError(name, "timeout", str(self._deadline)) from None
            except SubmissionError as error:
                if error.kind in ("timeout", "gone") and not self._deadline.remaining:
                    raise SubmissionError(name, "timeout", str(self._deadline)) from None
                raise

        call.__name__ = name
        return call
