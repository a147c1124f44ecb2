"""Right inside and wrong at an edge: t = 0, t = 1, t = T - 1, t_prev = 0 or -1, eta = 0."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from grading.judging.diagnosis.finding import Finding, Line, row
from grading.judging.diagnosis.measure import measure
from grading.judging.diagnosis.search.explain import Explanation, explanations, matching
from grading.judging.diagnosis.search.formulas import FORMULAS, written
from grading.judging.diagnosis.search.values import Numbers, evaluate
from grading.judging.diagnosis.sites import Site, edges, letters_at

ADVICE = {"t_prev = -1": ": alpha_bar is 1 there, and there is no entry of the table for it"}


def edge_findings(f: Callable, function: str, tolerance: float, inside: Explanation | None = None) -> list[Finding]:
    """One for each edge where the factors are neither those due nor those of the formula that holds inside."""
    found: list[Finding] = []
    seen: list[str] = []
    for name, sites in edges(function).items():
        if " and " in name and any(name.startswith(known) for known in seen):
            continue  # said already, of the wider one
        if name == "t = 0" and any(known.startswith("t_prev = -1") for known in seen):
            continue  # from there t_prev is -1
        measured = measure(f, function, sites)
        letters = letters_at(function, sites)
        factors = measured.factors
        if measured.errors:
            found.append(Finding(f"at {name} it fails: {next(iter(measured.errors.values()))}"))
            seen.append(name)
            continue
        due = np.broadcast_to(evaluate(FORMULAS[function][0].lines, letters), factors.shape)
        right = matching(due, factors, tolerance)
        missing = np.isnan(factors).any(1)
        rest = tuple(site for site in sites if 0 < site.t < len(site.schedule.betas) - 1)
        if 0 < len(rest) < len(sites) and _all_right(f, function, rest, tolerance):
            continue  # t = 0 and t = T - 1 are edges of their own
        if not missing.any() and (all(right) or _as_inside(inside, right, due, factors, letters, tolerance)):
            continue
        if missing.any() and inside and not _finite(inside, letters):
            continue
        seen.append(name)
        found.append(_at(function, name, sites, factors, due, right, tolerance))
    return found


def _all_right(f: Callable, function: str, sites: tuple[Site, ...], tolerance: float) -> bool:
    measured = measure(f, function, sites)
    due = evaluate(FORMULAS[function][0].lines, letters_at(function, sites))
    return bool(np.isfinite(measured.factors).all()) and all(matching(due, measured.factors, tolerance))


def _as_inside(
    inside: Explanation | None, right: tuple[bool, ...], due: Numbers, factors: Numbers, letters: dict, tolerance: float
) -> bool:
    """Whether this is what the formula inside gives here too; noise where none is due is a slip of its own."""
    if inside is None:
        return False
    clamped = {**letters, "sqrt": lambda x: np.sqrt(np.maximum(x, 0))}  # as many write it, with clamp(min=0)
    predicted, other = (matching(evaluate(inside.lines, known), factors, tolerance) for known in (letters, clamped))
    predicted = max(predicted, other, key=sum)
    explained = all(a or b or not known for a, b, known in zip(right, predicted, inside.right))
    return explained and (right[-1] or bool(due[:, -1].any()))


def _finite(inside: Explanation, letters: dict) -> bool:
    return bool(np.isfinite(evaluate(inside.lines, letters)).all())


def _at(
    function: str, name: str, sites: tuple[Site, ...], factors: Numbers, due: Numbers, right: tuple[bool, ...],
    tolerance: float,
) -> Finding:  # fmt: skip
    vectors, letters = FORMULAS[function][0].vectors, letters_at(function, sites)
    missing = np.isnan(factors).any(1)
    if missing.all():
        return Finding(f"at {name} the answer is not a number{ADVICE.get(name[:11], '')}", named=False)
    wrong = [vector for vector, is_right in zip(vectors, right) if not is_right]
    yours = ""
    if np.isfinite(factors).all(1).sum() > 2:
        best = explanations(FORMULAS[function], factors, letters, tolerance, depth=2)[0]
        yours = written(_what(best), function) if best.whole else ""
    shown = int(np.nanargmax(np.nan_to_num(np.abs(factors - due), nan=-1.0).max(1)))
    table: list[Line] = [("factor of", f"yours      due        at {sites[shown].shown(function)}")]
    remarks = ["right" if is_right else "wrong" for is_right in right]
    table += [(v, row(factors[shown, i], due[shown, i], remarks[i])) for i, v in enumerate(vectors)]
    if yours:
        table.append(("yours is", yours))
    says = f"at {name} {' and '.join(wrong)} {'has' if len(wrong) == 1 else 'have'} the wrong factor"
    return Finding(f"{says}: {yours}" if yours else says, tuple(table), named=bool(yours))


def _what(best: Explanation) -> str:
    everywhere = [change for change in best.changed if not change.line]
    if everywhere:
        return "; ".join(f"{c.now} where {c.was} belongs" if c.was else c.now for c in everywhere)
    return "; ".join(f"{line} = {yours}" for line, yours, _ in best.differences())
