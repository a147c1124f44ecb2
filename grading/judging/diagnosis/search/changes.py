"""Every small change of a part of a formula: a root dropped, a letter for another, a sign, a bracket."""

import ast
import re
from functools import cache
from typing import NamedTuple

import numpy as np

from grading.judging.diagnosis.search.values import FUNCTIONS, attempt

SIGNS = "+-*/"
# By rank, the likely first, what may stand in the place of a part; x is a letter, n a number, f a function.
RULES: dict[int, dict[str, str]] = {
    0: {
        "a + b": "a - b, a, b", "a - b": "a + b, a, b, b - a, -b", "a ** 2": "a", "f(a)": "a",
        "a * b": "a / b, a, b", "a / b": "a * b, a, b, b / a, 1 / b",
        **{f"(a {i} b) {o} c": f"a {i} (b {o} c), (a {o} c) {i} b" for o in "*/" for i in SIGNS},  # a bracket moved
        **{f"a {o} (b {i} c)": f"a {o} b {i} c" for o in "*/" for i in SIGNS},  # or left out
    },
    1: {
        "x": "sqrt(x)", **{f"a {o} b": f"sqrt(a {o} b)" for o in SIGNS},
        **{f"sqrt(a {o} b)": f"sqrt(a) {o} b, a {o} sqrt(b), sqrt(a) {o} sqrt(b)" for o in SIGNS},
        "floor(a)": "ceil(a), rint(a)", "cumprod(a)": "cumsum(a)", "before(a)": "after(a), first(a)",
        "after(a)": "before(a)",
    },
    2: {
        "a": "-a", "x": "x ** 2, 1 - x, 1 - ab, 1 - ab_prev", **{f"a {o} b": f"(a {o} b) ** 2" for o in SIGNS},
        "a ** 2": "a ** 4", "f(a)": "1 - f(a)", "sqrt(a)": "a ** 2",
    },
    3: {"a": "0, 1", "x": "1 + x", "n": "2, 0.5", "sqrt(a)": "sqrt(sqrt(a))"},
}  # fmt: skip


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
    node, found = tree_of(part), dict[str, int]()
    others = [ast.unparse(inner) for inner in parts(node)] if isinstance(node, ast.BinOp) else names
    for rank, rules in RULES.items():
        fits = ((texts, _letters_of(tree_of(form), node)) for form, texts in rules.items())
        made = [renamed(text, letters) for texts, letters in fits if letters for text in texts.split(", ")]
        made += others if rank == (1 if isinstance(node, (ast.BinOp, ast.Name)) else 2) else ()
        found = dict.fromkeys(made, rank) | found
    return found


def _letters_of(form: ast.expr, node: ast.expr) -> dict[str, str]:
    """What the letters of a form stand for in an expression; nothing where that is of another form."""
    match form, node:
        case ast.Name(id=letter), _:
            kind = {"x": ast.Name, "n": ast.Constant}.get(letter, ast.expr)
            return {letter: f"({ast.unparse(node)})"} if isinstance(node, kind) else {}
        case ast.Call(func=ast.Name(id=known)), ast.Call(func=ast.Name(id=name)) if known in ("f", name):
            inner = _letters_of(form.args[0], node.args[0])
            return inner and {**inner, "f": name}
        case ast.BinOp(), ast.BinOp() if type(form.op) is type(node.op):
            is_power = isinstance(form.op, ast.Pow)
            left, right = _letters_of(form.left, node.left), {} if is_power else _letters_of(form.right, node.right)
            return {**left, **right} if left and (right or is_power) else {}
    return {}


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


def simplified(text: str) -> str:
    """The expression with what is shorter and gives the same, whatever the letters are, in the place of each part."""
    names = sorted({part.id for part in parts(tree_of(text)) if isinstance(part, ast.Name)})
    dice = np.random.default_rng(0)
    letters = {name: dice.uniform(0.1, 0.9, (5, 3)) * (10 if name[0].isupper() else 1) for name in names}
    for part in parts(tree_of(text)):
        was, *inner = (ast.unparse(one) for one in parts(part))
        for other in ("0", "1", *inner, *(f"-{one}" for one in inner)):
            same = np.allclose(attempt(was, letters), attempt(other, letters), rtol=1e-12, atol=0)
            if same and len(other) < len(was) and not isinstance(part, ast.Compare):
                return simplified(ast.unparse(tree_of(exchanged(text, part, other))))
    return text.replace("+ -", "- ").replace("- -", "+ ")
