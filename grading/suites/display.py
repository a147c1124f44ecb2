"""The board and the first failure, on one screen: 24 lines of 80 columns, or as narrow as the terminal is.

A screen is put together as a list of lines. Where it is too long, the board gives way first, then the failure.
"""

from __future__ import annotations

import re
import shutil
import textwrap
from pathlib import Path
from typing import NamedTuple, Protocol

from grading.judging.failure import LABEL, WIDTH, quoted
from grading.submission.katas import Kata, Task, katas, quality, required, tasks
from grading.suites.board import (
    Outcome,
    all_done,
    count,
    done_tasks,
    first_failure,
    number,
    of_task,
    progress,
    state,
)

HEIGHT = 23  # lines of a screen of 24, where the prompt takes the last
NARROWEST = 40
NAME = 32  # columns of a row for what it is about
MARKS = {"done": ("+", "green"), "wrong": ("x", "red"), "todo": (".", "yellow"), "locked": ("-", "light")}
LEGEND = "  + done   x wrong   . to do   - locked or not run"


class Screen(Protocol):
    """What is written to: pytest's terminal reporter, or the `kata` command's own."""

    def write(self, text: str, **style: bool) -> None: ...
    def write_line(self, text: str, **style: bool) -> None: ...


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


def write(
    screen: Screen,
    outcomes: list[Outcome],
    folder: Path,
    guided: bool,
    impl: str = "",
    remarks: tuple[str, ...] = (),
    height: int = HEIGHT,
) -> None:
    """Write the board, and the first failure with what to do about it.

    Args:
        screen: where to.
        outcomes: how the tests ended.
        folder: the submission's.
        guided: whether this is a learner's run.
        impl: what --impl was given, for the command shown.
        remarks: what is no failure and worth knowing all the same.
        height: lines that there are.
    """
    first = first_failure(outcomes)
    notes = [Line(line, {"yellow": True}) for remark in remarks for line in fill(remark, "  ! ", "    ")]
    if first is None:
        ending = notes + (_praise(outcomes) if guided else [])
        _put(screen, [*_board(outcomes, folder), *ending])
        return
    more = sum(outcome.status == "failed" for outcome in outcomes) - 1
    failed, commands = failure_lines(first), next_lines(first, folder, guided, impl)
    if more and first.kind != "todo":
        fail = "test fails" if more == 1 else "tests fail"
        commands.insert(0, Line(f"  {more} more {fail}; each in full: {_again(first, impl)} -v"))
    for level, blank in ((0, 1), (0, 0), (1, 1), (1, 0), (2, 0), (3, 0)):
        top = [*_board(outcomes, folder, level=level), *notes, Line(separator("next"))]
        below = [Line("")] * blank + commands
        if len(top) + len(failed) + len(below) <= height:
            break
    _put(screen, [*top, *fitting(screen, first, failed, height - len(top) - len(below)), *below])


def write_board(screen: Screen, outcomes: list[Outcome], folder: Path) -> None:
    """Write where every task stands, and nothing else."""
    _put(screen, _board(outcomes, folder, every_task=True, level=0))


def _put(screen: Screen, lines: list[Line]) -> None:
    for line in lines:
        if line.mark:
            mark, colour = MARKS[line.mark]
            screen.write(f"  {mark} ", bold=True, **{colour: True})
        screen.write_line(line.text, **line.style)


def separator(title: str) -> str:
    return f" {title} ".center(width(), "-")


# -- the board --------------------------------------------------------------------------------------------------------


def _board(outcomes: list[Outcome], folder: Path, every_task: bool = False, level: int = 0) -> list[Line]:
    """The board: whole; with katas that need no look in one line each kind; with the failing tasks alone; no legend."""
    partly = not every_task and any(not of_task(outcomes, task.id) for task in required())
    rows: list[tuple[str, int, list[Line]]] = []
    last = quality()
    for kata in katas():
        mine = [o for o in outcomes if number(o) == kata.number]
        if mine or not partly:
            if kata.optional and rows and rows[-1][1] < last.number < kata.number:
                rows += _quality_rows(outcomes)
            rows.append((state(mine), kata.number, _kata_rows(kata, mine, every_task, partly, level)))
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


def _kata_rows(kata: Kata, mine: list[Outcome], every_task: bool, partly: bool, level: int) -> list[Line]:
    file = f"{kata.module}.py" + ", optional" * kata.optional
    rows = [_row(state(mine), f"{kata.number} {kata.title}", file, count(mine))]
    if every_task or state(mine) not in ("done", "locked"):
        for task in kata.tasks:
            own = of_task(mine, task.id)
            if (level < 2 and (own or not partly)) or state(own) in ("wrong", "todo"):
                rows.append(_row(state(own), f"  {task.id} {task.function}", task.title, count(own)))
    return rows[:2] if level >= 3 else rows


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


def _praise(outcomes: list[Outcome]) -> list[Line]:
    praise = "All done. Now train a network with your code, and see what it draws: kata grade"
    text = praise if all_done(outcomes) else "Done so far. What comes next: kata"
    return [Line(""), *(Line(line, {"green": True, "bold": True}) for line in fill(text))]


# -- the failure ------------------------------------------------------------------------------------------------------


def write_failure(screen: Screen, failure: Outcome, room: int) -> None:
    """Write a failure alone, in so many lines."""
    _put(screen, fitting(screen, failure, failure_lines(failure), room))


def failure_lines(failure: Outcome) -> list[Line]:
    """A failure without the commands that it ends with: whoever shows it says what to do; then what was printed."""
    headline, *rest = _rewrapped(failure.message)
    lines = [Line(headline, {"red": True, "bold": True})]
    if failure.kind == "todo":
        about = next((kata.idea for kata in katas() if kata.number == number(failure)), "")
        return [*lines, *(Line(line) for line in fill(about, "  "))]
    lines += [Line(line) for line in rest if not re.match(r"  (hint|again)  ", line)]
    label, room = "printed", width() - LABEL - 2
    for line in failure.printed.splitlines():
        for part in textwrap.wrap(_plain(line), room, drop_whitespace=False) or [""]:
            lines.append(Line(f"  {label:<{LABEL}}{part}".rstrip()))
            label = ""
    return lines


def fitting(screen: Screen, failure: Outcome, lines: list[Line], room: int) -> list[Line]:
    """A failure in so many lines; what it printed stands above the screen then, and what is left is counted."""
    if len(lines) <= room:
        return lines
    printed = failure.printed.splitlines()
    if printed:
        screen.write_line(separator(f"printed by {failure.task}"))
        for line in printed:
            screen.write_line(_plain(line))
        at = next(i for i, line in enumerate(lines) if line.text.startswith("  printed "))
        lines = [*lines[:at], Line(f"  {'printed':<{LABEL}}{len(printed)} lines, above the board")]
    if len(lines) <= room:
        return lines
    kept = max(room - 1, 1)
    return [*lines[:kept], Line(f"  ... {len(lines) - kept} more lines: pytest --task {failure.task} -v")]


def _rewrapped(message: str) -> list[str]:
    """The lines of a failure, which are made for 80 columns, for a narrower screen."""
    lines = message.splitlines() or [""]
    if width() >= WIDTH:
        return lines
    whole: list[str] = []
    for line in lines:
        if whole and line.startswith(" " * (LABEL + 2)):
            whole[-1] += " " + line.strip()
        else:
            whole.append(line)
    return [part for line in whole for part in fill(line.strip(), re.match(" *", line)[0], " " * (LABEL + 2))]  # type: ignore[index]


def next_lines(failure: Outcome, folder: Path, guided: bool, impl: str) -> list[Line]:
    """Which file to open, and what to run about it."""
    task = next((task for task in tasks() if task.id == failure.task), None)
    if task is None:
        return [Line(f"  run   {_again(failure, impl)}", {"bold": True})]
    run = "pytest         or leave `kata watch` running: it tests whenever you save"
    run = run[: len(run) if width() >= WIDTH else len("pytest")] if guided and not impl else _again(failure, impl)
    lines = [f"  open  {place(task, folder, failure)}", f"  run   {run}", f"  hint  kata hint {task.id}"]
    return [Line(line, {"bold": True}) for line in lines]


def _again(failure: Outcome, impl: str) -> str:
    """The command that runs the failing task again."""
    asked = f"pytest {f'--impl {quoted(impl)} ' if impl else ''}"
    unit = any(task.id == failure.task for task in tasks())
    return asked + (f"--task {failure.task}" if unit else f"--all tests/{quality().suite}")


def _plain(line: str) -> str:
    return "".join(character if character.isprintable() else " " for character in line)


def place(task: Task, folder: Path, failure: Outcome | None = None) -> str:
    """Where to look, as `exercises/ddpm_step.py:31`: the line that a failure names, else the function's `def`."""
    if failure and failure.at and failure.kind != "todo":
        return f"{near(folder)}/{failure.at}"
    path = folder / f"{task.module}.py"
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    found = [i for i, line in enumerate(lines, 1) if re.match(rf"def {task.function}\b", line)]
    return f"{near(folder)}/{path.name}" + (f":{found[-1]}" if found else "")


def near(folder: Path) -> str:
    """The folder as a student would type it: relative to here where it lies below, never wider than the screen."""
    try:
        shown = str(folder.relative_to(Path.cwd()))
    except ValueError:
        shown = str(folder)
    return shown if len(shown) < width() - 20 else f".../{folder.name}"
