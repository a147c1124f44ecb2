"""What a schedule of betas is: its length, its ends, its spacing, its clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grading.judging.diagnosis.finding import Finding, Line, row
from grading.judging.diagnosis.search.explain import Explanation, explanations, matching, two_changes
from grading.judging.diagnosis.search.formulas import Formula
from grading.judging.diagnosis.search.schedule_formulas import FORMULAS, KINDS, letters_of, written
from grading.judging.diagnosis.search.values import Numbers, evaluate
from grading.judging.observations import in_float64

ENDS = ((7, 0.1, 0.4), (12, 0.3, 0.05), (5, 0.2, 0.25))
COSINE = ((7, 0.05, 0.9), (12, 0.0, 0.97), (9, 0.2, 0.95))


def schedule_finding(implementation: Any, function: str) -> Finding | None:
    """Which part of a schedule is another one: its length, its ends, its spacing; and what it is, if that is found."""
    f = getattr(implementation, function)
    calls = COSINE if function == "cosine_beta_schedule" else ENDS
    made = [in_float64(lambda g, call=call: g(*call), f) for call in calls]  # type: ignore[misc]
    if not all(isinstance(betas, Tensor) and betas.ndim == 1 for betas in made):
        return None
    made = [betas.to(torch.float64) for betas in made]
    lengths = {len(betas) - call[0] for betas, call in zip(made, calls)}
    if lengths != {0}:
        more = lengths.pop()
        says = (
            f"{abs(more)} beta{'s' * (abs(more) > 1)} too {'many' if more > 0 else 'few'}"
            if not lengths
            else "a length of its own"
        )
        called = calls[0]
        return Finding(says, (("measured", f"{says}: {len(made[0])} for num_timesteps = {called[0]}"),))
    return _of_numbers(function, made, calls) or _defaults(f, function)


def _of_numbers(function: str, made: list[Tensor], calls: tuple) -> Finding | None:
    measured = np.concatenate([betas.numpy() for betas in made])[:, None]
    letters = letters_of(function, calls)
    formulas = FORMULAS[function]
    due = np.broadcast_to(evaluate(formulas[0].lines, letters), measured.shape)
    if function == "cosine_beta_schedule":
        return _cosine(measured, due, letters, calls)
    if matching(due, measured, 1e-6)[0]:
        return None
    returned = _returned(made, [due[sum(c[0] for c in calls[:i]) :][: call[0], 0] for i, call in enumerate(calls)])
    if returned:
        return Finding(returned, (("measured", returned),))
    best = best_of(formulas, measured, letters)
    starts = [sum(call[0] for call in calls[:i]) for i in range(len(calls))]
    gaps = [np.abs(measured[i : i + call[0]] - due[i : i + call[0]]).max() for i, call in zip(starts, calls)]
    at = next((i for i, gap in enumerate(gaps) if not gap < 1e-6), 0)
    lines: list[Line] = [("measured", f"yours      due        at {function}{calls[at]}")]
    for name, i in (("first", starts[at]), ("last", starts[at] + calls[at][0] - 1)):
        lines.append((name, row(measured[i, 0], due[i, 0], _mark(measured[i, 0], due[i, 0]))))
    lines += [("spaced", f"evenly in {_spacing(made[at])}; due: evenly in {KINDS[function]}")]
    return told(best, lines, "another line than beta_start ... beta_end")


def _returned(made: list[Tensor], due: list[Numbers]) -> str:
    """Another table than beta, made of the right betas."""
    tables: dict[str, Callable] = {
        "alpha = 1 - beta": lambda b: 1 - b, "alpha_bar": lambda b: np.cumprod(1 - b),
        "1 - alpha_bar": lambda b: 1 - np.cumprod(1 - b),
    }  # fmt: skip
    for name, make in tables.items():
        if all(np.allclose(betas.numpy(), make(b), rtol=1e-6) for betas, b in zip(made, due)):
            return f"{name} is returned, where beta belongs"
    return ""


def best_of(formulas: tuple[Formula, ...], measured: Numbers, letters: dict) -> Explanation | None:
    found = [e for e in explanations(formulas, measured, letters, 1e-7, depth=2) if e.whole]
    return found[0] if found else two_changes(formulas[0], measured, letters, 1e-7)


def told(best: Explanation | None, lines: list[Line], otherwise: str) -> Finding:
    if best is None:
        return Finding(otherwise, tuple(lines), named=False)
    if best.formula.name and not best.changed:
        said = [best.formula.name]
        due: list[str] = []
    elif everywhere := [c for c in best.changed if not c.line]:
        said = [written(f"{c.now} where {c.was} belongs") if c.was else c.now for c in everywhere]
        due = []
    else:
        said = [written(f"{name} = {yours}") for name, yours, _ in best.differences()]
        due = [] if best.formula.name else [written(f"{name} = {text}") for name, _, text in best.differences()]
    told = [("yours is", text) for text in said] + [("due is", text) for text in due]
    return Finding("; ".join(said), (*lines, *told), formula=dict(best.lines))


def _mark(yours: float, due: float) -> str:
    return "right" if abs(yours - due) <= 1e-6 * abs(due) + 1e-9 else "wrong"


def _spacing(betas: Tensor) -> str:
    """In what the betas are evenly spaced."""
    scales: dict[str, Callable] = {
        "beta": lambda b: b, "sqrt(beta)": torch.sqrt, "log(beta)": torch.log, "beta^2": torch.square,
        "beta^(1/4)": lambda b: b**0.25,
    }  # fmt: skip
    for name, scale in scales.items():
        gaps = scale(betas).diff()
        if gaps.isfinite().all() and torch.allclose(gaps, gaps[:1].expand_as(gaps), rtol=1e-5, atol=1e-9):
            return name
    return "neither beta nor sqrt(beta)"


def _defaults(f: Callable, function: str) -> Finding | None:
    """Right where the ends are given: are they where they are not?"""
    if function == "cosine_beta_schedule":
        made = in_float64(lambda g: g(1000), f)
        if abs(float(made[0]) / 4.128422482e-05 - 1) < 1e-3:
            return None
        says = f"with 1000 steps the first beta is {float(made[0]):.4g}: 4.128e-05 is due, and there is no lower bound"
        return Finding(says, (("measured", says),))
    made = in_float64(lambda g: g(50), f)
    ends = (float(made[0]), float(made[-1]))
    if np.allclose(ends, (1e-4, 0.02), rtol=1e-6):
        return None
    says = f"the default ends are {ends[0]:.4g} and {ends[1]:.4g}: 1e-4 and 0.02 are due"
    return Finding(says, (("measured", says),))


def _cosine(measured: Numbers, due: Numbers, letters: dict, calls: tuple) -> Finding | None:
    """The clip is measured by itself: where it holds, nothing else is seen."""
    bounds = np.concatenate([np.full(call[0], call[2]) for call in calls])[:, None]
    clipped = np.minimum(due, bounds)
    if matching(clipped, measured, 1e-6)[0]:
        return None
    lines: list[Line] = [("measured", f"yours      due        at cosine_beta_schedule{calls[0]}")]
    end = calls[0][0]
    for name, at in (("first", 0), ("middle", end // 2), ("last", end - 1)):
        lines.append((name, row(measured[at, 0], clipped[at, 0], _mark(measured[at, 0], clipped[at, 0]))))
    free = measured.copy()
    tops = [measured[sum(c[0] for c in calls[:i]) :][: call[0]].max() for i, call in enumerate(calls)]
    free[measured >= np.concatenate([np.full(c[0], top) for c, top in zip(calls, tops)])[:, None] - 1e-9] = np.nan
    bounded = [call[2] for call in calls]
    clip = (
        ""
        if np.allclose(tops, bounded, rtol=1e-6)
        else f"the largest beta is {tops[0]:.4g} where max_beta is {bounded[0]:g}"
    )
    if clip and np.isfinite(free).any() and matching(due, free, 1e-6)[0]:
        return Finding(clip, (*lines, ("yours is", clip)))
    least = min(free[np.isfinite(free)], default=np.inf)
    low = np.where(free > least + 1e-12, free, np.nan)
    if np.isfinite(low).any() and matching(due, low, 1e-6)[0]:
        says = f"the smallest beta is {least:.4g}: there is no lower bound"
        return Finding(says, (*lines, ("yours is", says)))
    if matching(np.maximum(due, bounds), measured, 1e-6)[0]:
        says = "max_beta bounds the betas from below: clamp(max=max_beta) bounds them from above"
        return Finding(says, (*lines, ("yours is", says)))
    seen = np.isfinite(free[:, 0])
    kept = {name: column[seen] for name, column in letters.items()}
    best = best_of(FORMULAS["cosine_beta_schedule"], free[seen], kept) if seen.sum() > 8 else None
    if best is not None and matching(np.minimum(evaluate(best.lines, letters), bounds), measured, 1e-6)[0]:
        clip = ""
    found = told(best, lines, "betas that do not follow eq. 17")
    more = (("and", clip),) if clip and best is not None else ()
    return replace(found, lines=(*found.lines, *more))
