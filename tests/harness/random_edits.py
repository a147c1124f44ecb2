"""Random edits of the solutions' expression trees: a root dropped, an index shifted, a sign turned."""

from __future__ import annotations

import ast
import copy
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from grading.submission.implementation import ROOT
from grading.submission.katas import MODULE_OF

OPPOSITE = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
TABLES = ("betas", "alphas", "alphas_cumprod")


@dataclass(frozen=True)
class Edit:
    """One function of the solutions with something else in one place."""

    function: str
    was: str
    now: str
    source: str

    @property
    def title(self) -> str:
        return f"{self.function}: {self.now} for {self.was}"

    def made(self) -> Callable:
        """The edited function, in a module of its own."""
        space = {"__name__": f"solutions.{MODULE_OF[self.function]}", "__package__": "solutions"}
        exec(compile(self.source, f"<{self.title}>", "exec"), space)
        return space[self.function]


def edits(functions: tuple[str, ...], seed: int) -> Iterator[Edit]:
    """All edits there are, each once, in an order drawn at random; a function named twice comes twice as often."""
    dice = random.Random(seed)
    left = {function: list(_edits_of(function)) for function in functions}
    for of_one in left.values():
        dice.shuffle(of_one)
    while any(left.values()):
        of_one = left[dice.choice([function for function in functions if left[function]])]
        yield of_one.pop()


def _edits_of(function: str) -> Iterator[Edit]:
    module = ast.parse((ROOT / "solutions" / f"{MODULE_OF[function]}.py").read_text(encoding="utf-8"))
    body = next(n for n in module.body if isinstance(n, ast.FunctionDef) and n.name == function)
    names = sorted({n.id for n in ast.walk(body) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)})
    statements = [s for s in body.body if not isinstance(s, ast.If) or s.orelse]  # the given checks stay as they are
    for parent, field, node in [place for statement in statements for place in _places(statement)]:
        was = ast.unparse(node)
        for new in _instead(node, names):
            now = ast.unparse(new)
            if now == was:
                continue
            setattr(parent, field, new)
            yield Edit(function, was, now, ast.unparse(ast.fix_missing_locations(module)))
            setattr(parent, field, node)


def _places(statement: ast.stmt) -> Iterator[tuple[ast.AST, str, ast.expr]]:
    """Every expression below a statement, with where it hangs."""
    for parent in ast.walk(statement):
        for field, value in ast.iter_fields(parent):
            is_called = isinstance(parent, ast.Call) and field == "func"
            if isinstance(value, (ast.BinOp, ast.Call, ast.Name, ast.Constant, ast.Attribute)) and not is_called:
                yield parent, field, value


def _instead(node: ast.expr, names: list[str]) -> Iterator[ast.expr]:
    """What a slip of the pen may put in the place of one expression."""
    node = copy.deepcopy(node)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "sqrt":
        yield node.func.value
    if isinstance(node, ast.BinOp):
        if type(node.op) in OPPOSITE:
            yield ast.BinOp(node.left, OPPOSITE[type(node.op)](), node.right)
            yield ast.BinOp(node.right, node.op, node.left)
        yield node.left
        yield node.right
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return
    if isinstance(node, ast.Name) and node.id in ("t", "t_prev"):
        yield ast.BinOp(node, ast.Sub(), ast.Constant(1))
        yield ast.BinOp(node, ast.Add(), ast.Constant(1))
    if isinstance(node, ast.Name) and node.id in names:
        yield from (ast.Name(name, ast.Load()) for name in names if name != node.id)
        yield ast.BinOp(ast.Constant(1), ast.Sub(), node)
    if isinstance(node, ast.Attribute) and node.attr in TABLES:
        yield from (ast.Attribute(node.value, name, ast.Load()) for name in TABLES if name != node.attr)
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield from (ast.Constant(number) for number in (0, 1, 2) if number != node.value)
