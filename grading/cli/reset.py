"""kata reset: a stub put back, with the old file kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from grading.cli import app
from grading.cli.hints import forget
from grading.cli.run import TaskId, chosen, shown
from grading.submission.errors import UsageError
from grading.submission.folders import ROOT, find
from grading.submission.katas import Task, task

KEPT = ROOT / ".kata" / "kept"


@app.command(short_help="Put the stub of a task back; your file is kept.")
def reset(
    id: TaskId = None,
    file: Annotated[bool, typer.Option("--file", help="Put the whole file back, with every task in it.")] = False,
    impl: Annotated[
        str | None,
        typer.Option("--impl", metavar="PATH", envvar="KATA_IMPL", help="Whose file; yours if left out."),
    ] = None,
) -> None:
    """Start a task again: put its stub back, and keep your old file.

    Only that one function changes; what else you have written in the file stays.

    Example: kata reset 4.1
    """
    if id is None:
        raise UsageError("kata reset: say which task, as in `kata reset 4.1`; `kata --all` shows them all")
    typer.echo(put_back(find(chosen(impl)), task(id), file))


def put_back(folder: Path, task: Task, whole: bool = False) -> str:
    """Put a stub back, and say in a few lines what was done."""
    from grading.submission.reset import restore

    if folder == ROOT / "solutions":
        raise UsageError("kata reset: solutions/ is the reference, not yours to reset; leave --impl out for exercises/")
    path = folder / f"{task.module}.py"
    forget(task.id)
    kept = restore(path, task, KEPT, whole)
    what = f"every task of {path.name}" if whole else f"{task.id} {task.function}"
    lines = [f"{what}: the stub is back in {shown(path)}"]
    if kept:
        lines += [f"your old file is kept: {shown(kept)}"]
    return "\n".join(lines)
