"""The board: where a student stands, kata by kata, worked out from how the tests ended and from nothing else."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from grading.judging.failure import LABEL, WIDTH, Failure
from grading.submission.katas import Kata, Task, katas, quality, required, tasks

MARKS = {"done": ("+", "green"), "wrong": ("x", "red"), "todo": (".", "yellow"), "locked": ("-", "light")}
PRINTED_LINES = 4  # of what a failing call has printed; the checker's own calls, to find the mistake, print after it


@dataclass(frozen=True)
class Outcome:
    """How one test ended.

    Attributes:
        task: id of the task it belongs to.
        test: the test's name.
        behaviour: the first line of its docstring: what is asked.
        status: `passed`, `failed` or `skipped`.
        kind: for a failure, what Failure.kind says; `error` where the test itself broke; else empty.
        message: the failure as shown, or the reason of the skip.
        misconception: the catalogue's id, where one was recognised.
        seconds: how long the test took.
        printed: the beginning of what a failed test's code has printed, where pytest captured it.
    """

    task: str
    test: str
    behaviour: str
    status: str
    kind: str
    message: str
    misconception: str | None
    seconds: float
    printed: str = ""


class Screen(Protocol):
    """What the board is written to: pytest's terminal reporter, or the `kata` command's own."""

    def write(self, text: str, **style: bool) -> None: ...
    def write_line(self, text: str, **style: bool) -> None: ...
    def write_sep(self, sep: str, title: str) -> None: ...


class Shown:
    """A failure in the form that pytest's terminal writer wants."""

    def __init__(self, failure: Failure, item: Any) -> None:
        self.failure = failure
        self.reprcrash = _Crash(str(item.path), item.location[1] or 0, failure.headline)

    def toterminal(self, writer: Any) -> None:
        headline, *rest = str(self.failure).splitlines()
        writer.line(headline, red=True, bold=True)
        for line in rest:
            writer.line(line)

    def __str__(self) -> str:
        return str(self.failure)


@dataclass(frozen=True)
class _Crash:
    path: str
    lineno: int
    message: str


def outcome(id: str, item: Any, report: Any, error: BaseException | None) -> Outcome:
    """Sum up a pytest report."""
    known = isinstance(error, Failure)
    skipped = report.longrepr[2] if report.skipped and isinstance(report.longrepr, tuple) else ""
    return Outcome(
        task=id,
        test=test_name(item),
        behaviour=behaviour(item),
        status=report.outcome,
        kind=error.kind if isinstance(error, Failure) else "error" if report.failed else "",
        message=str(error) if known else str(report.longrepr) if report.failed else skipped,
        misconception=error.misconception if isinstance(error, Failure) else None,
        seconds=report.duration,
        printed=(report.capstdout + report.capstderr)[:2000] if report.failed else "",
    )


def test_name(item: Any) -> str:
    """A test's name within its file: `TestDdpmSample::test_the_noise_is_fresh`."""
    return item.nodeid.partition("::")[2]


def behaviour(item: Any) -> str:
    """What a test asks, in one line: the first of its docstring."""
    return (item.function.__doc__ or item.name).strip().splitlines()[0]


def state(outcomes: list[Outcome]) -> str:
    """`done`, `wrong`, `todo` or `locked`, from the outcomes of one task or of one kata."""
    failures = [o for o in outcomes if o.status == "failed"]
    if failures:
        return "todo" if all(o.kind == "todo" for o in failures) else "wrong"
    return "done" if any(o.status == "passed" for o in outcomes) else "locked"


def number(outcome: Outcome) -> int:
    """The kata that an outcome belongs to."""
    return int(outcome.task.partition(".")[0])


def first_failure(outcomes: list[Outcome]) -> Outcome | None:
    """The first failure in the order of learning."""
    return min((o for o in outcomes if o.status == "failed"), key=number, default=None)


def done_tasks(outcomes: list[Outcome]) -> list[Task]:
    """The tasks whose every test has passed."""
    return [task for task in tasks() if state([o for o in outcomes if o.task == task.id]) == "done"]


def all_done(outcomes: list[Outcome]) -> bool:
    """Whether nothing is left that is owed, and nothing optional is wrong."""
    return first_failure(outcomes) is None and {*required()} <= {*done_tasks(outcomes)}


def progress(outcomes: list[Outcome]) -> str:
    """`7 of 11 tasks`; what is done beyond is counted apart."""
    done = done_tasks(outcomes)
    more = sum(task.optional for task in done)
    return f"{len(done) - more} of {len(required())} tasks" + f" + {more}" * bool(more)


def write(screen: Screen, outcomes: list[Outcome], folder: Path, guided: bool, every_task: bool = False) -> None:
    """Write the board; when guiding, what to do next as well.

    Args:
        screen: where to.
        outcomes: how the tests ended.
        folder: the submission's.
        guided: whether this is a learner's run.
        every_task: show the tasks of every kata, not only of those under way.
    """
    screen.write_sep("-", f"board: {near(folder)}/")
    for kata in katas():
        if not kata.optional:
            _write_kata(screen, kata, outcomes, every_task)
    last, drawn = quality(), [o for o in outcomes if number(o) == quality().number]
    if drawn:
        _write_row(screen, state(drawn), f"{last.number} {last.title}", last.idea, _count(drawn))
    for kata in katas():
        if kata.optional:
            _write_kata(screen, kata, outcomes, every_task)
    legend = "  + done   x wrong   . to do   - locked or not run"
    screen.write_line(f"{legend:<64} {progress(outcomes)}")
    if guided:
        write_next(screen, outcomes, folder)


def _write_kata(screen: Screen, kata: Kata, outcomes: list[Outcome], every_task: bool) -> None:
    mine = [o for o in outcomes if number(o) == kata.number]
    file = f"{kata.module}.py" + ", optional" * kata.optional
    seen = f"see it: kata plot {kata.number}" if kata.picture and state(mine) == "done" else file
    _write_row(screen, state(mine), f"{kata.number} {kata.title}", seen, _count(mine))
    if every_task or state(mine) not in ("done", "locked"):
        for task in kata.tasks:
            own = [o for o in mine if o.task == task.id]
            _write_row(screen, state(own), f"  {task.id} {task.function}", task.title, _count(own))


def _write_row(screen: Screen, state: str, name: str, detail: str, count: str) -> None:
    mark, colour = MARKS[state]
    screen.write(f"  {mark} ", bold=True, **{colour: True})
    screen.write_line(f"{name:<32} {detail:<30.30} {count}".rstrip())


def _count(outcomes: list[Outcome]) -> str:
    """How many tests pass of how many; nothing where they wait for a function to be written."""
    run = [o for o in outcomes if o.status != "skipped"]
    waiting = not run or state(outcomes) == "todo" or any(o.kind == "todo" for o in run)
    return "" if waiting else f"{sum(o.status == 'passed' for o in run)}/{len(run)} tests"


def write_next(screen: Screen, outcomes: list[Outcome], folder: Path) -> None:
    """Write the first failure, and which file to open and what to run about it."""
    first = first_failure(outcomes)
    if first is None:
        whole = all_done(outcomes)
        screen.write_line("")
        praise = "All done. Now train a network with your code, and see what it draws: kata grade"
        screen.write_line(praise if whole else "Done so far. What comes next: kata", green=True, bold=True)
        write_point(screen, outcomes)
        return
    screen.write_sep("-", "next")
    write_failure(screen, first)
    task = next((task for task in tasks() if task.id == first.task), None)
    screen.write_line("")
    if task is None:
        screen.write_line(f"  run   pytest --all tests/{quality().suite}", bold=True)
        return
    screen.write_line(f"  open  {place(task, folder, first)}", bold=True)
    screen.write_line("  run   pytest         or leave `kata watch` running: it tests whenever you save", bold=True)
    screen.write_line(f"  hint  kata hint {task.id}", bold=True)
    write_point(screen, outcomes, task)


def write_point(screen: Screen, outcomes: list[Outcome], before: Task | None = None) -> None:
    """Write the point of the task that was done last, before the one that comes next, and where to read on."""
    last = None
    for task in tasks():
        if task == before:
            break
        last = task if task.after and task in done_tasks(outcomes) else last
    if last:
        screen.write_line(f"  why   kata hint {last.id}: {last.after[0]}")


def write_failure(screen: Screen, failure: Outcome) -> None:
    """Write a failure without the commands it ends with: whoever shows it says what to do; then what was printed."""
    headline, *rest = failure.message.splitlines() or [""]
    screen.write_line(headline, red=True, bold=True)
    if failure.kind == "todo":
        about = next((kata.idea for kata in katas() if kata.number == number(failure)), "")
        screen.write_line(textwrap.fill(about, WIDTH, initial_indent="  ", subsequent_indent="  "))
        return
    for line in rest:
        if not re.match(r"  (hint|again)  ", line):
            screen.write_line(line)
    label = "printed"
    for line in failure.printed.splitlines()[:PRINTED_LINES]:
        screen.write_line(f"  {label:<{LABEL}}{_plain(line)[: WIDTH - LABEL - 2]}")
        label = ""


def _plain(line: str) -> str:
    return "".join(character if character.isprintable() else " " for character in line)


def place(task: Task, folder: Path, failure: Outcome | None = None) -> str:
    """Where to look, as `exercises/ddpm_step.py:31`: the line that a failure names, else the function's `def`."""
    named = re.findall(r"(?m)^  at +\S*?(\w+\.py:\d+)", failure.message) if failure and failure.kind != "todo" else []
    if named:
        return f"{near(folder)}/{named[-1]}"
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
    return shown if len(shown) < WIDTH - 20 else f".../{folder.name}"
