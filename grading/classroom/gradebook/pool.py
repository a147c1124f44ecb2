"""Measure many submissions at once on this machine: a few processes, each kept for the next one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator
from queue import Empty, Queue

from grading.classroom.collect import Submission
from grading.classroom.gradebook.job import Terms
from grading.classroom.gradebook.launch import Worker

Answers = Generator[tuple[Submission, str], None, None]  # each submission with its answer, as they arrive
Run = Callable[[list[Submission], Terms], Answers]


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_here(submissions: list[Submission], terms: Terms, workers: int | None = None) -> Answers:
    """Yield each submission with its answer, as they arrive. The cores are shared out among the workers.

    Ended early (an exception, or the iterator closed), it ends every process that it has started.
    """
    workers = min(workers or cores(), len(submissions))
    threads, stop = max(1, cores() // max(workers, 1)), threading.Event()
    waiting: Queue[Submission] = Queue()
    answers: Queue[tuple[Submission, str]] = Queue()
    for submission in submissions:
        waiting.put(submission)

    def work() -> None:
        worker = Worker(threads, stop)
        try:
            while not stop.is_set():
                submission = waiting.get_nowait()
                answers.put((submission, worker.run(terms.job(submission))))
        except Empty:
            pass
        finally:
            worker.close()

    hands = [threading.Thread(target=work, daemon=True) for _ in range(workers)]
    for hand in hands:
        hand.start()
    try:
        for _ in submissions:
            yield answers.get()
    finally:
        stop.set()
        for hand in hands:
            hand.join()
