"""Single keys from a terminal, without Enter, while the rest of the program goes on; none without a terminal."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.)?")  # an arrow or function key (ECMA-48, 5.4), or Escape alone


@contextmanager
def keys(pressed: Callable[[str], None]) -> Iterator[bool]:
    """Call `pressed` from a thread for each key; yields whether there are keys. Puts the terminal back at the end."""
    if not (sys.stdin and sys.stdin.isatty()):
        yield False
        return
    stop = threading.Event()
    thread = threading.Thread(target=_read, args=(pressed, stop), daemon=True)
    with _unbuffered():
        thread.start()
        try:
            yield True
        finally:
            stop.set()
            thread.join(1)


if sys.platform == "win32":
    import msvcrt

    @contextmanager
    def _unbuffered() -> Iterator[None]:
        yield

    def _read(pressed: Callable[[str], None], stop: threading.Event) -> None:
        while not stop.is_set():
            if msvcrt.kbhit():
                pressed(msvcrt.getwch())
            else:
                time.sleep(0.05)

else:
    import select
    import termios
    import tty

    @contextmanager
    def _unbuffered() -> Iterator[None]:
        """cbreak: keys come one by one and unseen, Ctrl-C and line ends of what is printed stay as they are."""
        terminal = sys.stdin.fileno()
        before = termios.tcgetattr(terminal)
        try:
            tty.setcbreak(terminal)
            yield
        finally:
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)

    def _read(pressed: Callable[[str], None], stop: threading.Event) -> None:
        terminal = sys.stdin.fileno()
        while not stop.is_set():
            if not select.select([terminal], [], [], 0.1)[0]:
                continue
            typed = os.read(terminal, 64).decode(errors="ignore")
            if not typed:
                return  # the terminal is gone
            for key in SEQUENCE.sub("", typed):  # what was typed behind an arrow key is read with it, and counts
                pressed(key)
