"""kata hint: three for each task, one more each time it is asked; once it is done, what there is to know about it.

How many were given is kept in .kata/hints.json.
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Annotated

import typer

from grading.cli import app
from grading.cli.run import TaskId, chosen, outcomes
from grading.cli.screen import Screen
from grading.judging.failure import WIDTH
from grading.machine.files import write_whole
from grading.submission.folders import ROOT, find
from grading.submission.katas import Task, task

GIVEN = ROOT / ".kata" / "hints.json"


LABELS = ("in short", "why", "also right", "caught", "think")


@app.command(short_help="One hint more each time: idea, equation, nearly the code.")
def hint(
    id: TaskId = None,
    every: Annotated[bool, typer.Option("--all", help="Show all three at once.")] = False,
) -> None:
    """Give a hint: a question, then more than the docstring says, then code. Each time you ask, one more.

    Without a task: for the one that is next. Of a task that is done: why it is so, and what else would be right.
    `kata reset` starts its hints over.

    Example: kata hint 4.1
    """
    if id is None:
        from grading.suites.board import first_failure

        first = first_failure(outcomes(chosen(), "--guide"))
        if first is None:
            typer.echo("All done: nothing is left to hint at. `kata hint 4.1` tells more about a task that is done.")
            return
        id = first.task
    wanted = task(id)
    if wanted.after and not every and is_done(wanted):
        write_after(Screen(), wanted)
    else:
        write(Screen(), wanted, len(wanted.hints) if every else one_more(wanted))


def is_done(task: Task) -> bool:
    """Whether a task's tests pass; they are not run where its stub is still there."""
    from grading.suites.board import state

    path = find(chosen()) / f"{task.module}.py"
    written = path.is_file() and f'NotImplementedError("{task.id} ' not in path.read_text("utf-8", errors="replace")
    return written and state(outcomes(chosen(), "--task", task.id)) == "done"


def write_after(screen: Screen, task: Task) -> None:
    """Write what there is to know about a task that is done."""
    screen.write_line(f"{task.id} {task.function}: done", bold=True, green=True)
    for label, text in zip(LABELS, task.after):
        filled = textwrap.fill(text, WIDTH - 13, break_on_hyphens=False, break_long_words=False)
        screen.write_line(textwrap.indent(filled, " " * 13).replace(" " * 13, f"  {label:<11}", 1))


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
        is_code = number == len(task.hints)  # the last is code: its lines stay as they are
        text = hint.strip("\n") if is_code else textwrap.fill(hint, WIDTH - 5, break_on_hyphens=False)
        screen.write_line(f"  {number}  {textwrap.indent(text, '     ').lstrip()}", light=number < count)
    if count == of:
        screen.write_line(f"That was the last. When {task.id} is done, kata hint {task.id} says why it is so.")
    else:
        screen.write_line(f"One more: kata hint {task.id}")


def _given() -> dict[str, int]:
    """How many hints were given for each task; nothing where the file is missing or is not ours."""
    try:
        read = json.loads(Path(GIVEN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {k: v for k, v in read.items() if isinstance(v, int) and v > 0} if isinstance(read, dict) else {}
