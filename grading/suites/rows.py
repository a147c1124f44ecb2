"""The rows of the board, as lines that fit the terminal."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path
from typing import NamedTuple

from grading.judging.failure import WIDTH
from grading.proving.record import proved
from grading.submission.katas import Kata, Task, katas, quality, required, tasks
from grading.suites.board import Outcome, count, done_tasks, number, of_task, progress, state

NARROWEST = 40
NAME = 32  # columns of a row for what it is about
LEGEND = "  + done   x wrong   . to do   - locked or not run"


class Line(NamedTuple):
    """A line to write: its text and style, and a mark before it in a colour of its own."""

    text: str
    style: dict[str, bool] = {}
    mark: str = ""


def width() -> int:
    """Columns to fill: 80, or fewer in a narrow terminal."""
    return max(NARROWEST, min(WIDTH, shutil.get_terminal_size().columns))


def fill(text: str, indent: str = "", later: str | None = None) -> list[str]:
    """A text in lines that fit."""
    later = indent if later is None else later
    return textwrap.wrap(text, width(), initial_indent=indent, subsequent_indent=later, break_on_hyphens=False) or [""]


def separator(title: str) -> str:
    return f" {title} ".center(width(), "-")


def near(folder: Path) -> str:
    """The folder as a student would type it: relative to here where it lies below, never wider than the screen."""
    try:
        shown = str(folder.relative_to(Path.cwd()))
    except ValueError:
        shown = str(folder)
    return shown if len(shown) < width() - 20 else f".../{folder.name}"


def board_lines(outcomes: list[Outcome], folder: Path, every_task: bool = False, level: int = 0) -> list[Line]:
    """The board: whole; with katas that need no look in one line each kind; with the failing tasks alone; no legend."""
    partly = not every_task and any(not of_task(outcomes, task.id) for task in required())
    rows: list[tuple[str, int, list[Line]]] = []
    last = quality()
    for kata in katas():
        mine = [o for o in outcomes if number(o) == kata.number]
        if mine or not partly:
            if kata.optional and rows and rows[-1][1] < last.number < kata.number:
                rows += _quality_rows(outcomes)
            rows.append((state(mine), kata.number, _kata_rows(kata, mine, folder, every_task, partly, level)))
    if all(kata_number != last.number for _, kata_number, _ in rows):
        rows += _quality_rows(outcomes)
    made = [line for _, _, lines in rows for line in lines] if level < 1 else _merged(rows)
    counted = progress(outcomes)
    if partly:
        run = [task for task in tasks() if of_task(outcomes, task.id)]
        counted = f"{len(done_tasks(outcomes))} of {len(run)} run" if run else ""
    legend = LEGEND if level < 3 and width() >= len(LEGEND) + len(counted) + 2 else ""
    made.append(Line(f"{legend:<{width() - len(counted) - 1}} {counted}".rstrip()))
    return [Line(separator(f"board: {near(folder)}/")), *made]


def _quality_rows(outcomes: list[Outcome]) -> list[tuple[str, int, list[Line]]]:
    last = quality()
    drawn = [o for o in outcomes if number(o) == last.number]
    row = _row(state(drawn), f"{last.number} {last.title}", last.idea, count(drawn))
    return [(state(drawn), last.number, [row])] if drawn else []


def _kata_rows(kata: Kata, mine: list[Outcome], folder: Path, every_task: bool, partly: bool, level: int) -> list[Line]:
    file = f"{kata.module}.py" + ", optional" * kata.optional
    seen = f"see: kata plot {kata.number}" if kata.picture and state(mine) == "done" else file
    rows = [_row(state(mine), f"{kata.number} {kata.title}", seen, _counts(mine, folder, kata.tasks))]
    if every_task or state(mine) not in ("done", "locked"):
        for task in kata.tasks:
            own = of_task(mine, task.id)
            if (level < 2 and (own or not partly)) or state(own) in ("wrong", "todo"):
                rows.append(_row(state(own), f"  {task.id} {task.function}", task.title, _counts(own, folder, (task,))))
    return rows[:2] if level >= 3 else rows


def _counts(outcomes: list[Outcome], folder: Path, owned: tuple[Task, ...]) -> str:
    """How many tests pass; before it, once there are any, how many wrong implementations the student's own catch."""
    found = [row for task in owned if (row := proved(folder, task))]
    if not found:
        return count(outcomes)
    caught, of, valid = sum(row[0] for row in found), sum(row[1] for row in found), all(row[2] for row in found)
    own = f"caught {caught}/{of}" if valid else "not valid"
    return f"{own:<12} {count(outcomes):>11}".rstrip()


def _merged(rows: list[tuple[str, int, list[Line]]]) -> list[Line]:
    """Neighbours that are done, or locked, in one line."""
    lines: list[Line] = []
    for kind, text in (("done", "done"), ("locked", "locked or not run")):
        numbers = [str(kata) for state, kata, _ in rows if state == kind]
        if numbers:
            lines.append(Line(f"{', '.join(numbers)}: {text}", mark=kind))
        if kind == "done":
            lines += [line for state, _, own in rows if state not in ("done", "locked") for line in own]
    return lines


def _row(state: str, name: str, detail: str, counted: str) -> Line:
    room = width() - 4 - NAME - 2 - len(counted)
    shown = textwrap.shorten(detail, room, placeholder=" ...") if room >= 12 else ""
    return Line(f"{name:<{NAME}} {shown:<{max(room, 0)}} {counted}".rstrip(), mark=state)
