"""What a schedule of betas is: its length, its ends, its spacing, its clip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor

from grading.judging.diagnosis.finding import Finding, Line, stated, table
from grading.judging.diagnosis.search.explain import Explanation, Search, matching
from grading.judging.diagnosis.search.formulas import Formula
from grading.judging.diagnosis.search.schedule_formulas import FORMULAS, KINDS, letters_of
from grading.judging.diagnosis.search.values import Numbers, evaluate
from grading.judging.observations import in_float64

ENDS = ((7, 0.1, 0.4), (12, 0.3, 0.05), (5, 0.2, 0.25))
COSINE = ((7, 0.05, 0.9), (12, 0.0, 0.97), (9, 0.2, 0.95))
CLOSE = 1e-6


def schedule_finding(implementation: Any, function: str) -> Finding | None:
    """Which part of a schedule is another one: its length, its ends, its spacing; and what it is, if that is found."""
    f = getattr(implementation, function)
    calls = COSINE if function == "cosine_beta_schedule" else ENDS
    made = [in_float64(lambda g, call=call: g(*call), f) for call in calls]  # type: ignore[misc]
    if not all(isinstance(betas, Tensor) and betas.ndim == 1 for betas in made):
        return None
    tables = [betas.double().numpy() for betas in made]
    lengths = {len(betas) - call[0] for betas, call in zip(tables, calls)}
    if lengths != {0}:
        more, *others = lengths
        beta = f"{abs(more)} beta{'s' * (abs(more) > 1)} too {'many' if more > 0 else 'few'}"
        says = "a length of its own" if others else beta
        return Finding(says, (("measured", f"{says}: {len(tables[0])} for num_timesteps = {calls[0][0]}"),))
    of_numbers = _of_cosine if function == "cosine_beta_schedule" else _of_line
    return of_numbers(function, tables, letters_of(function, calls)) or _defaults(f, function)


def _column(tables: list[Numbers]) -> Numbers:
    return np.concatenate(tables)[:, None]


def _compared(function: str, call: tuple, yours: Numbers, due: Numbers, names: tuple[str, ...]) -> list[Line]:
    """Some betas of a call, the first and the last among them, beside those due."""
    places = np.linspace(0, call[0] - 1, len(names)).round().astype(int)
    marks = ["right" if abs(y - d) <= CLOSE * abs(d) + 1e-9 else "wrong" for y, d in zip(yours[places], due[places])]
    return table("measured", f"{function}{call}", zip(names, yours[places], due[places], marks))


def _of_line(function: str, made: list[Numbers], letters: dict) -> Finding | None:
    measured, formulas = _column(made), FORMULAS[function]
    due = evaluate(formulas[0].lines, letters)
    if matching(due, measured, CLOSE)[0]:
        return None
    betas = np.split(due[:, 0], np.cumsum([len(table) for table in made])[:-1])
    others: dict[str, Callable] = {
        "alpha = 1 - beta": lambda b: 1 - b, "alpha_bar": lambda b: np.cumprod(1 - b),
        "1 - alpha_bar": lambda b: 1 - np.cumprod(1 - b),
    }  # fmt: skip
    for name, make in others.items():
        if all(np.allclose(table, make(b), rtol=CLOSE) for table, b in zip(made, betas)):
            return stated(f"{name} is returned, where beta belongs")
    at = next(i for i, (table, b) in enumerate(zip(made, betas)) if not np.allclose(table, b, rtol=CLOSE))
    lines = _compared(function, ENDS[at], made[at], betas[at], ("first", "last"))
    spaced = ("spaced", f"evenly in {_spacing(made[at])}; due: evenly in {KINDS[function]}")
    best = best_of(formulas, measured, letters)
    return told(best, [*lines, spaced], "another line than beta_start ... beta_end")


def best_of(formulas: tuple[Formula, ...], measured: Numbers, letters: dict) -> Explanation | None:
    search = Search(measured, letters, 1e-7)
    found = [e for e in search.explanations(formulas, depth=2) if e.whole]
    return found[0] if found else search.two_changes(formulas[0])


def told(best: Explanation | None, lines: list[Line], otherwise: str) -> Finding:
    if best is None:
        return Finding(otherwise, tuple(lines), named=False)
    return Finding(best.says(), (*lines, *best.told()), formula=dict(best.lines))


def _spacing(betas: Numbers) -> str:
    """In what the betas are evenly spaced."""
    scales: dict[str, Callable] = {
        "beta": lambda b: b, "sqrt(beta)": np.sqrt, "log(beta)": np.log, "beta^2": np.square,
        "beta^(1/4)": lambda b: b**0.25,
    }  # fmt: skip
    with np.errstate(all="ignore"):
        gaps = {name: np.diff(scale(betas)) for name, scale in scales.items()}
    even = (name for name, gap in gaps.items() if np.allclose(gap, gap[:1], rtol=1e-5, atol=1e-9))
    return next(even, "neither beta nor sqrt(beta)")


def _defaults(f: Callable, function: str) -> Finding | None:
    """Right where the ends are given: are they where they are not?"""
    if function == "cosine_beta_schedule":
        first = float(in_float64(lambda g: g(1000), f)[0])
        if abs(first / 4.128422482e-05 - 1) < 1e-3:
            return None
        return stated(f"with 1000 steps the first beta is {first:.4g}: 4.128e-05 is due, and there is no lower bound")
    made = in_float64(lambda g: g(50), f)
    ends = (float(made[0]), float(made[-1]))
    if np.allclose(ends, (1e-4, 0.02), rtol=CLOSE):
        return None
    return stated(f"the default ends are {ends[0]:.4g} and {ends[1]:.4g}: 1e-4 and 0.02 are due")


def _of_cosine(function: str, made: list[Numbers], letters: dict) -> Finding | None:
    """The clip is measured by itself: where it holds, nothing else is seen."""
    measured, due = _column(made), evaluate(FORMULAS[function][0].lines, letters)
    bounds = _column([np.full(T, most) for T, _, most in COSINE])
    clipped = np.minimum(due, bounds)
    if matching(clipped, measured, CLOSE)[0]:
        return None
    lines = _compared(function, COSINE[0], made[0], clipped[:, 0], ("first", "middle", "last"))
    tops = _column([np.full(len(betas), betas.max()) for betas in made])
    free = np.where(measured < tops - 1e-9, measured, np.nan)
    above = np.where(free > np.nanmin(free, initial=np.inf) + 1e-12, free, np.nan)
    clip = f"the largest beta is {tops[0, 0]:.4g} where max_beta is {bounds[0, 0]:g}"
    clip = "" if np.allclose(tops, bounds, rtol=CLOSE) else clip
    low = f"the smallest beta is {np.nanmin(free, initial=np.inf):.4g}: there is no lower bound"
    turned = "max_beta bounds the betas from below: clamp(max=max_beta) bounds them from above"
    for says, seen, like in ((clip, free, due), (low, above, due), (turned, measured, np.maximum(due, bounds))):
        if says and np.isfinite(seen).any() and matching(like, seen, CLOSE)[0]:
            return Finding(says, (*lines, ("yours is", says)))
    seen = np.isfinite(free[:, 0])
    kept = {name: column[seen] for name, column in letters.items()}
    best = best_of(FORMULAS[function], free[seen], kept) if seen.sum() > 8 else None
    found = told(best, lines, "betas that do not follow eq. 17")
    if best is None or matching(np.minimum(evaluate(best.lines, letters), bounds), measured, CLOSE)[0]:
        return found
    return found.also(clip) if clip else found
