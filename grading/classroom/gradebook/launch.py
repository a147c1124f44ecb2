"""Grade one submission in a process of its own, whose end or silence is a sentence and never ours."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from grading.classroom.gradebook.job import MOST_ANSWER_BYTES, ROOT

LEFT_OUT = ("KATA_IMPL", "PYTEST_ADDOPTS", "PYTHONSAFEPATH")  # these would change what the process does
OVERTIME = 120.0  # seconds beyond the deadline for starting up, for a call under way and for the report
GRACE = 10.0  # seconds for a process that is asked to end, before it is killed
LOOK_EVERY = 0.1


def launch(job: str, threads: int | None = None, stop: threading.Event | None = None) -> str:
    """Run one job to its end; return its answer, as JSON text that `receive` reads.

    The process is `python -m grading.classroom.gradebook.grade_one`. It gets the job on its standard input, which
    stays open: when this process ends in whatever way, the other one notices, and ends with all that it has started.

    Args:
        job: what Terms.job made.
        threads: OMP threads for it; what the environment says if left out, and 1 where it says nothing.
        stop: when set, the process is ended.
    """
    scratch = Path(tempfile.mkdtemp(prefix="kata-gradebook-"))
    try:
        return _run(job, scratch, threads, stop or threading.Event())
    except OSError as error:
        return lost(f"the grader's process could not be run: {error}")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def lost(why: str) -> str:
    """The answer that says that there is none."""
    return json.dumps({"lost": why})


def _run(job: str, scratch: Path, threads: int | None, stop: threading.Event) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    environment["OMP_NUM_THREADS"] = str(threads or environment.get("OMP_NUM_THREADS", 1))
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), environment.get("PYTHONPATH")]))
    most = json.loads(job)["deadline"] + OVERTIME
    with open(scratch / "errors", "wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "grading.classroom.gradebook.grade_one", str(scratch)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
    end = time.monotonic() + most
    try:
        assert process.stdin
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(job.encode() + b"\n")
            process.stdin.flush()
        while process.poll() is None and time.monotonic() < end and not stop.is_set():
            time.sleep(LOOK_EVERY)
        late = process.poll() is None
    finally:
        _end(process)
    if stop.is_set():
        return lost("stopped before it was graded")
    if late:
        return lost(f"no result within {most:g} seconds")
    return _answer(scratch, process.returncode)


def _answer(scratch: Path, code: int) -> str:
    path = scratch / "answer.json"
    if code < 0:
        return lost(f"the grader's process was killed ({signal.Signals(-code).name})")
    if code or not path.exists():
        lines = (scratch / "errors").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lost(f"the grader's process ended with code {code}: {lines[-1] if lines else 'it said nothing'}")
    if path.stat().st_size > MOST_ANSWER_BYTES:
        return lost(f"the report is larger than {MOST_ANSWER_BYTES >> 20} MiB")
    return path.read_text(encoding="utf-8")


def _end(process: subprocess.Popen) -> None:
    """Closing its input asks the process to end, tidily; then it is killed."""
    if process.stdin:
        with contextlib.suppress(OSError):
            process.stdin.close()
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
