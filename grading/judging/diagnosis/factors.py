"""Factors that no small change of a line gives: written as a product of powers, or as a sum under one root."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from grading.judging.diagnosis.search.changes import Change
from grading.judging.diagnosis.search.explain import DEPTH, Explanation, agreement, improved, matching
from grading.judging.diagnosis.search.formulas import Formula
from grading.judging.diagnosis.search.powers import product, total
from grading.judging.diagnosis.search.values import Letters, Numbers, evaluate

X_T, EPS, NOISE = 0, 1, 2


def written_down(
    function: str, best: Explanation, measured: Numbers, letters: Letters, tolerance: float
) -> tuple[Explanation, dict[int, str]]:
    """What is still to be explained, column by column; where sigma is found, the rest is explained with it."""
    atoms, found = atoms_of(best.formula, letters), {}
    last = len(best.formula.vectors) - 1
    if not best.right[last]:
        text = _of_column(best, last, measured, letters, atoms, tolerance)
        best, is_a_line = _with_sigma(function, best, text, measured, letters, tolerance)
        found = {} if is_a_line else {last: text}
    if not best.right[0]:
        found[0] = _of_column(best, 0, measured, letters, atoms, tolerance)
    if function != "q_sample" and not best.right[EPS]:
        found[EPS] = _of_eps(function, measured, letters, atoms, tolerance)
    return best, {column: text for column, text in found.items() if text}


def shorter(best: Explanation, measured: Numbers, letters: Letters, tolerance: float) -> Explanation:
    """The same formula with sigma as a product of powers, where that is shorter than what was found for it."""
    lines = best.lines
    if lines.get("sigma") in (None, best.formula.lines.get("sigma")) or any(not c.line for c in best.changed):
        return best
    text = product(measured[:, NOISE], atoms_of(best.formula, letters), tolerance)
    is_better = text is not None and len(text) < len(lines["sigma"]) and "sigma * noise" in lines["x_prev"]
    return replace(best, lines={**lines, "sigma": text}) if text and is_better else best


def _with_sigma(
    function: str, best: Explanation, text: str, measured: Numbers, letters: Letters, tolerance: float
) -> tuple[Explanation, bool]:
    """The formula with what was found for sigma in its line, or else with sigma as it was measured."""
    line, result = ("sigma", "x_prev") if function == "ddim_step" else ("", list(best.lines)[-1])
    due = best.formula.lines
    tries = [(line, text)] if line else []
    tries.append((result, re.sub(r"\+ \S+ \* noise$", lambda _: f"+ {text} * noise", due[result])))
    if text:
        for name, new in tries:
            lines = {**best.lines, name: new}
            right = agreement(evaluate(lines, letters), measured, tolerance)
            if sum(right) > sum(best.right):
                changed = (*best.changed, Change(name, new, due[name], new, 1))
                start = replace(best, lines=lines, changed=changed, right=right)
                better = improved(start, measured, letters, tolerance, DEPTH - 1)
                if better.whole or name == result:
                    return better, True
                kept = better
        if tries[0][0] == "sigma" and "kept" in locals():
            return kept, True
    if function == "q_sample":
        return best, False
    sigma = measured[:, NOISE:]
    known = {**letters, "sigma": sigma, "variance": sigma**2}
    start = replace(best, right=agreement(evaluate(best.lines, known), measured, tolerance))
    rest = improved(start, measured, known, tolerance, DEPTH - 1)
    return replace(rest, right=(*rest.right[:NOISE], False, *rest.right[NOISE + 1 :])), False


def _of_column(
    best: Explanation, column: int, measured: Numbers, letters: Letters, atoms: dict[str, Numbers], tolerance: float
) -> str:
    """The factor itself as a product, or as the due one times a product."""
    y = measured[:, column]
    if text := product(y, atoms, tolerance):
        return text
    with np.errstate(all="ignore"):
        due = np.broadcast_to(evaluate(best.formula.lines, letters), measured.shape)[:, column]
        ratio = f"{best.formula.lines['sigma']} * " if "sigma" in best.lines and column == NOISE else "the due one * "
        return f"{ratio}{text}" if (text := product(y / due, atoms, tolerance)) else ""


def _of_eps(function: str, measured: Numbers, letters: Letters, atoms: dict[str, Numbers], tolerance: float) -> str:
    """The factor of eps alone, or in the bracket with x_t, or without what x0 brings of it."""
    of_x, of_eps, sigma = measured.T
    ab = letters["ab"][:, 0]
    text = product(of_eps, atoms, tolerance)

    def same(left: Numbers, right: Numbers) -> bool:
        return bool(np.isfinite(left).sum() >= 4 and matching(left[:, None], right[:, None], tolerance)[0])

    with np.errstate(all="ignore"):
        if function == "ddpm_step":
            inner = -of_eps / of_x
            if same(letters["beta"][:, 0] / np.sqrt(1 - ab), inner):
                return FOLLOWS
            bracket = product(inner, atoms, tolerance)
            return text or (f"-({bracket}) times that of x_t" if bracket else "")
        direction = of_eps + of_x * np.sqrt(1 - ab)
        own = np.sqrt(1 - of_x**2 * ab - sigma**2)
        due = np.sqrt(1 - letters["ab_prev"][:, 0] - sigma**2)
        if same(due, direction) or same(own, direction):
            return FOLLOWS
        if text:
            return text
        for root, name in ((direction, "{}"), (direction / due, "sqrt(1 - ab_prev - sigma^2) * {}")):
            if text := product(root, atoms | {"sigma": np.abs(sigma)}, tolerance):
                return FOLLOWS if text == "1" and name != "{}" else f"{name.format(text)} beside that by x0"
        eta, prev = letters["eta"][:, 0], letters["ab_prev"][:, 0]
        terms = {"1": 1 + 0 * eta, "ab_prev": prev, "ab": ab, "sigma": sigma, "sigma ** 2": sigma**2, "eta": eta,
                 "eta ** 2": eta**2, "beta": letters["beta"][:, 0]}  # fmt: skip
        if text := total(direction**2, terms, tolerance):
            return f"sqrt({text}) beside that by x0"
        if text := product((due - of_eps) / of_x, atoms, tolerance):
            return f"{text} in the bracket of x0"
    return ""


FOLLOWS = "follows"


def atoms_of(formula: Formula, letters: Letters) -> dict[str, Numbers]:
    """What a product may be made of: the letters, 1 minus each, and what grows from t to t_prev; each value once."""
    atoms = {name: letters[name][:, 0] for name in formula.letters}
    atoms |= {f"1 - {name}": 1 - atoms[name] for name in formula.letters if name.startswith("ab")}
    ab = atoms["ab"]
    atoms |= {"1 + ab": 1 + ab, "1 - sqrt(ab)": 1 - ab**0.5, "1 - ab ** 2": 1 - ab**2}
    if "ab_prev" in atoms:
        prev = atoms["ab_prev"]
        atoms |= {"1 - ab / ab_prev": 1 - ab / prev, "ab_prev - ab": prev - ab, "1 + ab_prev": 1 + prev}
    items = list(atoms.items())
    return {n: v for i, (n, v) in enumerate(items) if not any(np.allclose(v, w, 1e-9, 0) for _, w in items[:i])}
