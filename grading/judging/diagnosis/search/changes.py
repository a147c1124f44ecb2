"""Every small change of a part of a formula: a root dropped, a letter for another, a sign, a bracket."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from grading.judging.diagnosis.search.values import FUNCTIONS

SIGNS = "+-*/"
RESTS = ("ab", "ab_prev")  # what 1 is often taken minus of
# A part, its rank (the likely have a low one), what may stand in its place. x is a letter, n a number, f a function.
RULES: list[tuple[str, int, tuple[str, ...]]] = [
    ("x", 1, ("sqrt(x)",)),
    ("x", 2, ("1 - x", "x ** 2")),
    ("x", 3, ("1 + x",)),
    ("n", 3, ("2", "0.5")),
    ("a + b", 0, ("a - b", "a", "b")),
    ("a - b", 0, ("a + b", "a", "b", "b - a")),
    ("a - b", 1, ("-b",)),
    ("a * b", 0, ("a / b", "a", "b")),
    ("a / b", 0, ("a * b", "a", "b", "b / a")),
    ("a / b", 1, ("1 / b",)),
    ("a ** 2", 0, ("a",)),
    ("a ** 2", 2, ("a ** 4",)),
    ("f(a)", 0, ("a",)),
    ("f(a)", 2, ("1 - f(a)",)),
    ("sqrt(a)", 2, ("a ** 2",)),
    ("sqrt(a)", 3, ("sqrt(sqrt(a))",)),
    ("floor(a)", 1, ("ceil(a)", "rint(a)")),
    ("cumprod(a)", 1, ("cumsum(a)",)),
    ("before(a)", 1, ("after(a)", "first(a)")),
    ("after(a)", 1, ("before(a)",)),
    ("a", 2, ("-a",)),
    ("a", 3, ("0", "1")),
    *((f"a {o} b", 1, (f"sqrt(a {o} b)",)) for o in SIGNS),
    *((f"a {o} b", 2, (f"(a {o} b) ** 2",)) for o in SIGNS),
    *((f"sqrt(a {o} b)", 1, (f"sqrt(a) {o} b", f"a {o} sqrt(b)", f"sqrt(a) {o} sqrt(b)")) for o in SIGNS),
    *(
        (f"(a {i} b) {o} c", 0, (f"a {i} (b {o} c)", f"(a {o} c) {i} b")) for o in "*/" for i in SIGNS
    ),  # a bracket moved
    *((f"a {o} (b {i} c)", 0, (f"a {o} b {i} c",)) for o in "*/" for i in SIGNS),  # or left out
]


class Change(NamedTuple):
    """One line put in the place of another: `was` and `now` are the parts that differ; the likely have a low rank."""

    line: str
    text: str
    was: str
    now: str
    rank: int


@cache
def instead_of(part: str, names: tuple[str, ...]) -> dict[str, int]:
    """What may stand in the place of one part, and how likely that is: its rank."""
    found: dict[str, int] = {}
    for text, rank in sorted(_instead_of(tree_of(part), names), key=lambda made: made[1]):
        found.setdefault(text, rank)
    return found


def _instead_of(node: ast.expr, names: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    for form, rank, texts in RULES:
        letters = _letters_of(tree_of(form), node)
        if letters is not None:
            yield from ((renamed(text, letters), rank) for text in texts)
    if isinstance(node, ast.BinOp):
        yield from ((ast.unparse(part), 1) for part in parts(node))
    else:
        yield from ((name, 1 if isinstance(node, ast.Name) else 2) for name in names)
    if isinstance(node, ast.Name):
        yield from ((f"1 - {name}", 2) for name in RESTS if name in names)


def _letters_of(form: ast.expr, node: ast.expr) -> dict[str, str] | None:
    """What the letters of a form stand for in an expression; None where that is of another form."""
    match form, node:
        case ast.Name(id=letter), _:
            kind = {"x": ast.Name, "n": ast.Constant}.get(letter, ast.expr)
            return {letter: f"({ast.unparse(node)})"} if isinstance(node, kind) else None
        case ast.Constant(), ast.Constant() if form.value == node.value:
            return {}
        case ast.Call(func=ast.Name(id=known)), ast.Call(func=ast.Name(id=name)) if known in ("f", name):
            inner = _letters_of(form.args[0], node.args[0])
            return inner if inner is None else inner | {"f": name}
        case ast.BinOp(), ast.BinOp() if type(form.op) is type(node.op):
            left, right = _letters_of(form.left, node.left), _letters_of(form.right, node.right)
            return None if left is None or right is None else left | right
    return None


def parts(node: ast.expr) -> list[ast.expr]:
    """Every part of an expression, itself first."""
    return [part for part in ast.walk(node) if isinstance(part, ast.expr) and getattr(part, "id", "") not in FUNCTIONS]


def exchanged(text: str, part: ast.expr, other: str) -> str:
    """An expression with something else in the place of one part of its tree."""
    return f"{text[: part.col_offset]}({other}){text[part.end_col_offset :]}"


def renamed(text: str, swap: dict[str, str]) -> str:
    """An expression with other names."""
    return re.sub(r"\b\w+\b", lambda m: swap.get(m[0], m[0]), text)


@cache
def tree_of(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def plain(text: str) -> str:
    """An expression without needless brackets."""
    return ast.unparse(tree_of(text))
