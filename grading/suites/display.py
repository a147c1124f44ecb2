"""The board and the first failure, on one screen: 24 lines of 80 columns, or as narrow as the terminal is.

A screen is put together as a list of lines. Where it is too long, the board gives way first, then the failure.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from grading.judging.failure import LABEL, WIDTH, quoted
from grading.submission import handed_in
from grading.submission.katas import Task, katas, quality, tasks
from grading.suites.board import Outcome, all_done, done_tasks, first_failure, number, remarks_of
from grading.suites.rows import Line, board_lines, fill, near, separator, width

MOST_REMARKS = 2
FIRST_TO_GO = ("because", "called", "expected", "got")  # of a failure that is too long, in this order
TELLING = ("yours is", "yours has", "due is", "measured", "looks like", "at", "printed")
HEIGHT = 23  # lines of a screen of 24, where the prompt takes the last
MARKS = {"done": ("+", "green"), "wrong": ("x", "red"), "todo": (".", "yellow"), "locked": ("-", "light")}


class Screen(Protocol):
    """What is written to: pytest's terminal reporter, or the `kata` command's own."""

    def write(self, text: str, **style: bool) -> None: ...
    def write_line(self, text: str, **style: bool) -> None: ...


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
    notes = _remarks((*remarks, *handed_in.remarks(folder)), "!", "yellow")
    notes += _remarks(remarks_of(outcomes), "~", "cyan")
    if first is None:
        ending = notes + (_praise(outcomes) if guided else [])
        put(screen, [*board_lines(outcomes, folder), *ending])
        return
    more = sum(outcome.status == "failed" for outcome in outcomes) - 1
    failed, commands = failure_lines(first), next_lines(first, folder, guided, impl)
    task = next((task for task in tasks() if task.id == first.task), None)
    told = point(outcomes, task) if guided else []
    if more and first.kind != "todo":
        fail, run = "test fails" if more == 1 else "tests fail", f"{_again(first, impl)} -v"
        said = f"  {more} more {fail}; each in full: {run}"
        commands.insert(0, Line(said if len(said) <= width() else f"  {more} more: {run}"))
    for level, blank, whole in ((0, 1, 1), (0, 0, 1), (0, 0, 0), (1, 1, 0), (1, 0, 0), (2, 0, 0), (3, 0, 0)):
        top = [*board_lines(outcomes, folder, level=level), *notes, Line(separator("next"))]
        below = [Line("")] * blank + commands + told * whole
        if len(top) + len(failed) + len(below) <= height:
            break
    put(screen, [*top, *fitting(screen, first, failed, height - len(top) - len(below)), *below])


def write_remarks(screen: Screen, folder: Path) -> int:
    """Write what works here and will not where it is graded; in how many lines."""
    return put(screen, _remarks(handed_in.remarks(folder), "!", "yellow"))


def _remarks(said: Sequence[str], mark: str, colour: str) -> list[Line]:
    """What is no failure: it costs nothing, so it gets few lines."""
    lines = [line for remark in said[:MOST_REMARKS] for line in fill(remark[:200], f"  {mark} ", "    ")]
    lines += [f"  {mark} and {len(said) - MOST_REMARKS} more such lines"] * (len(said) > MOST_REMARKS)
    return [Line(line, {colour: True}) for line in lines]


def write_board(screen: Screen, outcomes: list[Outcome], folder: Path) -> None:
    """Write where every task stands, and nothing else."""
    put(screen, board_lines(outcomes, folder, every_task=True, level=0))


def put(screen: Screen, lines: list[Line]) -> int:
    """Write lines; how many."""
    for line in lines:
        if line.mark:
            mark, colour = MARKS[line.mark]
            screen.write(f"  {mark} ", bold=True, **{colour: True})
        screen.write_line(line.text, **line.style)
    return len(lines)


def _praise(outcomes: list[Outcome]) -> list[Line]:
    praise = "All done. Now train a network with your code, and see what it draws: kata grade"
    text = praise if all_done(outcomes) else "Done so far. What comes next: kata"
    return [Line(""), *(Line(line, {"green": True, "bold": True}) for line in fill(text)), *point(outcomes)]


def point(outcomes: list[Outcome], before: Task | None = None) -> list[Line]:
    """The point of the task that was done last, before the one that comes next, and where to read on."""
    last = None
    for task in tasks():
        if task == before:
            break
        last = task if task.after and task in done_tasks(outcomes) else last
    return [Line(line) for line in fill(f"kata hint {last.id}: {last.after[0]}", "  why   ", " " * 8)] if last else []


# -- the failure ------------------------------------------------------------------------------------------------------


def write_failure(screen: Screen, failure: Outcome, room: int) -> None:
    """Write a failure alone, in so many lines."""
    put(screen, fitting(screen, failure, failure_lines(failure), room))


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
    if len(printed) > 1:  # a single line takes no more room in its place
        screen.write_line(separator(f"printed by {failure.task}"))
        for line in printed:
            screen.write_line(_plain(line))
        at = next(i for i, line in enumerate(lines) if line.text.startswith("  printed "))
        lines = [*lines[:at], Line(f"  {'printed':<{LABEL}}{len(printed)} lines, above the board")]
    if len(lines) <= room:
        return lines
    kept = _most_telling(lines, max(room - 1, 1))
    return [*kept, Line(f"  ... {len(lines) - len(kept)} more lines, shown with -v")]


def _most_telling(lines: list[Line], room: int) -> list[Line]:
    """So many lines of a failure: what was measured stays longest, and before it the headline."""
    labels: list[str] = []
    for line in lines:
        label = line.text[2 : LABEL + 2].strip()
        labels.append(label if label or not labels else labels[-1])  # a line without one runs on
    others = [label for label in labels[1:] if label not in (*FIRST_TO_GO, *TELLING)]
    for going in (*FIRST_TO_GO, *reversed(others)):
        if len(lines) > room:
            kept = [i for i in range(len(lines)) if i == 0 or labels[i] != going]
            lines, labels = [lines[i] for i in kept], [labels[i] for i in kept]
    return lines[:room]


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
