"""What holds while a student's tests run: no files, no other programs, and a limit of time."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from grading.submission.call_limit import LIMIT

SECONDS = 2.0  # of processor time, for one test on one implementation
CHANGES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod")
STARTS = ("subprocess.Popen", "os.system", "os.fork", "os.exec", "os.posix_spawn", "os.spawn", "socket.connect")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class OutOfBounds(Exception):
    """A test tried to write a file, or to start something."""


class Guard:
    """Stops what tests have no business with, and notes it. An audit hook stays for ever: one for the process."""

    def __init__(self) -> None:
        self.on, self.hooked = False, False
        self.tried = ""

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Stop such things in the block."""
        if not self.hooked:
            sys.addaudithook(self._look)
        self.on, self.hooked, self.tried = True, True, ""
        try:
            yield
        finally:
            self.on = False

    def _look(self, event: str, args: tuple) -> None:
        if not self.on:
            return
        if event == "open" and isinstance(args[2], int) and args[2] & WRITING and str(args[0]) != os.devnull:
            self.tried = f"writes a file, {Path(str(args[0])).name}"
        elif event in CHANGES:
            self.tried = f"changes files ({event})"
        elif event in STARTS:
            self.tried = f"starts something else ({event})"
        else:
            return
        raise OutOfBounds(self.tried)


GUARD = Guard()


class Bounds:
    """What holds while code of a student's runs here: the guard, and the limit of time where there is one."""

    seconds: float | None = SECONDS

    @contextlib.contextmanager
    def around(self, times: float = 1) -> Iterator[None]:
        with GUARD.watching():
            if self.seconds is None:
                yield
                return
            with LIMIT.limited(times * self.seconds):
                yield


BOUNDS = Bounds()
