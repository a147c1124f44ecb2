"""Ctrl-C ends this process within a second, with one line and code 130, whatever it is doing.

It raises KeyboardInterrupt as ever, and nearly always that is all. But a student's bare `except:` can catch that, and
an import or a long operation can delay it. So a thread waits a moment, and if the process is still there, ends it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

CODE = 130
GRACE = 0.5  # seconds to leave in good order
SHOW_CURSOR = "\x1b[?25h"


class _State:
    happened = False  # from the first Ctrl-C on: whatever is raised afterwards comes from it
    installed = False
    restore: Callable[[], None] = staticmethod(lambda: None)  # puts the terminal's settings back
    outputs: tuple[tuple[int, int], ...] = ()  # where standard output and error lead, whatever pytest turns them to


def install() -> None:
    """From now on, for this process. For programs alone: a notebook's kernel outlives an interrupt."""
    if _State.installed or threading.current_thread() is not threading.main_thread():
        return
    _State.installed = True
    _State.restore = staticmethod(_terminal())
    _State.outputs = tuple((os.dup(number), number) for number in (1, 2))
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    usual = sys.excepthook

    def uncaught(kind: Any, error: Any, trace: Any) -> None:
        if _State.happened:
            leave()
        usual(kind, error, trace)

    sys.excepthook = uncaught
    signal.signal(signal.SIGINT, _interrupt)
    signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)  # written to at once, whatever Python is doing
    threading.Thread(target=_wait, args=(ours, theirs), name="Ctrl-C", daemon=True).start()


def is_program(*names: str) -> bool:
    """Whether this process was started as a program of one of these names, or as `python -m NAME`."""
    path = Path(sys.argv[0] if sys.argv else "")
    return path.stem in names or (path.stem == "__main__" and path.parent.name in names)


def happened() -> bool:
    """Whether Ctrl-C was pressed: what is raised from then on comes from it, whatever it says."""
    return _State.happened


def say() -> None:
    """The one line, and the cursor."""
    for kept, number in _State.outputs:
        os.dup2(kept, number)
    movable = os.isatty(2) and os.environ.get("TERM") != "dumb"
    with contextlib.suppress(OSError):
        os.write(2, (f"\r{SHOW_CURSOR}\x1b[K" * movable + "stopped\n").encode())


def leave() -> NoReturn:
    """End this process at once, and what it has started with it."""
    with contextlib.suppress(Exception):
        _State.restore()
    say()
    sandbox = sys.modules.get("grading.isolation.sandbox")
    if sandbox is not None:
        with contextlib.suppress(Exception):
            sandbox.abandon()
    os._exit(CODE)


def _interrupt(_: int, frame: FrameType | None) -> None:
    _State.happened = True
    if not threading.main_thread().is_alive():
        leave()  # what runs at exit has no `except` around it
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            leave()  # an import that is broken off half way may take the interpreter with it
        frame = frame.f_back
    raise KeyboardInterrupt


def _wait(ours: socket.socket, theirs: socket.socket) -> None:
    """Wait for the signal. `theirs` is held here, so that it stays open."""
    while True:
        if signal.SIGINT not in ours.recv(64) or _debugged():
            continue
        time.sleep(GRACE)
        leave()


def _debugged() -> bool:
    """Whether a student is in the debugger: Ctrl-C is the debugger's there."""
    limit = sys.modules.get("grading.submission.call_limit")
    return limit is not None and limit.LIMIT.paused


def _terminal() -> Callable[[], None]:
    """What puts the terminal's settings back."""
    settings: list[Any] = []
    with contextlib.suppress(Exception):  # ImportError, or termios.error where standard input is no terminal
        import termios

        settings = termios.tcgetattr(0)

    def restore() -> None:
        if settings:
            termios.tcsetattr(0, termios.TCSANOW, settings)

    return restore
