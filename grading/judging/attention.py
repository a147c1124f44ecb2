"""The one call that a test is about: what it prints is kept, and `breakpoint()` stops there.

The checker makes many more, to find out what is wrong with a function. None of those is for the student to see.
"""

from __future__ import annotations

import bdb
import contextlib
import io
import pdb
import sys
from collections.abc import Callable, Iterator
from typing import Any

MOST = 20_000  # characters kept of what a call prints


class Attention:
    """Whether the call under way is the one that a test is about.

    Attributes:
        printed: what the last such call has printed.
        reached: whether it came by a breakpoint.
        right: repeats the first call that did so in this test.
        stopping: whether a breakpoint stops: in a call that is repeated for the debugger, and nowhere else.
    """

    def __init__(self) -> None:
        self.printed = ""
        self.right: Callable[[], Any] | None = None
        self.reached = self.stopping = self.paying = False

    @contextlib.contextmanager
    def attached(self) -> Iterator[None]:
        """For the time of a test: hear what is printed, and decide about breakpoints."""
        self.right = None
        streams, hook, trace = (sys.stdout, sys.stderr), sys.breakpointhook, pdb.set_trace
        sys.stdout, sys.stderr = (_Ear(self, stream) for stream in streams)
        if "pydevd" not in sys.modules:  # an editor's debugger knows better
            sys.breakpointhook = pdb.set_trace = self._breakpoint
        try:
            yield
        finally:
            (sys.stdout, sys.stderr), sys.breakpointhook, pdb.set_trace = streams, hook, trace

    @contextlib.contextmanager
    def paid(self, repeat: Callable[[], Any]) -> Iterator[None]:
        """For the time of the call that a test is about; `repeat` makes it again."""
        self.printed, self.reached, self.paying = "", False, True
        try:
            yield
        finally:
            self.paying = False
            if self.reached and self.right is None:
                self.right = repeat

    def repeat(self, call: Callable[[], Any]) -> None:
        """Make a call again, and stop at its breakpoints. Raises BdbQuit where the student has had enough."""
        self.stopping = self.paying = True
        try:
            with self.attached():
                call()
        except bdb.BdbQuit:
            raise
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
        finally:
            self.stopping = self.paying = False
            sys.settrace(None)

    def _breakpoint(self, *_: Any, **__: Any) -> None:
        self.reached = self.reached or self.paying
        if self.stopping:
            pdb.Pdb(stdout=sys.__stdout__).set_trace(sys._getframe(1))


class _Ear(io.TextIOBase):
    """Stands before a stream: passes on what the call that counts has to say, and nothing else."""

    def __init__(self, attention: Attention, stream: Any) -> None:
        self.attention, self.stream = attention, stream

    def write(self, text: str) -> int:
        if self.attention.paying:
            self.attention.printed += text[: MOST - len(self.attention.printed)]
            self.stream.write(text)
        return len(text)

    def flush(self) -> None:
        self.stream.flush()

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False


ATTENTION = Attention()
