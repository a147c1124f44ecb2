"""Every small change of a part of a formula: a root dropped, a letter for another, a sign, a bracket."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
OPPOSITE = {"+": "-", "-": "+", "*": "/", "/": "*"}
INSTEAD = {
    "before": ("after", "first"), "after": ("before",), "floor": ("ceil", "rint"), "cumprod": ("cumsum",),
}  # fmt: skip
RESTS = ("ab", "ab_prev")  # what 1 is often taken minus of


class Change(NamedTuple):
    """One line put in the place of another: `was` and `now` are the parts that differ; the likely have a low rank."""

    line: str
    text: str
    was: str
    now: str
    rank: int


@cache
def instead_of(part: str, names: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    """What may stand in the place of one part, with its rank."""
    return tuple(_instead_of(tree_of(part), f"({part})", names))


def _instead_of(node: ast.expr, it: str, names: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Name):
        yield from ((1, name) for name in names if name != node.id)
        yield from ((2, f"1 - {name}") for name in (*RESTS, node.id) if name in (*names, node.id))
        yield 3, f"1 + {it}"
    if isinstance(node, ast.Constant):
        yield from ((3, number) for number in ("0", "1", "2", "0.5"))
    if isinstance(node, (ast.Constant, ast.Call)):
        yield from ((2, name) for name in names)
    if isinstance(node, ast.Call):
        yield from _of_call(node, it)
    else:
        yield 1, f"sqrt{it}"
    if isinstance(node, ast.BinOp):
        yield from _of_operation(node)
    if not isinstance(node, ast.Call) and not _is_power(node):
        yield 2, f"{it} ** 2"
    yield from ((3, "1"), (3, "0"), (2, f"-{it}"))


def _of_call(node: ast.Call, it: str) -> Iterator[tuple[int, str]]:
    assert isinstance(node.func, ast.Name)
    name, inner = node.func.id, node.args[0]
    yield 0, _text(inner)
    yield 2, f"1 - {it}"
    yield from ((1, f"{other}{_text(inner)}") for other in INSTEAD.get(name, ()))
    if name == "sqrt":
        yield from ((3, f"sqrt{it}"), (2, f"{_text(inner)} ** 2"))
        if isinstance(inner, ast.BinOp) and not _is_power(inner):  # a root of one side, or of each by itself
            left, sign, right = _text(inner.left), SIGNS[type(inner.op)], _text(inner.right)
            yield 1, f"sqrt{left} {sign} {right}"
            yield 1, f"{left} {sign} sqrt{right}"
            yield 1, f"sqrt{left} {sign} sqrt{right}"


def _of_operation(node: ast.BinOp) -> Iterator[tuple[int, str]]:
    left, right = _text(node.left), _text(node.right)
    if _is_power(node):
        yield from ((0, left), (2, f"{left} ** 4"))
        return
    sign = SIGNS[type(node.op)]
    yield from ((0, f"{left} {OPPOSITE[sign]} {right}"), (0, left), (0, right))
    yield from ((1, _text(part)) for part in parts(node) if part not in (node, node.left, node.right))
    if sign == "-":
        yield from ((0, f"{right} - {left}"), (1, f"-{right}"))
    if sign == "/":
        yield from ((0, f"{right} / {left}"), (1, f"1 / {right}"))
    if sign in "*/" and isinstance(node.left, ast.BinOp) and not _is_power(node.left):  # the bracket left out, or moved
        first, inner, second = _text(node.left.left), SIGNS[type(node.left.op)], _text(node.left.right)
        yield 0, f"{first} {inner} ({second} {sign} {right})"
        yield 0, f"({first} {sign} {right}) {inner} {second}"
    if sign in "*/" and isinstance(node.right, ast.BinOp) and type(node.right.op) in (ast.Add, ast.Sub):
        first, inner, second = _text(node.right.left), SIGNS[type(node.right.op)], _text(node.right.right)
        yield 0, f"{left} {sign} {first} {inner} {second}"


def _text(node: ast.expr) -> str:
    return f"({ast.unparse(node)})"


def _is_power(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)


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
    if isinstance(node.op, (ast.Add, ast.Sub)):
        if left != right and not zero:
            raise ValueError("a number added to a vector")
    elif (right and (left or not isinstance(node.op, ast.Mult))) or (left and isinstance(node.op, ast.Pow)):
        raise ValueError("not linear")
    return left or right
