"""A call, or a look at one: what came back is judged, and what is wrong becomes the few lines that a student reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from grading.judging.attention import ATTENTION
from grading.judging.compare import EXACT, Mismatch, Tolerance, dtype_name, mismatch, number
from grading.judging.diagnosis import Finding, diagnose
from grading.judging.failure import Failure, Hopeless
from grading.judging.observations import (
    HOPELESS,
    Probe,
)
from grading.judging.rounding import narrow, right_in_float32
from grading.submission.errors import Frame, SubmissionError, describe

if TYPE_CHECKING:
    from grading.judging.checker import Checker

ADVICE = {
    "todo": "write the body of the function, then run again",
    "load": "repair the file first; the tests of the other files run without it",
    "timeout": "look for a loop that never ends, or for work done once per sample",
    "not a number": "look for 0 / 0, and for the root or the logarithm of a negative number",
    "infinite value": "look for a division by 0, and for the logarithm of 0",
    "gone": "the process that ran it ended; nothing in these functions may exit or use up the memory",
}

OF_ITS_FORM = ("wrong dtype", "wrong device", "wrong type")
SCREEN = 22  # lines of a failure: 24 less what the runner writes around it
Line = tuple[str, str]


@dataclass(frozen=True)
class Observation:
    """A call, or a look at one, whose result is still to be judged."""

    checker: Checker
    probe: Probe
    called: str
    where: str
    elsewhere: bool = False
    of_form: bool = False
    locate: Callable[[], tuple[Frame, ...]] = lambda: ()
    error: Callable[[], Tensor | None] = lambda: None
    only: str = ""
    tried: str = ""
    default: torch.dtype = torch.float32

    def gives(self, expected: Any, source: str, tolerance: Tolerance = EXACT, also: Iterable[Any] = ()) -> None:
        """Raise Failure unless what the probe sees is `expected`, or one of `also`, which is right in its own way.

        `source` says where the number that is expected comes from.
        """
        from grading.judging.conditions import state  # here: the first screen of stubs has no use for it

        others = list(also)

        def wrong(seen: Any) -> Mismatch | None:
            difference = mismatch(seen, expected, tolerance)
            if difference is None or right_in_float32(difference, seen, expected, tolerance, self.error):
                return None
            return difference if all(mismatch(seen, other, tolerance) for other in others) else None

        seen = self.seen()
        difference = wrong(seen)
        if difference is not None:
            if difference.problem == "wrong value":
                state.remembers(self.checker, lambda kata: wrong(self.probe(kata.function)) is not None)
            raise self._noted(self._failure(difference, seen, source, tolerance))

    def of_the_form_of(self, like: Tensor, source: str) -> None:
        """Raise Failure unless a tensor is seen that has the shape and dtype of another."""
        seen = self.seen()
        difference = mismatch(
            torch.zeros_like(seen.detach()) if isinstance(seen, Tensor) else seen, torch.zeros_like(like)
        )
        if difference is not None:
            raise self._failure(difference, seen, source, EXACT)

    def lies_within(self, low: float, high: float, source: str) -> None:
        """Raise Failure unless the number seen lies in a closed interval; `source` derives the interval."""
        seen = self.seen()
        if not (isinstance(seen, float) and low <= seen <= high):
            got = number(seen) if isinstance(seen, float) else str(seen)
            difference = Mismatch("out of bounds", got, f"from {number(low)} to {number(high)}")
            raise self._noted(self._failure(difference, seen, source, Tolerance(0.0, (high - low) / 2)))

    def seen(self) -> Any:
        """What the probe sees; an error of the submission becomes a Failure."""
        try:
            with ATTENTION.paid(self.repeat):
                return self.probe(self.checker.function)
        except SubmissionError as error:
            failure = self._noted(self._error(error))
            raise (Hopeless(failure) if error.kind in HOPELESS else failure) from error
        except (TypeError, ValueError, RuntimeError, AttributeError, IndexError) as error:
            lines = [self._looked_at(), ("because", describe(error))]
            raise self._noted(self.checker.fail("what came back cannot be used", *lines)) from error

    def _noted(self, failure: Failure) -> Failure:
        """The failure with what the call printed, and the call itself where it came by a breakpoint."""
        failure.printed = ATTENTION.printed
        failure.repeat = self.repeat if ATTENTION.reached else None
        return failure

    def repeat(self) -> None:
        """Make the same call again."""
        if hasattr(self.checker.implementation, "ask_again"):
            self.checker.implementation.ask_again()
        self.probe(self.checker.function)

    def _looked_at(self) -> tuple[str, str]:
        """The call, or what else was looked at."""
        return "called" if self.called.startswith(f"{self.checker.task.function}(") else "looked at", self.called

    def _failure(self, difference: Mismatch, seen: Any, source: str, tolerance: Tolerance) -> Failure:
        from grading.judging.conditions import state  # here: the first screen of stubs has no use for it

        is_sentence = difference.problem == difference.got
        exact = difference.problem != "wrong value" or not isinstance(seen, (Tensor, float)) or not tolerance.rtol
        bound = "" if exact else f", tolerance {tolerance.rtol:g}"
        lines = [self._looked_at(), *(("at", str(frame)) for frame in self.locate()[-1:])]
        lines += [] if is_sentence else [("got", difference.got)]
        lines += [("expected", difference.expected), ("because", f"{source}{bound}")]
        if difference.problem in ("not a number", "infinite value"):
            lines.append(("do", ADVICE[difference.problem]))
        if self.default != torch.float32:
            name = dtype_name(self.default)
            lines.append(("default", f"torch's default dtype is {name} for this call, so {name} is due"))
        where = (f" at {self.where}" if self.where else "") + (f", {self.only}" if self.only else "")
        lines += [("tried", self.tried)] if self.tried else []
        value = difference.problem == "wrong value"
        kept = state.kept_between_calls(self.checker) if value else ""
        if value and not kept and state.remembers(self.checker):
            kept = state.REMEMBERS
        telling = (state.KEPT, state.OVERWRITTEN, state.REMEMBERS)
        by_itself = difference.problem not in OF_ITS_FORM and kept not in telling
        known = self._finding(value) if by_itself else None  # else every factor would be another call's
        if value and known is None and not kept and (said := narrow(seen)):
            lines.append(("dtype", said))
        if kept and (known is None or "other calls" in known.says):  # else what was measured is the cause
            lines.append(("also", kept))
        return self._told(f"{difference.problem}{where}", lines, known)

    def _error(self, error: SubmissionError) -> Failure:
        task = self.checker.task
        lines = [self._looked_at()] if error.kind in ("crash", "timeout", "gone") else []
        lines += [("at", str(frame)) for frame in error.frames[-3:]]
        if error.kind == "todo" and not error.frames:
            lines += [("file", f"{task.module}.py")]
        if error.kind in ADVICE:
            lines += [("do", ADVICE[error.kind])]
        message = "not written yet" if error.kind == "todo" else error.message
        if self.elsewhere and error.kind == "crash":
            lines.append(("raised", message))
            message = "would fail on a GPU"
            lines.append(("do", "make new tensors with device=x.device"))
        message += f", {self.only}" if self.only else ""
        lines += [("tried", self.tried)] if self.tried else []
        return self._told(message, lines, self._finding() if error.kind == "crash" else None, error.kind)

    def _finding(self, value: bool = False) -> Finding | None:
        """What was measured; not where a form is looked at, or a device, unless a value is wrong there."""
        skipped = self.of_form or (self.elsewhere and not value)
        return None if skipped else diagnose(self.checker.implementation, self.checker.task.function)

    def _told(self, problem: str, lines: list[Line], known: Finding | None, kind: str = "wrong") -> Failure:
        """The failure with as many lines of the finding as fit on one screen."""
        found = list(known.lines) if known else []
        says = f"{self.checker.task.function}: {known.choice or known.says}" if known else None
        while True:
            failure = self.checker.fail(problem, *lines, *found, kind=kind, misconception=says)
            if not found or len(str(failure).splitlines()) <= SCREEN:
                return failure
            found.pop()
