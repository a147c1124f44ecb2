"""A process that has torch and pytest loaded and runs suites when asked, so that a save is judged in a blink.

It is asked in JSON lines on its standard input and answers in JSON lines on its standard output: `outcome` for each
test as it ends, `end` after the last. Whoever holds it (`Worker`) kills it when the code that it runs does not come
back. Every answer bears the number of its question, since answers to a question given up may still be on their way.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import Any


class Worker:
    """The side that asks. `told(message)` is called from a thread for each answer of the request under way."""

    def __init__(self, told: Callable[[dict[str, Any]], None]) -> None:
        self.told = told
        self.process: subprocess.Popen[str] | None = None
        self.busy, self.asked, self.warm = False, 0, False

    def ask(self, impl: str, files: list[str], *options: str) -> None:
        """Run suites; one that is still running is given up."""
        if self.busy:
            self.stop()
        if self.process is None or self.process.poll() is not None:
            self._start()
        self.busy, self.asked = True, self.asked + 1
        request = {"id": self.asked, "impl": impl, "files": files, "options": options}
        to = self.process.stdin if self.process else None
        with contextlib.suppress(OSError):  # a process that has just died says so by its end
            if to:
                to.write(json.dumps(request) + "\n")
                to.flush()

    def stop(self) -> None:
        """Kill the process, whatever it is doing."""
        process, self.process, self.busy, self.warm = self.process, None, False, False
        if process:
            process.kill()
            process.wait()

    def _start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "grading.cli.watching.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for the asking side
        )
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        for line in process.stdout:
            if process is self.process:
                self.warm = True
                self.told(json.loads(line))
        if process is self.process:
            self.told({"kind": "gone", "id": self.asked, "code": process.wait()})


def main() -> None:
    """The side that answers."""
    answers = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)  # what the student's code prints outside a test must not pass for an answer
    from grading.suites.runner import ROOT, run_suites

    request: dict[str, Any] = {}

    def answer(kind: str, **rest: Any) -> None:
        answers.write(json.dumps({"kind": kind, "id": request["id"], **rest}) + "\n")

    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        try:
            run_suites(
                request["impl"],
                "--capture=fd",
                *request["options"],
                files=[ROOT / "tests" / name for name in request["files"]],
                on_outcome=lambda outcome, done, total: answer("outcome", outcome=asdict(outcome), done=done, of=total),
            )
        except Exception as error:
            answer("error", message=str(error))
        else:
            answer("end")


if __name__ == "__main__":
    main()
