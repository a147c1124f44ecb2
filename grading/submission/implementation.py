"""One object with every function of the contract, whoever wrote them: the tests and the experiment see nothing else."""

from __future__ import annotations

from bdb import BdbQuit
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from grading.submission.call_limit import LIMIT, Overdue
from grading.submission.device_check import Watch, on_meta
from grading.submission.errors import SubmissionError, submission_error
from grading.submission.folders import NAMED, ROOT, find
from grading.submission.katas import MODULE_OF
from grading.submission.loader import Loader

__all__ = ["NAMED", "ROOT", "Implementation", "Replaced", "find"]


class Implementation:
    """A submission loaded in this process, so that breakpoints work. Names resolve when first called.

    `implementation.q_sample(...)` calls the submission's function; whatever it raises comes out as SubmissionError.

    Attributes:
        seconds: what one call may take, the experiment's network not counted; None for any time. A function that took
            longer is not asked again.
    """

    def __init__(self, folder: Path, seconds: float | None = 20.0) -> None:
        self.folder, self.seconds = folder, seconds
        self._loader = Loader(folder)
        self._overdue: set[str] = set()

    def ask_again(self) -> None:
        """Call functions again that gave no answer in time."""
        self._overdue.clear()

    def __getattr__(self, name: str) -> Callable:
        if name not in MODULE_OF:
            raise AttributeError(f"the contract has no function {name}")

        def call(*args, **kwargs):
            if name in self._overdue:
                raise SubmissionError(name, "timeout", "gave no answer in time; not asked again")
            watch = Watch(name, self.folder) if on_meta((*args, *kwargs.values())) else None
            try:
                with LIMIT.limited(self.seconds) if self.seconds else nullcontext():
                    function = self._loader.function(MODULE_OF[name], name)
                    with watch or nullcontext():
                        result = function(*args, **kwargs)
            except (KeyboardInterrupt, GeneratorExit, BdbQuit, SubmissionError):
                raise
            except BaseException as error:
                if isinstance(error, Overdue):
                    self._overdue.add(name)
                raise submission_error(name, error, self.folder) from error
            if watch:
                watch.check(result)
            return result

        call.__name__ = name
        return call


class Replaced(Implementation):
    """An implementation with other functions in the place of some; what they raise comes out as SubmissionError too."""

    def __init__(self, folder: Path, functions: dict[str, Callable]) -> None:
        super().__init__(folder)
        self._functions = functions

    def __getattr__(self, name: str) -> Callable:
        if name not in self._functions:
            return super().__getattr__(name)

        def call(*args, **kwargs):
            try:
                return self._functions[name](*args, **kwargs)
            except Exception as error:
                raise submission_error(name, error, self.folder) from error

        return call
