"""kata hint: three for each task, one more each time it is asked. How many were given is kept in .kata/hints.json."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Annotated

import typer

from grading.cli import app
from grading.cli.run import TaskId, chosen, outcomes
from grading.cli.screen import Screen
from grading.files import write_whole
from grading.judging.failure import WIDTH
from grading.submission.folders import ROOT
from grading.submission.katas import Task, task

GIVEN = ROOT / ".kata" / "hints.json"


@app.command(short_help="One hint more each time: idea, equation, nearly the code.")
def hint(
    id: TaskId = None,
    every: Annotated[bool, typer.Option("--all", help="Show all three at once.")] = False,
) -> None:
    """Give a hint: first the idea, then the equation, then nearly the code. Each time you ask, one more.

    Without a task: for the one that is next. `kata reset` starts its hints over.

    Example: kata hint 4.1
    """
    if id is None:
        from grading.suites.board import first_failure

        first = first_failure(outcomes(chosen(), "--guide"))
        if first is None:
            typer.echo("All done: there is nothing left to hint at. See what your code draws: kata grade")
            return
        id = first.task
    wanted = task(id)
    write(Screen(), wanted, len(wanted.hints) if every else one_more(wanted))


def one_more(task: Task) -> int:
    """Count one more hint as given, and return how many that makes."""
    given = _given()
    count = min(given.get(task.id, 0) + 1, len(task.hints))
    write_whole(GIVEN, json.dumps(given | {task.id: count}))
    return count


def forget(id: str) -> None:
    """Start the hints of a task over."""
    given = _given()
    if given.pop(id, None):
        write_whole(GIVEN, json.dumps(given))


def write(screen: Screen, task: Task, count: int) -> None:
    """Write the hints given so far, the new one last."""
    of = len(task.hints)
    title = f"{task.id} {task.function}: {task.title}"
    screen.write_line(f"{title:<{WIDTH - 14}} hint {count} of {of}", bold=True)
    for number, hint in enumerate(task.hints[:count], 1):
        screen.write_line(
            textwrap.fill(
                hint, WIDTH, initial_indent=f"  {number}  ", subsequent_indent="     ", break_on_hyphens=False
            ),
            light=number < count,
        )
    if count == of:
        screen.write_line("That was the last. The docstring in your file names the paper and the equation.")
    else:
        screen.write_line(f"One more: kata hint {task.id}")


def _given() -> dict[str, int]:
    """How many hints were given for each task; nothing where the file is missing or is not ours."""
    try:
        read = json.loads(Path(GIVEN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {k: v for k, v in read.items() if isinstance(v, int) and v > 0} if isinstance(read, dict) else {}
