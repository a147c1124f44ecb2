"""Judge the tests that lie beside a submission's code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from grading.proving.run import file_of, run
from grading.proving.verdict import Verdict, judge
from grading.submission.katas import Task


def prove(folder: Path, tasks: list[Task], on_task: Callable[[str], None] | None = None) -> list[Verdict]:
    """Run the tests of some tasks on this machine, as their author trusts them, and say what came of each."""
    seen = run({task.id: file_of(folder, task) for task in tasks}, on_task)
    return [judge(task.id, task.function, seen[task.id]) for task in tasks]
