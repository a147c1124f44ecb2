"""Right inside and wrong at an edge: t = 0, t = 1, t = T - 1, t_prev = 0 or -1, eta = 0."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from grading.judging.diagnosis.finding import Finding
from grading.judging.diagnosis.measure import Measured, measure
from grading.judging.diagnosis.search.explain import Explanation, explanations, matching
from grading.judging.diagnosis.search.formulas import FORMULAS
from grading.judging.diagnosis.search.values import evaluate
from grading.judging.diagnosis.sites import edges

ADVICE = {"t_prev = -1": ": alpha_bar is 1 there, and there is no entry of the table for it"}


def edge_findings(f: Callable, function: str, tolerance: float, inside: Explanation | None = None) -> list[Finding]:
    """One for each edge where the factors are neither those due nor those of the formula that holds inside."""
    found: list[Finding] = []
    seen: list[str] = []
    for name, sites in edges(function).items():
        if " and " in name and any(name.startswith(known) for known in seen):
            continue  # said already, of the wider one
        measured = measure(f, function, sites)
        if measured.errors:
            found.append(Finding(f"at {name} it fails: {next(iter(measured.errors.values()))}"))
        elif _is_known(measured, tolerance, inside):
            continue
        else:
            found.append(_at(name, measured, tolerance))
        seen.append(name)
    return found


def _is_known(measured: Measured, tolerance: float, inside: Explanation | None) -> bool:
    """Whether all is right here, or as in the formula inside; noise where none is due is a slip of its own."""
    right = matching(measured.due, measured.factors, tolerance)
    if not measured.is_finite:
        return inside is not None and not np.isfinite(evaluate(inside.lines, measured.letters)).all()
    if all(right) or inside is None:
        return all(right)
    clamped = {**measured.letters, "sqrt": lambda x: np.sqrt(np.maximum(x, 0))}  # as many write it, with clamp(min=0)
    ways = [
        matching(evaluate(inside.lines, known), measured.factors, tolerance) for known in (measured.letters, clamped)
    ]
    in_formula = [right and column not in inside.as_measured for column, right in enumerate(inside.right)]
    explained = all(a or b or not known for a, b, known in zip(right, max(ways, key=sum), in_formula))
    return explained and (right[-1] or bool(measured.due[:, -1].any()))


def _at(name: str, measured: Measured, tolerance: float) -> Finding:
    places = np.isfinite(measured.factors).all(1).sum()
    if not places:
        return Finding(f"at {name} the answer is not a number{ADVICE.get(name[:11], '')}", named=False)
    best, yours, function = None, "", measured.function
    if places > 2:
        best = explanations(FORMULAS[function], measured.factors, measured.letters, tolerance, depth=2)[0]
        yours = best.says() if best.whole else ""
    says = f"at {name} {' and '.join(measured.wrong)} {'has' if len(measured.wrong) == 1 else 'have'} the wrong factor"
    lines = [*measured.table(), *([("yours is", yours)] if yours else [])]
    return Finding(f"{says}: {yours}" if yours else says, tuple(lines), named=bool(yours))
