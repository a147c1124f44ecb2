"""The file that a student writes tests in: made when it is asked for, with one example, and never written over."""

from __future__ import annotations

from pathlib import Path

from grading.isolation.submission_files import read_regular
from grading.machine.files import write_whole
from grading.proving import implementations
from grading.proving.run import file_of
from grading.submission.errors import UsageError
from grading.submission.katas import Task
from grading.submission.signatures import SOLUTIONS

STUB = '''"""Your tests of {id} {function}: what must be true of its answer, whoever wrote it?

A good test accepts every right implementation, also one that works in float32 or adds in another order, and refuses a
wrong one. It asks for something that you can know without the formula: a variance, what happens at both ends, that
twice as much in gives twice as much out, an inverse, a limit. One property for each test, in about five lines, and a
name that says it.

What a test may ask for, as its arguments:

    {function}: right and wrong implementations, one after the other
    schedule_of: schedule_of([0.1, 0.2, 0.3]) has .betas, .alphas and .alphas_cumprod, made from these betas

Run them with: kata prove {id}
"""

import pytest
import torch

{example}'''


def untouched(path: Path, task: Task) -> bool:
    """Whether a file of tests is still as it was made."""
    return (read_regular(path) or b"").decode("utf-8", "replace").split() == _stub(task).split()


def _stub(task: Task) -> str:
    return STUB.format(id=task.id, function=task.function, example=implementations.of(task.function).example)


def write_stub(folder: Path, task: Task) -> bool:
    """Write the file of a task, beside the code; whether there was none."""
    path = file_of(folder, task)
    if path.exists():
        return False
    if folder == SOLUTIONS:
        raise UsageError("the solutions have no tests of their own; name your folder with --impl, or leave it out")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, _stub(task))
    return True
