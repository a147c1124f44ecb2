"""Run students' tests in a process of their own, and end it when it does not come back."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grading.proving.implementations import has
from grading.submission.katas import ROOT, Task, tasks

PATIENCE = 60.0  # seconds without a word; a test has far less, and says when it begins


@dataclass
class Seen:
    """What a file of tests did.

    Attributes:
        outcomes: of each test on each implementation.
        unread: what kept the file from being read.
        rights: the right implementations: name, and why each is right.
        wrongs: the wrong ones: the slip, and what a test could ask.
        running: the test that began last.
        ended: how the process ended before its time; else empty.
    """

    outcomes: list[dict[str, Any]] = field(default_factory=list)
    unread: list[dict[str, Any]] = field(default_factory=list)
    rights: list[tuple[str, str]] = field(default_factory=list)
    wrongs: list[tuple[str, str]] = field(default_factory=list)
    running: str = ""
    ended: str = ""

    def take(self, message: dict[str, Any]) -> None:
        if message["kind"] == "begin":
            self.rights, self.wrongs = message["rights"], message["wrongs"]
        elif message["kind"] == "outcome":
            self.outcomes.append(message)
        elif message["kind"] == "unread":
            self.unread.append(message)
        elif message["kind"] == "start":
            self.running = message["test"]
        elif message["kind"] == "end" and message["code"] not in (0, 1, 2, 5):
            self.ended = "pytest could not run it"


def provable() -> list[Task]:
    """The tasks that have implementations to tell apart."""
    return [task for task in tasks() if has(task.function)]


def file_of(folder: Path, task: Task) -> Path:
    """Where the tests of a task are, beside the code of a submission."""
    return folder / "tests" / f"test_{task.id.replace('.', '_')}.py"


def run(files: dict[str, Path], on_task: Callable[[str], None] | None = None) -> dict[str, Seen]:
    """Run files of tests, by the id of their tasks; a file that ends or hangs the process costs only itself."""
    functions = {task.id: task.function for task in provable()}
    left, seen = dict(files), {id: Seen() for id in files}
    while left:
        current = None
        for message in _messages([[id, functions[id], str(path.resolve())] for id, path in left.items()]):
            if message["kind"] == "silent":
                break
            id = message["task"]
            if message["kind"] == "begin":
                current = id
                seen[id].take(message)
                if on_task:
                    on_task(id)
            elif message["kind"] == "done":
                current = None
                left.pop(id)
            else:
                seen[id].take(message)
        else:
            message = {"kind": "gone"}
        if left:
            lost = current or next(iter(left))
            never = message["kind"] == "silent"
            seen[lost].ended = "never ends" if never else "ends the process that it runs in"
            left.pop(lost)
    return seen


def _messages(order: list[list[str]]) -> Any:
    """What the session tells, line by line; `silent` as the last where it had to be ended."""
    told: queue.Queue[str | None] = queue.Queue()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    with tempfile.TemporaryDirectory(prefix="kata-prove-") as empty:
        process = subprocess.Popen(
            [sys.executable, "-m", "grading.proving.session"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=empty,
            env=environment,
        )
        assert process.stdin
        assert process.stdout
        threading.Thread(target=_read, args=(process.stdout, told), daemon=True).start()
        try:
            process.stdin.write(json.dumps(order))
            process.stdin.close()
            while True:
                line = told.get(timeout=PATIENCE)
                if line is None:
                    return
                yield json.loads(line)
        except queue.Empty:
            yield {"kind": "silent"}
        finally:
            process.kill()
            process.wait()


def _read(lines: Any, told: queue.Queue[str | None]) -> None:
    for line in lines:
        told.put(line)
    told.put(None)
