"""kata check and kata list: where you stand, for scripts, and what there is to do."""

from __future__ import annotations

import textwrap
from typing import Annotated

import typer

from grading.cli import app
from grading.cli.run import Impl, TaskId, chosen, outcomes
from grading.cli.screen import Screen
from grading.judging.failure import WIDTH
from grading.submission.folders import find
from grading.submission.katas import katas, task


@app.command(rich_help_panel="Learn")
def check(
    id: TaskId = None,
    impl: Impl = "exercises",
    everything: Annotated[bool, typer.Option("--all", help="Test later katas too while earlier ones fail.")] = False,
) -> None:
    """Test once. The exit code is 0 when all is done (or the task named is), and 1 when it is not.

    Example: kata check 4.1 && git commit -am "4.1 done"
    """
    from grading.suites import board

    screen, folder = Screen(), find(impl)
    if id is None:
        seen = outcomes(impl, "--all" if everything else "--guide")
        board.write(screen, seen, folder, guided=True)
        raise typer.Exit(not board.all_done(seen))
    wanted = task(id)
    seen = outcomes(impl, "--task", id)
    failure = board.first_failure(seen)
    passed = sum(outcome.status == "passed" for outcome in seen)
    if failure:
        board.write_failure(screen, failure)
        screen.write_line(f"  at         {board.place(wanted, folder, failure)}", bold=True)
    screen.write_line(
        f"{id} {wanted.function}: {board.state(seen)}, {passed} of {len(seen)} tests pass",
        bold=True,
        **{"red" if failure else "green": True},
    )
    raise typer.Exit(failure is not None)


@app.command("list", rich_help_panel="Learn")
def list_tasks() -> None:
    """List every kata and task, with where it is and what it is worth. Nothing is run.

    Example: kata list
    """
    from grading.suites import board

    screen, folder = Screen(), find(chosen())
    for kata in katas():
        screen.write_line(f"{kata.number} {kata.title:<44}{board.near(folder)}/{kata.module}.py", bold=True)
        screen.write_line(textwrap.fill(kata.idea, WIDTH, initial_indent="  ", subsequent_indent="  "))
        for one in kata.tasks:
            line = board.place(one, folder).rpartition(":")[2]
            where = f"line {line}" if line.isdigit() else "missing"
            screen.write_line(f"  {one.id} {one.function:<24} {one.title:<32} {where:<8}{one.points:>3g} p")
