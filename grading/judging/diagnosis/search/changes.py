"""Every small change of a part of a formula: a root dropped, a letter for another, a sign, a bracket."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

OPPOSITE = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
ONE, TWO, ZERO, HALF, FOUR = (ast.Constant(number) for number in (1, 2, 0, 0.5, 4))
INSTEAD = {
    "before": ("after", "first"), "after": ("before",), "floor": ("ceil", "rint"), "cumprod": ("cumsum",),
}  # fmt: skip
RESTS = ("ab", "ab_prev")  # what 1 is often taken minus of
SUMS, PRODUCTS = (ast.Add, ast.Sub), (ast.Mult, ast.Div)


class Change(NamedTuple):
    """One line put in the place of another: `was` and `now` are the parts that differ; the likely have a low rank."""

    line: str
    text: str
    was: str
    now: str
    rank: int


def _root(node: ast.expr) -> ast.expr:
    return ast.Call(ast.Name("sqrt", ast.Load()), [node], [])


def _is(node: ast.expr, kinds: tuple) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, kinds)


def _of_name(node: ast.Name, names: tuple[str, ...]) -> Iterator[tuple[int, ast.expr]]:
    yield from ((1, ast.Name(name, ast.Load())) for name in names if name != node.id)
    yield from ((2, ast.BinOp(ONE, ast.Sub(), ast.Name(name, ast.Load()))) for name in names if name in RESTS)
    yield 2, ast.BinOp(ONE, ast.Sub(), node)
    yield 3, ast.BinOp(ONE, ast.Add(), node)


def _of_call(node: ast.Call) -> Iterator[tuple[int, ast.expr]]:
    inner = node.args[0]
    assert isinstance(node.func, ast.Name)
    yield 0, inner
    for other in INSTEAD.get(node.func.id, ()):
        yield 1, ast.Call(ast.Name(other, ast.Load()), [inner], [])
    if node.func.id != "sqrt":
        return
    yield 3, _root(node)
    yield 2, ast.BinOp(inner, ast.Pow(), TWO)
    if isinstance(inner, ast.BinOp):
        left, op, right = inner.left, inner.op, inner.right
        yield 1, ast.BinOp(_root(left), op, right)
        yield 1, ast.BinOp(left, op, _root(right))
        yield 1, ast.BinOp(_root(left), op, _root(right))
        if isinstance(left, ast.BinOp):
            yield 2, ast.BinOp(ast.BinOp(_root(left.left), left.op, _root(left.right)), op, _root(right))


def _of_operation(node: ast.BinOp) -> Iterator[tuple[int, ast.expr]]:
    left, op, right = node.left, node.op, node.right
    if isinstance(op, ast.Pow):
        yield 0, left
        yield 2, ast.BinOp(left, op, FOUR)
        return
    yield 0, ast.BinOp(left, OPPOSITE[type(op)](), right)
    yield from ((0, left), (0, right))
    yield from ((1, part) for part in parts(node) if part not in (node, left, right))  # all but one part left out
    if isinstance(op, ast.Sub):
        yield from ((0, ast.BinOp(right, op, left)), (1, ast.UnaryOp(ast.USub(), right)))
    if isinstance(op, ast.Div):
        yield from ((0, ast.BinOp(right, op, left)), (1, ast.BinOp(ONE, op, right)))
    if isinstance(op, PRODUCTS):
        if isinstance(left, ast.BinOp) and not isinstance(left.op, ast.Pow):  # the bracket left out, or moved
            yield 0, ast.BinOp(left.left, left.op, ast.BinOp(left.right, op, right))
            yield 0, ast.BinOp(ast.BinOp(left.left, op, right), left.op, left.right)
        if isinstance(right, ast.BinOp) and isinstance(right.op, SUMS):
            yield 0, ast.BinOp(ast.BinOp(left, op, right.left), right.op, right.right)


@cache
def instead_of(part: str, names: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    """What may stand in the place of one part, with its rank."""
    return tuple((rank, ast.unparse(new)) for rank, new in _instead_of(tree_of(part), names))


def _instead_of(node: ast.expr, names: tuple[str, ...]) -> Iterator[tuple[int, ast.expr]]:
    if isinstance(node, ast.Name):
        yield from _of_name(node, names)
    if isinstance(node, ast.Constant):
        yield from ((2, ast.Name(name, ast.Load())) for name in names)
        yield from ((3, number) for number in (ZERO, ONE, TWO, HALF))
    if isinstance(node, ast.Call):
        yield from _of_call(node)
        yield from ((2, ast.Name(name, ast.Load())) for name in names)
        yield 2, ast.BinOp(ONE, ast.Sub(), node)
    else:
        yield 1, _root(node)
    if isinstance(node, ast.BinOp):
        yield from _of_operation(node)
    if not isinstance(node, ast.Call) and not _is(node, (ast.Pow,)):
        yield 2, ast.BinOp(node, ast.Pow(), TWO)
    yield from ((3, ONE), (3, ZERO), (2, ast.UnaryOp(ast.USub(), node)))


@cache
def tree_of(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def parts(node: ast.expr) -> Iterator[ast.expr]:
    """Every part of an expression, itself first."""
    yield node
    if isinstance(node, ast.BinOp):
        yield from parts(node.left)
        yield from () if isinstance(node.op, ast.Pow) else parts(node.right)
    elif isinstance(node, ast.Call):
        yield from parts(node.args[0])
    elif isinstance(node, ast.UnaryOp):
        yield from parts(node.operand)


def is_vector(node: ast.expr, vectors: frozenset[str]) -> bool:
    """Whether an expression is a vector; ValueError where it is neither a number nor linear in vectors."""
    if isinstance(node, ast.Name):
        return node.id in vectors
    if isinstance(node, ast.UnaryOp):
        return is_vector(node.operand, vectors)
    if isinstance(node, ast.Call) and is_vector(node.args[0], vectors):
        raise ValueError("a function of a vector")
    if not isinstance(node, ast.BinOp):
        return False
    left, right = is_vector(node.left, vectors), is_vector(node.right, vectors)
    zero = any(isinstance(part, ast.Constant) and part.value == 0 for part in (node.left, node.right))
    if isinstance(node.op, SUMS):
        if left != right and not zero:
            raise ValueError("a number added to a vector")
    elif (right and (left or not isinstance(node.op, ast.Mult))) or (left and isinstance(node.op, ast.Pow)):
        raise ValueError("not linear")
    return left or right
