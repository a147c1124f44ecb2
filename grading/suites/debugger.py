"""`breakpoint()` in a student's function: it stops in the failing call, repeated for the debugger, and nowhere else."""

from __future__ import annotations

import os
import sys
from bdb import BdbQuit
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from grading.judging.attention import ATTENTION
from grading.judging.failure import Failure, Hopeless
from grading.submission.call_limit import LIMIT


class Debugger:
    """Repeats a failing call that came by a breakpoint; where all is right, the first call that did."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.right: Any = None  # the first call that came by a breakpoint, and was right
        self.stopped = False

    @pytest.hookimpl(wrapper=True, trylast=True)  # innermost: within pytest's own capture
    def pytest_runtest_call(self, item: Any) -> Generator[None, Any, Any]:
        if "kata" not in item.fixturenames or not item.get_closest_marker("task"):
            return (yield)
        try:
            with ATTENTION.attached():
                result = yield
        except (Failure, Hopeless) as error:
            failure = error.failure if isinstance(error, Hopeless) else error
            if failure.repeat is not None and not self.stopped and not self._stop(failure.repeat, failure):
                again = next((text for label, text in failure.lines if label == "again"), "pytest")
                failure.lines.insert(0, ("breakpoint", f"cannot stop here; in a terminal of its own: {again}"))
            raise
        if ATTENTION.right is not None and self.right is None:
            self.right = ATTENTION.right
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, Any, Any]:
        result = yield
        if self.right is not None and not session.testsfailed:
            self._stop(self.right, None)
        return result

    def _stop(self, repeat: Callable[[], Any], failure: Failure | None) -> bool:
        """Repeat a call for the debugger; False where nobody can type: in an editor's window, a pipe, a worker."""
        with self._terminal() as free:
            if not free or hasattr(self.config, "workerinput") or os.environ.get("PYTHONBREAKPOINT") == "0":
                return False
            self.stopped = True
            self.config.hook.pytest_enter_pdb(config=self.config, pdb=None)
            print(f"\n{failure.headline if failure else 'All is right. The first call that came by a breakpoint:'}")
            for label, text in failure.lines if failure else ():
                if label in ("called", "looked at"):
                    print(f"  {text}")
            print("  n next line   p x print x   c go on   q leave")
            try:
                ATTENTION.repeat(repeat)
            except BdbQuit:
                raise KeyboardInterrupt from None
        return True

    @contextmanager
    def _terminal(self) -> Iterator[bool]:
        """Standard input and output as they are outside of pytest; whether they are a terminal."""
        capture = self.config.pluginmanager.get_plugin("capturemanager")
        if capture:
            capture.suspend_global_capture(in_=True)
        LIMIT.paused = True
        try:
            yield all(end is not None and end.isatty() for end in (sys.__stdin__, sys.__stdout__))
        finally:
            LIMIT.paused = False
            if capture:
                capture.resume_global_capture()
