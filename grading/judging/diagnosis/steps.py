"""Which term of q_sample, ddpm_step or ddim_step is wrong: its factors measured, and compared with those due."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from grading.judging.diagnosis.finding import Finding, stated
from grading.judging.diagnosis.measure import Measured, measure
from grading.judging.diagnosis.partly import edge_findings, in_a_batch, only_some
from grading.judging.diagnosis.search.changes import Change
from grading.judging.diagnosis.search.explain import Explanation, matching
from grading.judging.diagnosis.search.formulas import FORMULAS
from grading.judging.diagnosis.search.values import CLAMPED, evaluate
from grading.judging.diagnosis.sites import inside
from grading.judging.diagnosis.unlike import added_number, not_linear, only_small, unsteady
from grading.judging.observations import carefully
from grading.judging.step_rules import quietly

NOISE = 2  # its column
SCALED = (("sigma", NOISE, 1), ("variance", NOISE, 2), ("mean", 0, 1), ("x0", 0, 1), ("direction", 1, 1))


def step_finding(implementation: Any, function: str) -> Finding | None:
    """What is wrong with a step, wherever its factors can be measured; None where they are right."""
    f = carefully(getattr(implementation, function))
    if found := quietly(partial(unsteady, f, function)):
        return found
    measured = measure(f, function, inside(function))
    if len(measured.errors) == len(measured.sites):
        return None
    if measured.odd and (found := only_small(f, function, measured)):
        return found
    if not measured.errors and (found := only_some(f, function, measured)):
        return found
    if measured.odd or not measured.like(measure(f, function, inside(function), seed=50)):
        return not_linear(f, function, measured)
    if measured.wrong and not measured.errors and (says := in_a_batch(f, function)):
        return stated(says)
    if measured.has_added:
        return added_number(measured)
    if measured.is_finite and not measured.wrong:
        at_edges = edge_findings(f, function)
        return _at_edges_alone(*at_edges) if at_edges else None
    places = np.isfinite(measured.factors).all(1).sum()
    if places and not measured.wrong:
        return stated("right where it gives a number: for some x_t, or some t, it gives none", named=False)
    return _of_terms(f, measured) if places > 3 else _not_finite(f, function)  # at fewer, many formulas agree


def _at_edges_alone(first: Finding, *others: Finding) -> Finding:
    what = first.says.partition(":")[0] if first.lines else first.says
    found = replace(first, lines=(("measured", f"right elsewhere; {what}"), *first.lines))
    return found.also(*(other.says for other in others))


def _not_finite(f: Callable, function: str) -> Finding:
    """Not a number anywhere inside: looked for where a root of a negative number becomes one, and at eta = 0."""
    unreal = measure(f, function, inside(function), imaginary=True)
    if unreal.is_finite and not unreal.odd and not unreal.has_added and (found := _of_terms(f, unreal)).formula:
        return found.also("a root of a negative number: what is not a number is shown with its imaginary part")
    quiet = measure(f, function, tuple(replace(site, eta=0.0) for site in inside(function)))
    if function == "ddim_step" and quiet.is_finite and not quiet.odd:
        says = "not a number wherever eta is above 0: look at sigma, and at what is under the root with it"
        return stated(f"right at eta = 0, and {says}", named=False) if all(quiet.right) else (
            replace(_of_terms(f, quiet), formula=None).also(says))  # fmt: skip
    return stated("not a number at any t: the root of a negative number, or 0 / 0", named=False)


def _of_terms(f: Callable, measured: Measured) -> Finding:
    """Some factors are wrong inside the schedule: what stands in their place, and what is wrong at the edges beside."""
    formulas = FORMULAS[measured.function]
    best, *others = measured.search().explanations(formulas)
    if not best.whole and measured.function == "ddim_step":
        best = max(best, measured.search(sqrt=CLAMPED).explanations(formulas)[0], key=lambda e: e.whole)
    best = _with_shorter_sigma(best if best.whole else _as_measured(best, measured), measured)
    lines = [*measured.table(_remarks(best, measured)), *best.told()]
    if best.whole and len(best.changed) == 1 and not best.choice:
        other = next((o for o in others if o.whole and len(o.changed) == 1 and o.says() != best.says()), None)
        lines += [("or", text) for label, text in (other.told() if other else ()) if label == "yours is"][:1]
    if best.choice:
        lines.append(("choice", f"{best.choice} is {best.formula.choices[best.choice][2]}"))
    at_edges = [edge for edge in edge_findings(f, measured.function, best) if best.named or not edge.lines]
    choice = "" if best.changed or best.as_measured or at_edges else best.choice
    says = best.says() or f"the factor of {' and '.join(measured.wrong)}"
    lines += [("and", edge.says) for edge in at_edges]
    return Finding(says, tuple(lines), choice, best.named, dict(best.lines) if best.whole else None)


def _as_measured(best: Explanation, measured: Measured) -> Explanation:
    """Where nothing explains all: lines as large as measured, so that the rest can be explained; else bare products."""
    known, scaled, bare = dict(measured.letters), list[Change](), set[int]()
    if not best.right[-1]:  # what was found with another sigma may be chance
        best = replace(best, lines=dict(best.formula.lines), changed=(), choice="", right=(*measured.right,))
    if measured.function == "ddim_step" and not np.iscomplexobj(measured.factors):
        known["sqrt"] = CLAMPED  # with a sigma too large a root has no value, and any other line would seem better
    if "sigma" in best.lines and all(measured.right[:NOISE]):
        bare.add(NOISE)  # the direction has the sigma that is due: before the noise alone stands another
    for line, column, power in SCALED:
        if line not in best.lines or best.right[column] or column in bare:
            continue
        value = evaluate(dict(list(best.lines.items())[: [*best.lines].index(line) + 1]), known)
        with np.errstate(all="ignore"):
            without, whole = (evaluate(best.lines, {**known, line: part * value}) for part in (0, 1))
            scale = ((measured.factors - without) / (whole - without))[:, [column]] ** power
        known[line] = value * scale
        if times := measured.product(scale[:, 0]):
            scaled.append(Change(line, f"{best.lines[line]} * {times}", best.lines[line], times, 1))
        else:
            bare.add(column)
        search = measured.search(**known)
        best = search.improved(search.explained(best, best.lines))
    best = replace(best, lines=best.lines | {change.line: change.text for change in scaled})
    left = {column for column in range(len(measured.vectors)) if column in bare or not best.right[column]}
    for line in best.rewritten:
        if left & (fed := _fed(best, line, measured)):  # it is nobody's, if it gives but a part of what was measured
            best = replace(best, lines=best.lines | {line: best.formula.lines[line]})
            left |= {column for column in fed if not measured.right[column]}
    products = {column: measured.product(measured.factors[:, column]) for column in sorted(left)}
    changed = tuple(c for c in (*best.changed, *scaled) if best.lines.get(c.line, c.text) == c.text)
    return replace(best, changed=changed, right=(True,) * len(best.right), as_measured=products)


def _fed(best: Explanation, line: str, measured: Measured) -> set[int]:
    """The columns that would be others with the line that is due in the place of this one."""
    due = best.lines | {line: best.formula.lines[line]}
    now, then = (np.broadcast_to(evaluate(x, measured.letters), measured.factors.shape) for x in (best.lines, due))
    return {*np.flatnonzero(~matching(now, then, 1e-9)[: now.shape[1]]).tolist()}


def _with_shorter_sigma(best: Explanation, measured: Measured) -> Explanation:
    """The same formula with sigma as a product of powers, where that is shorter than what was found for it."""
    throughout = any(not change.line for change in best.changed)
    if throughout or "sigma" not in best.rewritten or "sigma * noise" not in best.lines["x_prev"]:
        return best
    text = measured.product(measured.factors[:, NOISE])
    return replace(best, lines={**best.lines, "sigma": text}) if 0 < len(text) < len(best.lines["sigma"]) else best


def _remarks(best: Explanation, measured: Measured) -> list[str]:
    """right, wrong, or what a factor follows from: what comes of one line is blamed once."""
    remarks, blamed = ["right"] * len(measured.vectors), set[str]()
    order = sorted(range(len(measured.vectors)), key=lambda c: (measured.vectors[c] == "eps", -c))
    for column in (c for c in order if not measured.right[c]):
        causes = _causes(best, measured, column)
        follows = best.right[column] and column not in best.as_measured and blamed.issuperset(causes)
        source = (causes[0] or "it") if causes else "the others"
        remarks[column] = f"follows from {source}" if follows and measured.function != "q_sample" else "wrong"
        blamed.update(causes)
    return remarks


def _causes(best: Explanation, measured: Measured, column: int) -> list[str]:
    """The changed lines that this column depends on; one without a name where a letter is exchanged throughout."""
    if any(not change.line for change in best.changed):
        return [""]
    return [line for line in best.rewritten if column in _fed(best, line, measured)]
