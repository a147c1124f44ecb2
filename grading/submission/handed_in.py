"""What is handed in: the modules of the contract and nothing else. What in them will not work at the grader's."""

from __future__ import annotations

import ast
import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from grading.submission.folders import NAMED
from grading.submission.katas import MODULES, REQUIRED, in_words

OPENS = {"open", "load", "save", "loadtxt", "genfromtxt", "read_csv", "read_text", "read_bytes"}
WITH_TORCH = ("torch", "numpy")
MOST, MOST_LETTERS = 20, 200
MOST_BYTES = 32 * 1024  # of a file that is looked at: what can be nested deeply enough to harm a parser is longer


def remarks(folder: Path) -> list[str]:
    """Sentences about what works here and will not where it is graded; read from the files, nothing is run."""
    found = []
    for path in (folder / f"{module}.py" for module in MODULES):
        with contextlib.suppress(OSError):  # not there, or not to be read: the suites say so
            found += remarks_on(path, path.read_bytes() if path.is_file() else b"")
    return found


def remarks_on(path: Path, source: bytes) -> list[str]:
    """The same of one file, whose source it is; the first few."""
    return list(dict.fromkeys(remark[:MOST_LETTERS] for remark in islice(_remarks(path, source), MOST)))


def _remarks(path: Path, source: bytes) -> Iterator[str]:
    folder, name = path.parent, f"{path.parent.name}/{path.name}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about an escape that is none
            tree = ast.parse(source if len(source) <= MOST_BYTES else b"")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # no Python: the suites say so
    for node in ast.walk(tree):
        for imported in _imported(node):
            why = _lacking(folder, imported)
            if why:
                yield f"{name} imports {imported}: {why}"
        if isinstance(node, ast.Call) and _called(node.func) in OPENS and _is_file(node):
            yield f"{name}:{node.lineno} opens a file: where it is graded there are none but the modules"


def _imported(node: ast.AST) -> Iterator[str]:
    """The modules that a statement imports, without the package that holds the submission."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        bare = node.module is None or (not node.level and node.module in NAMED)
        names = [alias.name for alias in node.names] if bare else [node.module or ""]
        names = [f".{name}" for name in names] if node.level else names
    else:
        return
    for name in names:
        first, _, rest = name.partition(".")
        yield rest if first in NAMED and rest else name


def _lacking(folder: Path, imported: str) -> str:
    """Why an import will fail where only the modules are, in a sandbox; empty where it will not."""
    own = imported.startswith(".")
    first = imported.lstrip(".").partition(".")[0]
    if first in MODULES or (not own and first in (*sys.stdlib_module_names, *WITH_TORCH, *NAMED)):
        return ""
    if first == "grading":
        return "the grader's own code is not there"
    beside = (folder / f"{first}.py", folder / first, folder.parent / f"{first}.py")
    if own or any(map(os.path.exists, beside)):  # False for a name that is too long for a file
        return f"only the {in_words(len(REQUIRED))} files are handed in"
    return "the grader promises torch and Python's own library, no more"


def _called(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _is_file(call: ast.Call) -> bool:
    """Whether a call looks like one that opens a file: `open("x")`, `torch.load(path)`, and not `x.open()`."""
    name = _called(call.func)
    if isinstance(call.func, ast.Name):
        return name == "open" or bool(call.args)
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    known = isinstance(owner, ast.Name) and owner.id in ("torch", "np", "numpy", "pd", "json", "pickle", "io", "os")
    return known or name in ("read_text", "read_bytes")
