"""Factors that no small change of a line gives: a line as large as measured, or a product of powers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from grading.judging.diagnosis.measure import Measured
from grading.judging.diagnosis.search.changes import Change
from grading.judging.diagnosis.search.explain import Explanation
from grading.judging.diagnosis.search.formulas import FORMULAS
from grading.judging.diagnosis.search.powers import product
from grading.judging.diagnosis.search.values import Numbers, evaluate

NOISE = 2
SCALED = ((NOISE, "sigma"), (NOISE, "variance"), (0, "mean"), (0, "x0"), (1, "direction"))  # a column, and its line


def as_measured(best: Explanation, measured: Measured) -> Explanation:
    """The formula with lines as large as was measured, where nothing else explains them: so the rest can be explained.

    How much larger than due such a line is may be a product of powers; else the factor itself may be one.
    """
    known, due, scaled = dict(measured.letters), best.formula.lines, list[Change]()
    if measured.function != "q_sample" and not best.right[NOISE]:
        best = replace(best, lines=dict(due), changed=(), choice="")  # what was found with another sigma may be chance
    for column, line in SCALED:
        if line not in due or best.right[column] or column in best.as_measured:
            continue
        to_here = {name: due[name] for name in [*due][: [*due].index(line) + 1]}
        value, best = evaluate(to_here, known), replace(best, lines={**best.lines, **to_here})
        with np.errstate(all="ignore"):
            without, whole = (evaluate(best.lines, {**known, line: part * value}) for part in (0, 1))
            scale = ((measured.factors - without) / (whole - without))[:, column] ** (2 if line == "variance" else 1)
        known[line] = value * scale[:, None]
        if text := product(scale, atoms_of(measured), measured.tolerance):
            scaled.append(Change(line, f"{due[line]} * {text}", due[line], text, 1))
        else:
            best = replace(best, as_measured={**best.as_measured, column: _written(column, measured)})
        search = measured.search(**known)
        best = search.improved(search.explained(best, best.lines))
    left = {
        c: _written(c, measured)
        for c in range(len(measured.vectors))
        if not best.right[c] and c not in best.as_measured
    }
    return replace(
        best,
        lines=best.lines | {change.line: change.text for change in scaled},
        changed=(*best.changed, *scaled),
        right=(True,) * len(best.right),
        as_measured={**best.as_measured, **left},
    )


def _written(column: int, measured: Measured) -> str:
    """A factor as a product, or as the due one times a product; empty where it is neither."""
    atoms, y = atoms_of(measured), measured.factors[:, column]
    if text := product(y, atoms, measured.tolerance):
        return text
    with np.errstate(all="ignore"):
        text = product(y / measured.due[:, column], atoms, measured.tolerance)
    return f"the due one * {text}" if text else ""


def with_shorter_sigma(best: Explanation, measured: Measured) -> Explanation:
    """The same formula with sigma as a product of powers, where that is shorter than what was found for it."""
    throughout = any(not change.line for change in best.changed)
    if throughout or "sigma" not in best.rewritten or "sigma * noise" not in best.lines["x_prev"]:
        return best
    text = product(measured.factors[:, NOISE], atoms_of(measured), measured.tolerance)
    is_better = text is not None and len(text) < len(best.lines["sigma"])
    return replace(best, lines={**best.lines, "sigma": text}) if text and is_better else best


def atoms_of(measured: Measured) -> dict[str, Numbers]:
    """What a product may be made of: the letters, 1 minus each, and what grows from t to t_prev; each value once."""
    letters, names = measured.letters, FORMULAS[measured.function][0].letters
    atoms = {name: letters[name][:, 0] for name in names}
    atoms |= {f"1 - {name}": 1 - atoms[name] for name in names if name.startswith("ab")}
    ab = atoms["ab"]
    atoms |= {"1 + ab": 1 + ab, "1 - sqrt(ab)": 1 - ab**0.5, "1 - ab ** 2": 1 - ab**2}
    if "ab_prev" in atoms:
        prev = atoms["ab_prev"]
        atoms |= {"1 - ab / ab_prev": 1 - ab / prev, "ab_prev - ab": prev - ab, "1 + ab_prev": 1 + prev}
    items = list(atoms.items())
    return {n: v for i, (n, v) in enumerate(items) if not any(np.allclose(v, w, 1e-9, 0) for _, w in items[:i])}
