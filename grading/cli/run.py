"""Run the suites for a command that shows their outcome: quietly, with a line that says how far it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from grading.submission.folders import find
from grading.submission.katas import task, tasks
from grading.suites.board import Outcome

Impl = Annotated[
    str,
    typer.Option(
        "--impl",
        metavar="NAME_OR_PATH",
        envvar="KATA_IMPL",
        help="Whose code: exercises, solutions, or a folder with the modules.",
    ),
]


def complete_task(incomplete: str) -> list[tuple[str, str]]:
    """What a shell offers for a task's id."""
    return [(task.id, task.function) for task in tasks() if task.id.startswith(incomplete)]


TaskId = Annotated[
    str | None, typer.Argument(metavar="[TASK]", help="A task's id, such as 4.1.", autocompletion=complete_task)
]


def chosen(impl: str | None = None) -> str:
    """Whose code: as given, or as KATA_IMPL says, or the student's own."""
    return impl or os.environ.get("KATA_IMPL") or "exercises"


def outcomes(impl: str, *options: str, files: list[Path] | None = None) -> list[Outcome]:
    """Run suites on an implementation; its prints are caught, and shown with the failure that they belong to."""
    folder = find(impl)
    if "--task" in options:
        task(options[options.index("--task") + 1])
    with working() as status:
        from grading.suites.runner import run_suites

        def told(outcome: Outcome, done: int, total: int) -> None:
            status.update(f"testing {outcome.task}, {done} of {total}")
            status.start()

        name = impl if impl in ("exercises", "solutions") else folder
        return run_suites(name, "--capture=fd", *options, files=files, on_outcome=told, on_debugger=status.stop)


def shown(path: Path) -> str:
    """A path as one would type it here: relative where it lies below."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


@contextmanager
def working() -> Iterator[Any]:
    """A line on the terminal itself: while a test runs, standard error belongs to what the test prints."""
    from rich.console import Console

    with (
        os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace") as terminal,
        Console(file=terminal, force_terminal=os.isatty(2), force_jupyter=False).status("loading torch") as status,
    ):
        yield status
