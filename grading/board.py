"""The board: where a student stands, kata by kata, worked out from how the tests ended and from nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grading.failure import WIDTH, Failure
from grading.katas import Kata

MARKS = {"done": ("+", "green"), "wrong": ("x", "red"), "todo": (".", "yellow"), "locked": ("-", "light")}


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
    """

    task: str
    test: str
    behaviour: str
    status: str
    kind: str
    message: str
    misconception: str | None
    seconds: float


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


def write(
    terminal: Any, outcomes: list[Outcome], katas: tuple[Kata, ...], ids: list[str], folder: Path, guided: bool
) -> None:
    """Write the first failure (when guiding), the board, and what to do next."""
    first = next((o for o in outcomes if o.status == "failed"), None)
    if guided and first:
        terminal.write_sep("-", "the first thing to do")
        headline, *rest = first.message.splitlines()
        terminal.write_line(headline, red=True, bold=True)
        for line in rest:
            terminal.write_line(line)
    terminal.write_sep("-", f"board: {_near(folder)}/")
    for kata in katas:
        _write_kata(terminal, kata, outcomes)
    quality = [o for o in outcomes if o.task == "6"]
    if quality:
        _write_row(terminal, state(quality), "6 Sample quality", "trained with your code", _count(quality))
    terminal.write_line("  + done   x wrong   . to do   - locked or not run")
    if guided:
        _write_next(terminal, first, ids, folder, katas)


def _write_kata(terminal: Any, kata: Kata, outcomes: list[Outcome]) -> None:
    mine = [o for o in outcomes if o.task.partition(".")[0] == str(kata.number)]
    _write_row(terminal, state(mine), f"{kata.number} {kata.title}", f"{kata.module}.py", _count(mine))
    if state(mine) not in ("done", "locked"):
        for task in kata.tasks:
            own = [o for o in mine if o.task == task.id]
            _write_row(terminal, state(own), f"  {task.id} {task.function}", task.title, _count(own))


def _write_row(terminal: Any, state: str, name: str, detail: str, count: str) -> None:
    mark, colour = MARKS[state]
    terminal.write(f"  {mark} ", bold=True, **{colour: True})
    terminal.write_line(f"{name:<34} {detail:<30.30} {count}".rstrip())


def _count(outcomes: list[Outcome]) -> str:
    run = [o for o in outcomes if o.status != "skipped"]
    return f"{sum(o.status == 'passed' for o in run)}/{len(run)}" if run else ""


def _write_next(terminal: Any, first: Outcome | None, ids: list[str], folder: Path, katas: tuple[Kata, ...]) -> None:
    if first is None:
        terminal.write_line("")
        terminal.write_line("All done. Now see what your code draws: kata grade", green=True, bold=True)
        return
    module = next((k.module for k in katas for t in k.tasks if t.id == first.task), None)
    terminal.write_line("")
    if module:
        terminal.write_line(f"  open  {_near(folder)}/{module}.py", bold=True)
        terminal.write_line(f"  then  pytest --task {first.task}", bold=True)
        terminal.write_line(f"  hint  kata hint {first.task}", bold=True)


def _near(folder: Path) -> str:
    """The folder as a student would type it: relative to here where it lies below, never wider than the screen."""
    try:
        shown = str(folder.relative_to(Path.cwd()))
    except ValueError:
        shown = str(folder)
    return shown if len(shown) < WIDTH - 20 else f".../{folder.name}"
