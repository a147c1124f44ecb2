"""Every condition under which a function is asked: one description, applied to each function by its signature.

A factor is one thing about a call that must not matter, or must matter in one way only: how large the batch is, how a
tensor lies in memory, how long the schedule is. Its first way is the plain one. `rows` mixes the ways so that every two
of them meet in some call; when such a call goes wrong, ways are put back to plain one by one while it still does
(`least`). What is left is what it takes, and is said so: `only for a batch of 300`.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from grading.submission.contract import MODULE_OF
from grading.submission.signatures import definitions

Row = dict[str, Any]  # factor -> way
MEMORY = ("contiguous", "transposed", "strided", "expanded", "sliced")
AS_MANY = "as many dims as samples"

# What a parameter stands for, by its annotation and name; `like` is a tensor of the shape (B, *dims) of the first one.
NAMED = {("t", "Tensor"): "times", ("betas", "Tensor"): "betas", ("t", "int"): "step", ("t_prev", "int"): "next"}
BY_ANNOTATION = {
    "Tensor": "like",
    "Tensor | None": "like",
    "NoiseSchedule": "schedule",
    "torch.Generator | None": "generator",
    "int": "count",
    "float": "number",
    "": "model",
}
COUNTS = {"num_timesteps": (10, 2, 3, 1000), "num_inference_steps": (3, 1, 10, 6)}
NUMBERS = {
    "beta_start": (0.1, 1e-4, 0.5),
    "beta_end": (0.4, 0.02, 0.05),
    "s": (0.008, 0.0, 0.2),
    "max_beta": (0.999, 0.4, 0.9999),
    "eta": (0.6, 0.0, 1.0, 0.05),
}
NEXT = {"stride": "for t_prev < t - 1", "neighbour": "for t_prev = t - 1", "end": "for t_prev = -1"}
GENERATORS = {
    "given": "with a generator",
    "None": "without a generator",
    "advanced": "with a generator that was used before",
}
WHEN = {"first": "the first time", "again": "the second time", "after another": "after a call with other arguments"}


@dataclass(frozen=True)
class Factor:
    """One thing about a call: its ways, the plain one first, and how a way is said after the word `only`."""

    name: str
    ways: tuple[Any, ...]
    says: Callable[[Any], str]


@cache
def signature(function: str) -> dict[str, str]:
    """Parameter -> what it stands for."""
    roles = {}
    for argument in definitions(MODULE_OF[function])[function].args.args:
        annotation = ast.unparse(argument.annotation) if argument.annotation else ""
        roles[argument.arg] = NAMED.get((argument.arg, annotation)) or BY_ANNOTATION[annotation]
    return roles


@cache
def factors(function: str) -> tuple[Factor, ...]:
    """Everything about a call of this function that is varied."""
    roles = signature(function)
    names = {role: [name for name, other in roles.items() if other == role] for role in roles.values()}
    like, found = names.get("like", []), []

    def add(name: str, ways: tuple, says: str | Callable[[Any], str]) -> None:
        found.append(Factor(name, ways, says if callable(says) else says.format))

    if like:
        dims = ((2,), (1,), (3,), AS_MANY, (2, 3), (1, 3, 2), (3, 1, 2, 2))
        batches = (5, 1, 2, 3, 16, 64, 300, 517, 2049)
        add("batch", batches[:-1] if "generator" in names else batches, "for a batch of {}")
        add("dims", dims, lambda way: f"for {way}" if way == AS_MANY else f"for {like[0]} {_shape(way)}")
        add("size", (1.0, 1e6), "for large numbers")
        add("grad", (False, True), f"where {' and '.join(like)} require{'s' * (len(like) == 1)} grad")
    if like or "betas" in names:
        add("dtype", ("float64", "float32"), "in {}")
    for name in (*like, *names.get("times", []), *names.get("betas", [])):
        ways = MEMORY if name in like else ("contiguous", "strided", "sliced")
        add(f"memory of {name}", ways, f"for {{}} {name}")
    if "times" in names:
        add("order of t", ("mixed", "sorted", "all equal", "the last alone"), "for a t that is {}")
    if "schedule" in names or "betas" in names:
        schedules: tuple[str, ...] = ("T = 10", "another T = 10", "T = 1", "T = 2", "T = 1000")
        schedules = schedules[:-1] if "generator" in names else schedules  # a thousand steps, in each of those calls
        add("schedule", schedules, lambda way: "for a second schedule of T = 10" if way[0] == "a" else f"for {way}")
    if "schedule" in names:
        add("memory of the tables", ("contiguous", "strided", "sliced"), "for {} tables")
    if "step" in names:
        add("step", ("inside", "t = 0", "t = T - 1"), "at {}")
    if "next" in names:
        add("next", ("stride", "neighbour", "end"), NEXT.__getitem__)
    for name in names.get("count", []):
        add(name, COUNTS.get(name, (3, 1, 2)), f"for {name} = {{}}")
    for name in names.get("number", []):
        add(name, NUMBERS.get(name, (0.5, 0.0, 1.0)), f"for {name} = {{}}")
    if function.endswith("_schedule") and "count" in names:
        add("default dtype", ("float64", "float32"), "where the default dtype is {}")
    if "generator" in names:
        add("generator", ("given", "None", "advanced"), GENERATORS.__getitem__)
    add("when", ("first", "again", "after another"), WHEN.__getitem__)
    return tuple(found)


def _shape(dims: tuple[int, ...]) -> str:
    return f"(B, {', '.join(map(str, dims))})"


def plain(function: str) -> Row:
    """The row of plain ways."""
    return {factor.name: factor.ways[0] for factor in factors(function)}


@cache
def rows(function: str) -> tuple[Row, ...]:
    """Calls in which every two ways of any two factors meet, the plain one first. The same in every run."""
    all_factors = factors(function)
    draw = random.Random(function)
    left = {
        (a, way_a, b, way_b)
        for i, first in enumerate(all_factors)
        for j, second in enumerate(all_factors[i + 1 :], i + 1)
        for a, way_a in [(i, k) for k in range(len(first.ways))]
        for b, way_b in [(j, k) for k in range(len(second.ways))]
    }
    plain_ones = (0,) * len(all_factors)
    made = [plain_ones, *((*plain_ones[:-1], k) for k in range(1, len(WHEN)))]  # the last factor is when
    for row in made:
        left -= {(a, row[a], b, row[b]) for a in range(len(row)) for b in range(a + 1, len(row))}
        if left and row is made[-1]:
            made.append(_next(min(left), left, all_factors, draw))
    return tuple({f.name: f.ways[k] for f, k in zip(all_factors, row)} for row in made)


def _next(pair: tuple, left: set, all_factors: tuple[Factor, ...], draw: random.Random) -> tuple[int, ...]:
    """A row with this pair in it, filled up so that it meets many others that are left."""
    row = {pair[0]: pair[1], pair[2]: pair[3]}
    others = [i for i in range(len(all_factors)) if i not in row]
    draw.shuffle(others)
    for i in others:
        ways = list(range(len(all_factors[i].ways)))
        draw.shuffle(ways)

        def meets(way: int, i: int = i) -> int:
            return sum((min((j, k), (i, way)) + max((j, k), (i, way))) in left for j, k in row.items())

        row[i] = max(ways, key=meets)
    return tuple(row[i] for i in range(len(all_factors)))


def least(function: str, row: Row, fails: Callable[[Row], bool]) -> Row:
    """The factors of a failing row that it takes to fail, with their ways: the others are put back to plain."""
    needed = dict(row)
    for name, way in plain(function).items():
        if needed[name] != way and fails(needed | {name: way}):
            needed[name] = way
    return {name: way for name, way in needed.items() if way != plain(function)[name]}


def said(function: str, needed: Row) -> str:
    """`only in float32 and for T = 1000`; nothing where it takes nothing."""
    says = {factor.name: factor.says for factor in factors(function)}
    return f"only {' and '.join(says[name](way) for name, way in needed.items())}" if needed else ""
