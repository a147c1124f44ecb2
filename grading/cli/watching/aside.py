"""A command of ours that runs beside the watch: files are saved and keys pressed while it works; both may end it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

from grading.cli.screen import plain


class Aside:
    """Runs one command at a time. `told(id, shown)` is called from a thread with all that it has shown, at its end."""

    def __init__(self, told: Callable[[int, str], None]) -> None:
        self.told = told
        self.process: subprocess.Popen[str] | None = None

    def run(self, *words: str) -> None:
        """Run `kata` with these words; what ran before is ended."""
        self.stop()
        columns = str(shutil.get_terminal_size().columns)
        colours = {} if plain() else {"KATA_COLOURS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "grading", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,  # a sentence about a wrong argument, or what no sentence was found for
            encoding="utf-8",
            errors="replace",
            env=os.environ | colours | {"PYTHONIOENCODING": "utf-8", "COLUMNS": columns},
            start_new_session=True,  # Ctrl-C is for the watch, which ends all of it
        )
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        shown, complaint = process.communicate()
        said = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|.*\r", "", complaint).strip()
        if process is self.process:
            self.told(process.pid, shown.rstrip() or said.rpartition("\n")[2] or "it said nothing")

    def is_running(self, pid: int) -> bool:
        """Whether it is this command that is waited for."""
        return self.process is not None and self.process.pid == pid

    def stop(self) -> None:
        """End the command, and what it has started with it."""
        process, self.process = self.process, None
        if process is None or process.poll() is not None:
            return
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
