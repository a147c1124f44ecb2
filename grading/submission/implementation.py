"""One object with every function of the contract, whoever wrote them: the tests and the experiment see nothing else."""

from __future__ import annotations

from bdb import BdbQuit
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from grading.submission.call_limit import LIMIT, Overdue
from grading.submission.device_check import Watch
from grading.submission.errors import SubmissionError, submission_error
from grading.submission.folders import NAMED, ROOT, find
from grading.submission.global_state import GlobalState
from grading.submission.katas import MODULE_OF
from grading.submission.loader import Loader
from grading.submission.pretended import Remark

__all__ = ["NAMED", "ROOT", "Implementation", "Replaced", "find"]


class Implementation:
    """A submission loaded in this process, so that breakpoints work. Names resolve when first called.

    `implementation.q_sample(...)` calls the submission's function; whatever it raises comes out as SubmissionError.
    `implementation.q_sample.elsewhere(...)` calls it as if its arguments lay on a GPU: what it returns, and remarks.

    Attributes:
        seconds: what one call may take, the experiment's network not counted; None for any time. A function that took
            longer is not asked again.
    """

    def __init__(self, folder: Path, seconds: float | None = 20.0) -> None:
        self.folder, self.seconds = folder, seconds
        self._loader = Loader(folder)
        self._overdue: set[str] = set()
        self._left: list[Remark] = []

    def anew(self) -> Implementation:
        """The same submission, loaded another time: it remembers no call."""
        return Implementation(self.folder, self.seconds)

    def close(self) -> None:
        """Nothing is left running."""

    def ask_again(self) -> None:
        """Call functions again that gave no answer in time."""
        self._overdue.clear()

    def __getattr__(self, name: str) -> Callable:
        if name not in MODULE_OF:
            raise AttributeError(f"the contract has no function {name}")

        def call(*args: Any, **kwargs: Any) -> Any:
            return self._guarded(name, lambda function: function(*args, **kwargs))

        def elsewhere(*args: Any, **kwargs: Any) -> tuple[Any, list[Remark]]:
            watch = Watch(name, self.folder)
            value = self._guarded(name, lambda function: watch.call(function, args, kwargs))
            return value, [*watch.remarks, *self._left]

        call.__name__, call.elsewhere = name, elsewhere  # type: ignore[attr-defined]
        return call

    def _guarded(self, name: str, call: Callable[[Callable], Any]) -> Any:
        """Call a function of the submission; whatever it raises comes out as SubmissionError."""
        if name in self._overdue:
            raise SubmissionError(name, "timeout", "gave no answer in time; not asked again")
        try:
            with self._limited():
                function = self._function(name)
            before = GlobalState()
            try:
                with self._limited():
                    return call(function)
            finally:  # outside of the limit, which may strike again while its first exception is on its way
                self._put_back(name, before)
        except (KeyboardInterrupt, GeneratorExit, BdbQuit, SubmissionError):
            raise
        except BaseException as error:
            if isinstance(error, Overdue):
                self._overdue.add(name)
            raise submission_error(name, error, self.folder) from error

    def _limited(self) -> AbstractContextManager:
        return LIMIT.limited(self.seconds) if self.seconds else nullcontext()

    def _put_back(self, name: str, before: GlobalState) -> None:
        """Undo what a call has done to the whole process; raise SubmissionError where that falsifies other calls."""
        wrong, odd = before.put_back()
        where = f"{self.folder.name}/{MODULE_OF[name]}.py"
        self._left = [Remark(where, 0, name, what) for what in odd]
        if wrong:
            raise SubmissionError(name, "crash", "; ".join(wrong))

    def _function(self, name: str) -> Callable:
        return self._loader.function(MODULE_OF[name], name)


class Replaced(Implementation):
    """An implementation with other functions in the place of some; what they raise comes out as SubmissionError too."""

    def __init__(self, folder: Path, functions: dict[str, Callable]) -> None:
        super().__init__(folder)
        self._functions = functions

    def anew(self) -> Replaced:
        return Replaced(self.folder, self._functions)

    def _function(self, name: str) -> Callable:
        return self._functions.get(name) or super()._function(name)
