"""Write an expression without what changes nothing: `1 * x`, `sqrt(1)`, `0 * eps`, `a - a`."""

from __future__ import annotations

import ast

import numpy as np

from grading.judging.diagnosis.search.changes import parts
from grading.judging.diagnosis.search.values import FUNCTIONS, Letters, attempt


def simplified(text: str) -> str:
    """The expression with the part of each part that gives the same, whatever the letters are, in its place."""
    tree, dice = ast.parse(text, mode="eval").body, np.random.default_rng(0)
    names = sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - FUNCTIONS.keys())
    letters = {name: dice.uniform(0.1, 0.9, (5, 3)) * (10 if name[0].isupper() else 1) for name in names}
    with np.errstate(all="ignore"):
        simple = _simple(tree, letters)
    return ast.unparse(simple).replace("+ -", "- ").replace("- -", "+ ")


def _simple(node: ast.expr, letters: Letters) -> ast.expr:
    if isinstance(node, ast.BinOp):
        smaller = [_simple(node.left, letters), _simple(node.right, letters)]
        node = ast.BinOp(smaller[0], node.op, smaller[1])
    elif isinstance(node, ast.UnaryOp):
        smaller = [_simple(node.operand, letters)]
        node = ast.UnaryOp(node.op, smaller[0])
    elif isinstance(node, ast.Call):
        smaller = [_simple(node.args[0], letters)]
        node = ast.Call(node.func, [smaller[0]], [])
    else:
        return node
    inner = [part for part in parts(node) if part not in (node, *smaller)]
    negative = [ast.UnaryOp(ast.USub(), part) for part in smaller if not isinstance(node, ast.UnaryOp)]
    for other in (ast.Constant(0), ast.Constant(1), *smaller, *inner, *negative):
        if _is_same(attempt(ast.unparse(node), letters), attempt(ast.unparse(other), letters)):
            return other
    return node


def _is_same(left: np.ndarray, right: np.ndarray) -> bool:
    return left.shape[-1] in (right.shape[-1], 1) and bool(np.allclose(left, right, rtol=1e-12, atol=0))
