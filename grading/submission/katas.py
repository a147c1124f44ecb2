"""The table of katas and tasks, exercises/katas.toml: every list of functions, modules or tasks follows from it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from grading.submission.errors import UsageError
from grading.submission.toml_rows import checked

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "exercises" / "katas.toml"
HINTS = 3  # a question or a worked number, more than the docstring says, code that runs
AFTER = 5  # the point in a line, why, the other right form, slips that are caught, a question
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


@dataclass(frozen=True)
class Task:
    """One function to write: its id (`4.1`), and what the board, the hints and the rubric say about it."""

    id: str
    function: str
    title: str
    hints: tuple[str, ...]
    module: str
    points: float = 0.0
    optional: bool = False
    after: tuple[str, ...] = ()  # what to read once it is done; see AFTER

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
    optional: bool = False
    picture: str = ""  # what `kata plot NUMBER` draws, and what to look for in it
    look: str = ""

    @property
    def suite(self) -> str:
        """The file of its tests, in tests/."""
        return f"test_{self.number}_{self.module}.py"


@dataclass(frozen=True)
class Quality:
    """What comes after the katas: the samples, judged with the best possible models."""

    number: int
    title: str
    idea: str

    @property
    def suite(self) -> str:
        return f"test_{self.number}_sample_quality.py"


@cache
def katas(table: Path = TABLE) -> tuple[Kata, ...]:
    """Every kata in order, the optional ones last.

    Raises:
        UsageError: the table cannot be read, or a row of it makes no sense; the sentence names the row.
    """
    found = [_kata(row) for row in _read(table).get("kata", [])]
    for what, values in (
        ("number", [str(kata.number) for kata in found] + [str(quality(table).number)]),
        ("module", [kata.module for kata in found]),
        ("task", [task.id for kata in found for task in kata.tasks]),
        ("function", [task.function for kata in found for task in kata.tasks]),
    ):
        for value in values:
            if values.count(value) > 1:
                raise UsageError(f"{table.name} has two rows with {what} {value}")
    return tuple(sorted(found, key=lambda kata: kata.optional))


@cache
def quality(table: Path = TABLE) -> Quality:
    """The row of the sample quality suite."""
    row = checked(TABLE.name, "sample_quality", _read(table).get("sample_quality"), ("number", "title", "idea"))
    return Quality(**row)


def tasks() -> tuple[Task, ...]:
    """Every task of every kata, in order."""
    return tuple(task for kata in katas() for task in kata.tasks)


def required() -> tuple[Task, ...]:
    """The tasks that a submission owes: all but those of optional katas."""
    return tuple(task for task in tasks() if not task.optional)


def task(id: str) -> Task:
    """Look a task up by its id, or raise UsageError."""
    for candidate in tasks():
        if candidate.id == id:
            return candidate
    raise UsageError(f"there is no task {id!r}; the tasks are {', '.join(t.id for t in tasks())}")


def task_of(function: str) -> Task:
    """The task that asks for a function of the contract."""
    return next(task for task in tasks() if task.function == function)


def in_words(count: int) -> str:
    """A count as prose has it: `five`, and 13 from twelve up."""
    return NUMBERS[count] if count < len(NUMBERS) else str(count)


def _read(table: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(table.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{table}: cannot be read ({error.strerror})") from None
    except ValueError as error:  # TOMLDecodeError, UnicodeDecodeError
        raise UsageError(f"{table} is not valid TOML: {error}") from None


def _kata(row: Any) -> Kata:
    name = f"kata {row.get('number', '?')}" if isinstance(row, dict) else "kata"
    row = checked(TABLE.name, name, row, ("number", "module", "title", "idea", "task"), ("optional", "picture", "look"))
    optional, module = row.get("optional", False), row["module"]
    made = tuple(_task(task, row["number"], module, optional) for task in row.pop("task"))
    return Kata(**(row | {"tasks": made, "optional": optional}))


def _task(row: Any, kata: int, module: str, optional: bool) -> Task:
    name = f"task {row.get('id', '?')}" if isinstance(row, dict) else f"a task of kata {kata}"
    needed = ("id", "function", "title", "hints", *(() if optional else ("points",)))
    row = checked(TABLE.name, name, row, needed, ("points", "after"))
    if str(row["id"]).partition(".")[0] != str(kata):
        raise UsageError(f"{TABLE.name}: {name} stands in kata {kata}; give it an id such as {kata}.1")
    if len(row["hints"]) not in (HINTS - 1, HINTS):  # a copy for students may come without the third
        raise UsageError(f"{TABLE.name}: {name} has {len(row['hints'])} hints; give {HINTS}")
    after = tuple(row.get("after", ()))
    if len(after) not in (0, AFTER):
        raise UsageError(f"{TABLE.name}: {name} has {len(after)} entries in after; give {AFTER}, or leave it out")
    return Task(**(row | {"hints": tuple(row["hints"]), "after": after, "module": module, "optional": optional}))


def _sound() -> tuple[Kata, ...]:
    """The table, or nothing where it is wrong: an import does not fail for it, check_table says what is amiss."""
    try:
        return katas()
    except UsageError:
        return ()


FUNCTIONS: dict[str, tuple[str, ...]] = {kata.module: tuple(t.function for t in kata.tasks) for kata in _sound()}
MODULES = tuple(FUNCTIONS)
MODULE_OF = {function: module for module, functions in FUNCTIONS.items() for function in functions}
REQUIRED = tuple(kata.module for kata in _sound() if not kata.optional)
