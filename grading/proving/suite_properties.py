"""What the kata's own suite asks of a function that a student's tests do not: told once everything is caught.

A property is a word that stands for it, looked for in the suite's own sentences and in the student's file.
"""

from __future__ import annotations

import ast
import re

from grading.submission.katas import ROOT, Task, katas

# What a suite's sentence may be about, and what in a student's file shows that a test asks for it.
PROPERTIES = {
    r"in place|still needs|the caller": r"clone\(|in place|unchanged|untouched",
    r"dtype|float32": r"dtype|float64|\.double\(\)|\.float\(\)",
    r"GPU|device": r"device|cuda",
    r"number of dims|any shape|images": r"randn\(\d+, \d+, \d+|shape",
    r"linear|twice|thrice": r"linear|\b2 \*|twice",
    r"variance|add up": r"\.var\(|variance|\*\* ?2|square",
    r"t = 0|last step|last jump|at the end|after the last": r"t = 0|, 0,|-1|last",
    r"hand|quarter|half": r"approx|allclose|==",
    r"repeat|same call|again|two calls": r"again|twice|equal",
    r"generator|fresh": r"[gG]enerator",
    r"gradient": r"backward|requires_grad|grad",
    r"ValueError|turned away|refused": r"raises",
    r"T = 1\b|one step": r"\(1\b|\[\d?\.\d+\]",
    r"equals|the same as|agree|many small steps": r"cumprod|for .* in range",
}


def missing(task: Task, text: str) -> list[str]:
    """The suite's sentences about properties that nothing in a student's file speaks of."""
    used = {about for about, shown in PROPERTIES.items() if re.search(shown, text)}
    return [
        sentence
        for sentence in sentences(task)
        if not any(re.search(about, sentence) for about in used)
        and any(re.search(about, sentence) for about in PROPERTIES)
    ]


def sentences(task: Task) -> list[str]:
    """What each test of the suite says that it asks, for one task, in the order of the file."""
    suite = next(kata.suite for kata in katas() if task in kata.tasks)
    try:
        tree = ast.parse((ROOT / "tests" / suite).read_text(encoding="utf-8"))
    except (OSError, SyntaxError):
        return []
    whole = next((_marked(n.value) for n in tree.body if isinstance(n, ast.Assign) and _named(n) == "pytestmark"), None)
    return [*_sentences(tree.body, whole, task.id)]


def _sentences(body: list[ast.stmt], outer: str | None, id: str) -> list[str]:
    found: list[str] = []
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            own = next((mark for mark in map(_marked, node.decorator_list) if mark), outer)
            if isinstance(node, ast.ClassDef):
                found += _sentences(node.body, own, id)
            elif node.name.startswith("test_") and own == id:
                found += (ast.get_docstring(node) or "").splitlines()[:1]
    return found


def _marked(node: ast.expr) -> str | None:
    """The id in `pytest.mark.task("2.1")`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "task" and node.args:
        return str(getattr(node.args[0], "value", "")) or None
    return None


def _named(node: ast.Assign) -> str:
    return getattr(node.targets[0], "id", "")
