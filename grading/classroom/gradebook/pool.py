"""Grade many submissions at once on this machine: one process for each, a few at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor, as_completed

from grading.classroom.gradebook.collect import Submission
from grading.classroom.gradebook.job import Terms
from grading.classroom.gradebook.launch import launch

Answers = Generator[tuple[Submission, str], None, None]  # each submission with its answer, as they arrive
Run = Callable[[list[Submission], Terms], Answers]


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_here(submissions: list[Submission], terms: Terms, workers: int | None = None) -> Answers:
    """Yield each submission with its answer, as they arrive. The cores are shared out among the workers.

    Ended early (an exception, or the iterator closed), it ends every process that it has started.
    """
    workers = workers or cores()
    threads, stop = max(1, cores() // workers), threading.Event()
    with ThreadPoolExecutor(workers) as pool:
        futures = {pool.submit(launch, terms.job(s), threads, stop): s for s in submissions}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            stop.set()
            for future in futures:
                future.cancel()
