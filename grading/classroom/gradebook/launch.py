"""Measure submissions in processes of their own, whose end or silence is a sentence and never ours."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from grading.classroom.gradebook.answer import MOST_ANSWER_BYTES
from grading.classroom.gradebook.job import ROOT
from grading.machine.files import scratch_folder

LEFT_OUT = ("KATA_IMPL", "PYTEST_ADDOPTS", "PYTHONSAFEPATH")  # these would change what the process does
OVERTIME = 120.0  # seconds beyond the deadline for starting up, for a call under way and for the report
GRACE = 10.0  # seconds for a process that is asked to end, before it is killed
LOOK_EVERY = 0.05
MOST_JOBS = 200  # of one process; then a fresh one. A start costs as much as a grade, and the walks that it remembers


class Worker:
    """A process `python -m grading.classroom.gradebook.grade_one`, started when needed and kept for the next job.

    It gets its jobs on its standard input, which stays open: when this process ends in whatever way, the other one
    notices, and ends with all that it has started and written.

    Args:
        threads: OMP threads for it; what the environment says if left out, and 1 where it says nothing.
        stop: when set, the process is ended.
    """

    def __init__(self, threads: int | None = None, stop: threading.Event | None = None) -> None:
        self.threads, self.stop = threads, stop or threading.Event()
        self.process: subprocess.Popen[bytes] | None = None
        self.scratch = Path()
        self.jobs = 0

    def run(self, job: str) -> str:
        """Run one job to its end; return its answer, as JSON text that `receive` reads."""
        if self.process is None or self.process.poll() is not None or self.jobs >= MOST_JOBS:
            self.close()
        try:
            if self.process is None:
                self._start()
            return self._run(job)
        except OSError as error:
            self.close()
            return lost(f"the grader's process could not be run: {error.strerror or error}")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closing its input asks the process to end, tidily; then it is killed."""
        process, self.process, self.jobs = self.process, None, 0
        if process is None:
            return
        if process.stdin:
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        shutil.rmtree(self.scratch.parent, ignore_errors=True)

    def _start(self) -> None:
        base = scratch_folder(0o711)  # the sandbox's user must reach its box in tmp, and nothing else
        self.scratch = base / "work"
        self.scratch.mkdir(mode=0o700)
        (base / "tmp").mkdir(mode=0o711)
        environment = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
        environment["OMP_NUM_THREADS"] = str(self.threads or environment.get("OMP_NUM_THREADS", 1))
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), environment.get("PYTHONPATH")]))
        environment["TMPDIR"] = str(base / "tmp")
        try:
            with open(self.scratch / "errors", "wb") as errors:
                self.process = subprocess.Popen(
                    [sys.executable, "-m", "grading.classroom.gradebook.grade_one", str(self.scratch)],
                    cwd=ROOT,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    start_new_session=True,
                )
        except OSError:
            shutil.rmtree(base, ignore_errors=True)
            raise

    def _run(self, job: str) -> str:
        process, answer = self.process, self.scratch / f"answer-{self.jobs}.json"
        assert process
        assert process.stdin
        self.jobs += 1
        most = json.loads(job)["deadline"] + OVERTIME
        end = time.monotonic() + most
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(job.encode() + b"\n")
            process.stdin.flush()
        while not (ended := process.poll() is not None) and not answer.exists():
            if self.stop.is_set():
                self.close()
                return lost("stopped before it was graded")
            if time.monotonic() > end:
                self.close()
                return lost(f"no result within {most:g} seconds")
            time.sleep(LOOK_EVERY)
        text = self._answer(answer, process.poll() if ended else 0)
        if ended:
            self.close()
        return text

    def _answer(self, path: Path, code: int | None) -> str:
        if code and code < 0:
            return lost(f"the grader's process was killed ({signal.Signals(-code).name})")
        if not path.exists():
            lines = (self.scratch / "errors").read_text(encoding="utf-8", errors="replace").strip().splitlines()
            return lost(f"the grader's process ended with code {code}: {lines[-1] if lines else 'it said nothing'}")
        if path.stat().st_size > MOST_ANSWER_BYTES:
            return lost(f"the report is larger than {MOST_ANSWER_BYTES >> 20} MiB")
        text = path.read_text(encoding="utf-8")
        path.unlink()
        return text


_kept = threading.local()


def launch(job: str) -> str:
    """Run one job in this thread's own process, which is kept for the thread's next job and ends with this process."""
    if not hasattr(_kept, "worker"):
        _kept.worker = Worker()
    return _kept.worker.run(job)


def lost(why: str) -> str:
    """The answer that says that there is none."""
    return json.dumps({"lost": why})
