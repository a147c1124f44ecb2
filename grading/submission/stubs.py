"""Make a stub from a solution: same signature, docstring and argument checks, and one line that says which task it is.

`python -m grading.submission.stubs DIR` writes the stubs of `solutions/` to DIR, so that stub and solution cannot
drift. What `kata reset` puts back is made likewise, where the solutions are; a student's copy has it as files.
"""

from __future__ import annotations

import ast
import sys
from itertools import takewhile
from pathlib import Path

from grading.submission.katas import MODULES, tasks
from grading.submission.signatures import SOLUTIONS, reference


def stub(source: str) -> str:
    """Empty the exercise functions of a solution module, drop its private helpers, keep all else as it is."""
    ids = {task.function: task.id for task in tasks()}
    lines = source.splitlines()
    for node in reversed(ast.parse(source).body):
        if not isinstance(node, ast.FunctionDef):
            continue
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) - 1
        if node.name not in ids:
            del lines[first : node.end_lineno]
            continue
        kept = 1 + sum(1 for _ in takewhile(is_check, node.body[1:]))  # the docstring, and the checks under it
        lines[node.body[kept - 1].end_lineno : node.end_lineno] = [
            f'    raise NotImplementedError("{ids[node.name]} {node.name}")'
        ]
        del lines[first : node.lineno - 1]
    imports = [i for i, line in enumerate(lines) if line.startswith("from torch import ")]
    if imports and "import torch" not in lines:  # a solution may do without; a student may not want to
        lines.insert(imports[0], "import torch")
    return "\n".join(lines).rstrip() + "\n"


def is_check(statement: ast.stmt) -> bool:
    """Whether a statement only turns a wrong argument away: `if ...: raise ValueError(...)`. Checks are given."""
    return isinstance(statement, ast.If) and isinstance(statement.body[0], ast.Raise)


def pristine(module: str) -> str:
    """A module as it was before the student wrote a line."""
    return stub(reference(module))  # of a stub, it is the stub itself


def write_stubs(folder: Path, solutions: Path = SOLUTIONS) -> None:
    """Write a fresh stub of each module to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for module in MODULES:
        source = (solutions / f"{module}.py").read_text(encoding="utf-8")
        (folder / f"{module}.py").write_text(stub(source), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m grading.submission.stubs DIR")
    write_stubs(Path(sys.argv[1]))
