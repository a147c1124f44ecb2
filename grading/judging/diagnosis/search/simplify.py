"""Write an expression without what changes nothing: `1 * x`, `sqrt(1)`, `0 * eps`, `a - a`."""

from __future__ import annotations

import ast
from typing import Any


def simplified(text: str) -> str:
    return ast.unparse(_simple(ast.parse(text, mode="eval").body))


def _number(node: ast.expr) -> Any:
    return node.value if isinstance(node, ast.Constant) else None


def _simple(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Call):
        inner = _simple(node.args[0])
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Pow) and _number(inner.right) == 2:
            return inner.left
        return inner if _number(inner) in (0, 1) else ast.Call(node.func, [inner], [])
    if isinstance(node, ast.UnaryOp):
        inner = _simple(node.operand)
        if isinstance(inner, ast.UnaryOp):
            return inner.operand
        return inner if _number(inner) == 0 else ast.UnaryOp(node.op, inner)
    if not isinstance(node, ast.BinOp):
        return node
    left, op, right = _simple(node.left), node.op, _simple(node.right)
    a, b, same = _number(left), _number(right), ast.unparse(left) == ast.unparse(right)
    zero, one = ast.Constant(0), ast.Constant(1)
    if isinstance(op, ast.Add):
        if isinstance(right, ast.UnaryOp):
            return ast.BinOp(left, ast.Sub(), right.operand)
        return right if a == 0 else left if b == 0 else ast.BinOp(left, op, right)
    if isinstance(op, ast.Sub):
        if isinstance(right, ast.UnaryOp):
            return ast.BinOp(left, ast.Add(), right.operand)
        return (
            zero
            if same
            else left
            if b == 0
            else ast.UnaryOp(ast.USub(), right)
            if a == 0
            else ast.BinOp(left, op, right)
        )
    if isinstance(op, ast.Mult):
        return zero if 0 in (a, b) else right if a == 1 else left if b == 1 else ast.BinOp(left, op, right)
    if isinstance(op, ast.Div):
        return zero if a == 0 else one if same else left if b == 1 else ast.BinOp(left, op, right)
    return left if a in (0, 1) else ast.BinOp(left, op, right)
