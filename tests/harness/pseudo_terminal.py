"""A program on a pseudo-terminal of 24 lines of 80 columns, as a student has it."""

import os
import re
import select
import subprocess
import sys
import time

KATA = [sys.executable, "-m", "grading"]
PYTEST = [sys.executable, "-m", "pytest", "-pno:cacheprovider"]


class Program:
    """Runs until it ends; `until` reads what it shows, `type` answers."""

    def __init__(self, command, folder, **environment):
        import fcntl
        import pty
        import struct
        import termios

        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("KATA_", "PYTEST_"))}
        ends = dict.fromkeys(("stdin", "stdout", "stderr"), theirs)
        self.process = subprocess.Popen(
            command, cwd=folder, env=kept | {"TERM": "xterm"} | environment, start_new_session=True, **ends,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(theirs)
        self.shown = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.ours)

    def until(self, text, seconds=100):
        """What was shown since the last time, up to a text that must come."""
        start, deadline = len(self.shown), time.monotonic() + seconds
        while text not in self.shown[start:]:
            assert time.monotonic() < deadline, self.shown[start:]
            assert self._read(), self.shown[start:]
        return plain(self.shown[start:])

    def rest(self):
        """What is shown until the end, and the exit code."""
        start = len(self.shown)
        while self._read():
            pass
        return plain(self.shown[start:]), self.process.wait(60)

    def type(self, text):
        os.write(self.ours, text.encode())

    def _read(self):
        if not select.select([self.ours], [], [], 60)[0]:
            return False
        try:
            read = os.read(self.ours, 65536)
        except OSError:  # Linux: the other end is closed
            return False
        self.shown += read.decode(errors="replace")
        return bool(read)


def plain(text):
    """Without colours and cursor movements."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
