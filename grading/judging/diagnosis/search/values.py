"""What an expression gives at many places at once, and with many things in the place of one of its parts."""

from __future__ import annotations

import ast
import operator
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

Numbers = Any  # an array (places, columns), or many of them one behind the other: (many, places, columns)
Letters = Mapping[str, Numbers]

OPERATIONS: dict[type, Any] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}  # fmt: skip
FUNCTIONS: dict[str, Any] = {
    "sqrt": np.sqrt, "cos": np.cos, "exp": np.exp, "log": np.log, "floor": np.floor, "ceil": np.ceil,
    "rint": np.rint, "cumprod": lambda x: np.cumprod(x, -2), "cumsum": lambda x: np.cumsum(x, -2),
    "turned": lambda x: x[..., ::-1, :], "before": lambda f: f[..., :1], "after": lambda f: f[..., 1:2],
    "first": lambda f: f[..., 2:],
}  # fmt: skip
FAILURES = (ArithmeticError, ValueError, TypeError, KeyError, IndexError)


@cache
def tree_of(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def value(node: ast.expr, known: Letters, kept: Mapping[int, Numbers] = {}) -> Numbers:
    """What an expression gives; `kept` holds what is known of parts of it, by their ids. Raises one of FAILURES."""
    if id(node) in kept:
        return kept[id(node)]
    if isinstance(node, ast.Name):
        return known[node.id]
    if isinstance(node, ast.Constant):
        return np.float64(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.BinOp):
        return OPERATIONS[type(node.op)](value(node.left, known, kept), value(node.right, known, kept))
    if isinstance(node, ast.UnaryOp):
        return -value(node.operand, known, kept)
    if isinstance(node, ast.Compare):
        return value(node.left, known, kept) > value(node.comparators[0], known, kept)
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    name = node.func.id
    return (known.get(name) or FUNCTIONS[name])(value(node.args[0], known, kept))


def attempt(node: ast.expr, known: Letters, kept: Mapping[int, Numbers] = {}) -> Numbers:
    """What an expression gives, with two dims or more; not a number where it gives nothing."""
    try:
        return np.atleast_2d(value(node, known, kept))
    except FAILURES:
        return np.full((1, 1), np.nan)


def evaluate(lines: Mapping[str, str], letters: Letters) -> Numbers:
    """What the last line gives; a line whose name is among the letters is not worked out again."""
    known = dict(letters)
    with np.errstate(all="ignore"):
        for name, text in lines.items():
            if name not in letters:
                known[name] = attempt(tree_of(text), known)
    return known[[*lines][-1]]
