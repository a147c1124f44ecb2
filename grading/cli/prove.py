"""kata prove: write the test. A student's own tests, judged by right and wrong implementations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from grading.cli import app
from grading.cli.run import Impl, TaskId, shown, working
from grading.cli.screen import COLOURS
from grading.submission.errors import UsageError
from grading.submission.folders import find
from grading.submission.katas import Task, task


@app.command(short_help="Write the test, and see which slips it catches.")
def prove(id: TaskId = None, impl: Impl = "exercises") -> None:
    """Write the test: right implementations must pass yours, and wrong ones must not.

    Your tests of a task are in tests/ beside your code; the file is made when you first name the task. Without a task:
    all that you have written, in a table. The exit code is 0 when all of it is complete.

    Example: kata prove 2.1
    """
    from grading.cli.screen import Screen

    folder = find(impl)
    raise typer.Exit(not (show_all(Screen(), folder) if id is None else show_one(Screen(), folder, id)))


def show_one(screen: Any, folder: Path, id: str) -> bool:
    """Judge the tests of one task, and write all that there is to say; whether they are complete."""
    from grading.proving.run import provable

    wanted = task(id)
    if wanted not in provable():
        have = ", ".join(one.id for one in provable())
        raise UsageError(f"task {wanted.id} has no wrong implementations to catch; those that have are {have}")
    return _show(screen, folder, wanted)


def show_all(screen: Any, folder: Path) -> bool:
    """Judge all tests that there are, a line for each task; whether all are complete."""
    from grading.proving import record
    from grading.proving.run import file_of, provable
    from grading.proving.screen import row

    begun = [one for one in provable() if file_of(folder, one).is_file()]
    if not begun:
        screen.write_line(f"You have no tests yet. This writes a file to begin with: kata prove {provable()[0].id}")
        return False
    verdicts = _verdicts(folder, begun)
    for one, verdict in zip(begun, verdicts):
        record.keep(file_of(folder, one), verdict)
        mark, colour = ("+", "green") if verdict.complete else ("x", "red") if verdict.problem else (".", "yellow")
        screen.write(f"  {mark} ", bold=True, **{colour: True})
        screen.write_line(row(verdict))
    left = [verdict.id for verdict in verdicts if not verdict.complete]
    fresh = [one.id for one in provable() if one not in begun]
    if left or fresh:
        screen.write_line(f"  {'look at' if left else 'begin'}  kata prove {(left or fresh)[0]}", bold=True)
    return not left


def _show(screen: Any, folder: Path, wanted: Task) -> bool:
    from grading.proving import record, suite_properties
    from grading.proving.run import file_of
    from grading.proving.screen import lines
    from grading.proving.stubs import write_stub
    from grading.suites.rows import fill

    path = file_of(folder, wanted)
    if write_stub(folder, wanted):
        for line in fill(f"{shown(path)} is new: it says what a good test is, and has an example."):
            screen.write_line(line, bold=True)
        screen.write_line(f"Add tests of your own, then: kata prove {wanted.id}")
        return False
    verdict = _verdicts(folder, [wanted])[0]
    hints = record.keep(path, verdict)
    properties = suite_properties.missing(wanted, path.read_text("utf-8", "replace")) if verdict.complete else []
    for text, style in lines(verdict, shown(path), hints, properties):
        screen.write_line(text, **({style: True} if style in (*COLOURS, "bold") else {}))
    return verdict.complete


def _verdicts(folder: Path, wanted: list[Task]) -> list[Any]:
    from grading.proving.prove import prove as judged

    with working() as status:
        return judged(folder, wanted, lambda id: status.update(f"running your tests of {id}"))
