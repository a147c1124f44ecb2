"""The signatures of the contract, read from the reference's source text; not a line of it is run."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from grading.submission.errors import UsageError
from grading.submission.katas import ROOT, TABLE, tasks

SOLUTIONS = ROOT / "solutions"
RELEASED = Path(__file__).resolve().parent / "pristine"  # in a student's copy: what the stubs were


@cache
def reference(module: str) -> str:
    """The source of a module, with every signature and docstring.

    It is the reference's; in a student's copy the stub's, as released; in a copy that somebody took the solutions out
    of by hand, what lies in exercises/.

    Raises:
        UsageError: this copy has none of them.
    """
    for path in (SOLUTIONS / f"{module}.py", RELEASED / f"{module}.txt", ROOT / "exercises" / f"{module}.py"):
        if path.exists():
            return path.read_text(encoding="utf-8")
    raise UsageError(f"{TABLE.name} has a kata with module {module}, and there is no solutions/{module}.py")


@cache
def definitions(module: str) -> dict[str, ast.FunctionDef]:
    """The functions that a module of the reference defines, by name; none where it is not Python."""
    try:
        body = ast.parse(reference(module)).body
    except SyntaxError:
        body = []
    return {node.name: node for node in body if isinstance(node, ast.FunctionDef)}


@cache
def parameters(function: str) -> tuple[str, ...]:
    """The parameters of a function, in order; none where the reference does not define it."""
    found = next((definitions(task.module).get(function) for task in tasks() if task.function == function), None)
    return tuple(argument.arg for argument in (*found.args.args, *found.args.kwonlyargs)) if found else ()


def check_table() -> None:
    """Raise UsageError, with a sentence, for a wrong table, or for a function that the reference does not define."""
    owed = tasks()
    for task in owed if SOLUTIONS.is_dir() else ():
        reference(task.module)
        if task.function not in definitions(task.module):
            where = f"solutions/{task.module}.py does not define it"
            raise UsageError(f"{TABLE.name} has task {task.id} {task.function}, and {where}")
