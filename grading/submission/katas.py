"""The table of katas and tasks, read from exercises/katas.toml."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from grading.submission.errors import UsageError
from grading.submission.folders import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLE = ROOT / "exercises" / "katas.toml"


@dataclass(frozen=True)
class Task:
    """One function to write: its id (`4.1`), and what the board, the hints and the rubric say about it."""

    id: str
    function: str
    title: str
    points: float
    hints: tuple[str, ...]
    module: str

    @property
    def kata(self) -> int:
        return int(self.id.partition(".")[0])


@dataclass(frozen=True)
class Kata:
    """One module to fill in: its number, its file's stem, its tasks in order."""

    number: int
    module: str
    title: str
    idea: str
    tasks: tuple[Task, ...]


@cache
def katas(table: Path = TABLE) -> tuple[Kata, ...]:
    """Read the table, in order."""
    rows = tomllib.loads(table.read_text(encoding="utf-8"))["kata"]
    return tuple(
        Kata(
            row["number"],
            row["module"],
            row["title"],
            row["idea"],
            tuple(Task(**(task | {"hints": tuple(task["hints"]), "module": row["module"]})) for task in row["task"]),
        )
        for row in rows
    )


def tasks() -> tuple[Task, ...]:
    """Every task of every kata, in order."""
    return tuple(task for kata in katas() for task in kata.tasks)


def task(id: str) -> Task:
    """Look a task up by its id, or raise UsageError."""
    for candidate in tasks():
        if candidate.id == id:
            return candidate
    raise UsageError(f"there is no task {id!r}; the tasks are {', '.join(t.id for t in tasks())}")


def task_of(function: str) -> Task:
    """The task that asks for a function of the contract."""
    return next(task for task in tasks() if task.function == function)
