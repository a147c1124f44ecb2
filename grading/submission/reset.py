"""Put a stub back: of one function, with the rest of the student's file left as it is, or of a whole module."""

from __future__ import annotations

import ast
import io
import time
from pathlib import Path

from grading.machine.files import write_whole
from grading.submission.errors import UsageError
from grading.submission.katas import Task
from grading.submission.stubs import pristine


def restore(path: Path, task: Task, kept: Path, whole: bool = False) -> Path | None:
    """Put the stub of a task's function back into a student's file.

    Args:
        path: the student's module.
        task: whose function it is.
        kept: folder for the old file.
        whole: put the whole module back, with every function in it.

    Returns:
        where the old file was kept; None where there was no file.

    Raises:
        UsageError: the file is not Python, so that no function can be found in it, or is the stub already.
    """
    fresh = pristine(task.module)
    if not path.exists():
        write_whole(path, fresh)
        return None
    old = path.read_bytes()
    try:
        text = old.decode("utf-8")
        new = fresh if whole else with_stub(text, fresh, task.function)
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise UsageError(
            f"{path.parent.name}/{path.name}{line}: this is not valid Python, so {task.function} cannot be told "
            f"from the rest of it; `kata reset {task.id} --file` puts the whole file back, and keeps yours"
        ) from None
    if new == text:
        what = f"{path.parent.name}/{path.name}" if whole else f"{task.id} {task.function}"
        raise UsageError(f"{what} is the stub already; nothing was changed")
    saved = _keep(old, kept, path)
    write_whole(path, new)
    return saved


def with_stub(text: str, fresh: str, function: str) -> str:
    """Replace a function of a module by its stub; appended where the module does not define it.

    Where it is defined more than once the last one counts, so the last one is replaced.
    """
    stub = "".join(_lines(fresh)[slice(*_span(fresh, function))])
    newline = "\r\n" if "\r\n" in text else "\n"
    stub = stub.rstrip("\n").replace("\n", newline)
    lines = _lines(text)
    try:
        first, last = _span(text, function)
    except LookupError:
        return text.rstrip() + newline * 3 + stub + newline
    end = newline if lines[last - 1].endswith(("\n", "\r")) else ""
    return "".join([*lines[:first], stub + end, *lines[last:]])


def _lines(text: str) -> list[str]:
    """Lines as Python's own parser counts them, with their ends: splitlines() would also split at a form feed."""
    return io.StringIO(text, newline="").readlines()


def _span(text: str, function: str) -> tuple[int, int]:
    """The first line and the line after the last one of a function, from 0, its decorators included."""
    found = [
        node
        for node in ast.parse(text).body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == function
    ]
    if not found:
        raise LookupError(function)
    first = min([found[-1].lineno, *(decorator.lineno for decorator in found[-1].decorator_list)])
    return first - 1, found[-1].end_lineno or first


def _keep(old: bytes, kept: Path, path: Path) -> Path:
    kept.mkdir(parents=True, exist_ok=True)
    stem = f"{path.stem}-{time.strftime('%Y%m%d-%H%M%S')}"
    for name in (stem, *(f"{stem}-{again}" for again in range(2, 1000))):
        target = kept / f"{name}.py"
        if not target.exists():
            break
    target.write_bytes(old)
    return target
