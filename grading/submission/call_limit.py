"""A limit for one call of a student's function, on every system: a thread looks at the clock, and ends the call.

What ends it is an exception that is raised in the calling thread between two of its steps, so that the traceback names
the line that was running. Nothing here asks for a signal or a process: Windows, notebooks and threads have it too.
"""

from __future__ import annotations

import contextlib
import ctypes
import inspect
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

TICK = 0.1  # seconds between two looks at the clock
LOADED = 4.0  # a machine that is busy elsewhere gives a call at least a quarter of a processor
DEAF = 3.0  # seconds that a call may go on after it was told to end
# Where the grader's own network is at work, or waited for.
NOT_COUNTED = tuple(os.sep + os.path.join("grading", room) + os.sep for room in ("experiment", "isolation"))


class Overdue(BaseException):
    """The time is over in the middle of a call. No `except Exception` on the way may take it for something else."""


class CallLimit:
    """Ends calls that take too long. One for the process; see `limited`.

    Attributes:
        deaf: called as deaf(frame) where a call goes on all the same, with the frame that runs: a bare `except:` can
            catch anything, and a single operation can last for ever. Nothing is called where it is None.
        paused: whether a debugger holds the call.
        loaded: how many times its seconds a call may take by the clock on the wall: the machine may be busy elsewhere.
    """

    def __init__(self) -> None:
        self.deaf: Callable[[FrameType], None] | None = None
        self.paused = False
        self.loaded = LOADED
        self._lock = threading.Lock()
        self._call: _Call | None = None
        self._thread: threading.Thread | None = None
        self._work = threading.Event()

    @contextlib.contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Raise Overdue in the block once it has had so many seconds; a block within a block is part of the outer."""
        if self._call is not None or _debugged():
            yield
            return
        call = _Call(seconds)
        self._start()
        with self._lock:  # or a look that has just found no call would have the watch wait all the same
            self._call = call
        self._work.set()
        try:
            yield
        finally:
            self._call = None
            with self._lock:  # nobody is telling now, or ever again; what was told and not yet heard is taken back
                if call.told:
                    _raise_in(call.thread, None)

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._watch, name="call limit", daemon=True)
            self._thread.start()
            if threading.current_thread() is threading.main_thread() and hasattr(signal, "SIGUSR1"):
                signal.signal(signal.SIGUSR1, _overdue)  # wakes a call that sleeps

    def _watch(self) -> None:
        while True:
            self._work.wait()
            time.sleep(TICK)
            self._look()

    def _look(self) -> None:
        """Look at the call under way, and keep no frame of it: what it leaves is freed in its own thread, not here."""
        with self._lock:
            call = self._call
            if call is None:
                self._work.clear()
                return
            frame = sys._current_frames().get(call.thread)
            if frame is None or not call.runs(frame):
                self._call = None  # it has ended in the same moment as its time
            elif call.over(frame, self.paused, self.loaded):
                call.tell()
        if self.deaf and frame and call.told and call.told_for > DEAF:
            self.deaf(frame)


class _Call:
    def __init__(self, seconds: float) -> None:
        self.seconds, self.thread = seconds, threading.get_ident()
        self.frame = _waiting(sys._getframe(1))
        self.wall, self.processor = time.monotonic(), -1.0
        self.spent_wall = self.spent_processor = 0.0
        self.told = 0.0

    def runs(self, frame: FrameType | None) -> bool:
        """Whether the function that made the call is still waiting for it."""
        while frame is not None and frame is not self.frame:
            frame = frame.f_back
        return frame is not None

    def over(self, frame: FrameType, paused: bool, loaded: float) -> bool:
        """Count the time since the last look, where it was the call's own, and tell whether it is too much."""
        wall, processor = time.monotonic(), time.process_time()
        if self.processor < 0:  # most calls end before the first look: none is slowed down by reading this clock
            self.processor = processor - (wall - self.wall)
        if not paused and not _not_its_own(frame):
            self.spent_wall += wall - self.wall
            self.spent_processor += processor - self.processor
        self.wall, self.processor = wall, processor
        busy = min(self.spent_wall, self.spent_processor)
        return not paused and (busy >= self.seconds or self.spent_wall >= loaded * self.seconds)

    def tell(self) -> None:
        _raise_in(self.thread, Overdue)
        self.told = self.told or time.monotonic()
        if self.told_for > 1 and self.thread == threading.main_thread().ident and hasattr(signal, "pthread_kill"):
            with contextlib.suppress(OSError):  # a sandbox may forbid it
                signal.pthread_kill(self.thread, signal.SIGUSR1)

    @property
    def told_for(self) -> float:
        return time.monotonic() - self.told


def _waiting(frame: FrameType) -> FrameType:
    """The function with the `with`: the first that stays on the stack, below context managers and contextlib."""
    while frame.f_back and (frame.f_code.co_flags & inspect.CO_GENERATOR or frame.f_code.co_filename == _CONTEXTLIB):
        frame = frame.f_back
    return frame


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Have another thread raise an exception before its next step; None takes back what it has not raised yet."""
    raised = ctypes.py_object(error) if error else ctypes.py_object()
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)


def _overdue(*_: object) -> None:
    raise Overdue


def _not_its_own(frame: FrameType | None) -> bool:
    """Whether the experiment's network is at work, or a library that is being imported: torch does so late, and slowly.

    Looks from the innermost function outwards, as far as the first that is neither torch's nor Python's.
    """
    while frame is not None:
        file = frame.f_code.co_filename
        if any(room in file for room in NOT_COUNTED) or file.startswith("<frozen importlib"):
            return True
        if "-packages" not in file and not file.startswith((_PYTHON, "<")):
            return False
        frame = frame.f_back
    return False


_CONTEXTLIB = contextlib.__file__
_PYTHON = str(Path(os.__file__).parent)


def _debugged() -> bool:
    """Whether an editor's debugger is attached, or another that traces: it may hold a call as long as it likes."""
    return sys.gettrace() is not None or "pydevd" in sys.modules


LIMIT = CallLimit()
