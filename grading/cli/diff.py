"""kata diff: yours beside ours, once yours passes."""

from __future__ import annotations

import ast
import textwrap
import tokenize
from pathlib import Path
from typing import Annotated

import typer

from grading.cli import app
from grading.cli.run import TaskId, chosen, outcomes
from grading.submission.errors import UsageError
from grading.submission.folders import ROOT, find
from grading.submission.katas import Task, task

SIDE_BY_SIDE = 120  # columns: below, one under the other reads better


@app.command(short_help="Your function beside the reference, once yours passes.")
def diff(
    id: TaskId = None,
    impl: Annotated[
        str | None,
        typer.Option("--impl", metavar="NAME_OR_PATH", envvar="KATA_IMPL", help="Whose code to show beside ours."),
    ] = None,
) -> None:
    """Show your function beside the reference, once yours passes its tests. (Wide terminals show two columns.)

    A copy of the kata may come without the reference; then there is nothing to compare with.

    Example: kata diff 4.1
    """
    if id is None:
        raise UsageError("kata diff: say which task, as in `kata diff 4.1`; `kata --all` shows them all")
    wanted, folder, reference = task(id), find(chosen(impl)), ROOT / "solutions" / f"{task(id).module}.py"
    if not reference.exists():
        raise UsageError("kata diff: the reference (solutions/) is not in this copy; ask whoever gave you the kata")
    seen = outcomes(chosen(impl), "--task", id)
    passed = sum(outcome.status == "passed" for outcome in seen)
    if passed < len(seen):
        typer.echo(f"{id} {wanted.function}: {passed} of {len(seen)} tests pass. You see ours when yours passes all.")
        typer.echo(f"What is wrong: pytest --task {id}     A hint: kata hint {id}")
        raise typer.Exit(1)
    show(wanted, folder / f"{wanted.module}.py", reference)


def show(task: Task, yours: Path, ours: Path) -> None:
    """Print two bodies: beside each other where the terminal is wide enough, else one under the other."""
    from rich import box
    from rich.console import Console, RenderableType
    from rich.syntax import Syntax
    from rich.table import Table

    console = Console()
    wide = console.width >= SIDE_BY_SIDE
    names = (f"yours: {yours.parent.name}/{yours.name}", f"ours: {ours.parent.name}/{ours.name}")
    code: list[RenderableType] = [
        Syntax(body(path, task.function), "python", theme="ansi_dark", background_color="default", word_wrap=True)
        for path in (yours, ours)
    ]
    console.print(f"{task.id} {task.function}: {task.title}", style="bold", highlight=False)
    if wide:
        table = Table(*names, box=box.SIMPLE_HEAD, expand=True)
        for column in table.columns:
            column.ratio = 1
        table.add_row(*code)
        console.print(table)
        return
    for name, part in zip(names, code):
        console.rule(name, align="left", characters="-")
        console.print(part)


def body(path: Path, function: str) -> str:
    """A function's decorators, `def` line and body, without the docstring that both share."""
    with tokenize.open(path) as file:  # in the encoding that the file declares
        source = file.read()
    lines = source.splitlines()
    found = [n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef) and n.name == function]
    if not found:
        return f"# {function} is not a plain function here"
    node = found[-1]
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    statements = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
    signature_end = node.body[0].lineno - 1
    head, rest = lines[first - 1 : signature_end], lines[statements[0].lineno - 1 : node.end_lineno]
    return textwrap.dedent("\n".join([*head, *rest]))
