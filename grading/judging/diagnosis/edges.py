"""Right inside and wrong at an edge: t = 0, t = 1, t = T - 1, t_prev = 0 or -1, eta = 0."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from grading.judging.diagnosis.finding import Finding
from grading.judging.diagnosis.measure import Measured, measure
from grading.judging.diagnosis.search.explain import Explanation, matching
from grading.judging.diagnosis.search.formulas import FORMULAS
from grading.judging.diagnosis.search.values import CLAMPED, evaluate
from grading.judging.diagnosis.sites import edges

ADVICE = {"t_prev = -1": ": alpha_bar is 1 there, and there is no entry of the table for it"}


def edge_findings(f: Callable, function: str, inside: Explanation | None = None) -> list[Finding]:
    """One for each edge where the factors are neither those due nor those of the formula that holds inside."""
    found: dict[str, Finding] = {}
    for name, sites in edges(function).items():
        edge = f"{name} and t_prev = -1" if name == "t = 0" else name
        if any({*known.split(" and ")} <= {*edge.split(" and ")} for known in found):
            continue  # said already, of the wider one
        measured = measure(f, function, sites)
        if measured.errors:
            found[name] = Finding(f"at {name} it fails: {next(iter(measured.errors.values()))}")
        elif not _is_known(measured, inside):
            found[name] = _at(name, measured)
    return [*found.values()]


def _is_known(measured: Measured, inside: Explanation | None) -> bool:
    """Whether all is right here, or as in the formula inside; noise where none is due is a slip of its own."""
    if not measured.is_finite:
        return inside is not None and not np.isfinite(evaluate(inside.lines, measured.letters)).all()
    if all(measured.right) or inside is None:
        return all(measured.right)
    known = [{**measured.letters, **more} for more in ({}, {"sqrt": CLAMPED})]
    ways = [matching(evaluate(inside.lines, letters), measured.factors, measured.tolerance) for letters in known]
    open_columns = [column in inside.as_measured for column in range(len(measured.vectors))]
    explained = all(any(known) for known in zip(measured.right, max(ways, key=sum), open_columns))
    return explained and (measured.right[-1] or bool(measured.due[:, -1].any()))


def _at(name: str, measured: Measured) -> Finding:
    places = np.isfinite(measured.factors).all(1).sum()
    if not places:
        return Finding(f"at {name} the answer is not a number{ADVICE.get(name[:11], '')}", named=False)
    best = measured.search().explanations(FORMULAS[measured.function], depth=2)[0]
    yours = best.says() if best.whole and places > 2 else ""
    says = f"at {name} {' and '.join(measured.wrong)} {'has' if len(measured.wrong) == 1 else 'have'} the wrong factor"
    lines = [*measured.table(), *([("yours is", yours)] if yours else [])]
    return Finding(f"{says}: {yours}" if yours else says, tuple(lines), named=bool(yours))
