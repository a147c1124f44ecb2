"""Which term of q_sample, ddpm_step or ddim_step is wrong: its factors measured, and compared with those due."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from grading.judging.diagnosis.batches import for_some_shapes, only_some
from grading.judging.diagnosis.edges import edge_findings
from grading.judging.diagnosis.factors import as_measured, with_shorter_sigma
from grading.judging.diagnosis.finding import Finding, stated
from grading.judging.diagnosis.measure import Measured, measure
from grading.judging.diagnosis.search.explain import Explanation, matching
from grading.judging.diagnosis.search.formulas import FORMULAS
from grading.judging.diagnosis.search.values import CLAMPED, evaluate
from grading.judging.diagnosis.sites import inside
from grading.judging.diagnosis.unlike import added_number, not_linear, unsteady
from grading.judging.observations import carefully

FEWEST = 4  # places where there is a number: by fewer, many formulas agree


def step_finding(implementation: Any, function: str) -> Finding | None:
    """What is wrong with a step, wherever its factors can be measured; None where they are right."""
    f = carefully(getattr(implementation, function))
    if found := unsteady(f, function):
        return found
    measured = measure(f, function, inside(function))
    missing = np.isnan(measured.factors).any(1)
    if len(measured.errors) == len(measured.sites):
        return None
    if not measured.errors and (found := for_some_shapes(f, measured)):
        return found
    if not measured.is_linear:
        return not_linear(f, function)
    if measured.has_added:
        return added_number(measured)
    if all(measured.right) and not missing.any():
        return _at_edges_alone(edge_findings(f, function)) or only_some(f, function)
    if all(measured.right) and not missing.all():
        return stated("right where it gives a number: for some x_t, or some t, it gives none", named=False)
    return _of_terms(f, measured) if (~missing).sum() >= FEWEST else _not_finite(f, function)


def _at_edges_alone(at_edges: list[Finding]) -> Finding | None:
    if not at_edges:
        return None
    first, *others = at_edges
    what = first.says.partition(":")[0] if first.lines else first.says
    found = replace(first, lines=(("measured", f"right elsewhere; {what}"), *first.lines))
    return found.also(*(other.says for other in others))


def _not_finite(f: Callable, function: str) -> Finding:
    """Not a number anywhere inside: looked for where a root of a negative number becomes one, and at eta = 0."""
    unreal = measure(f, function, inside(function), imaginary=True)
    if unreal.is_finite and unreal.is_linear and not unreal.has_added and (found := _of_terms(f, unreal)).formula:
        return found.also("a root of a negative number: what is not a number is shown with its imaginary part")
    quiet = measure(f, function, tuple(replace(site, eta=0.0) for site in inside(function)))
    if function == "ddim_step" and quiet.is_finite and quiet.is_linear:
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
    best = with_shorter_sigma(best if best.whole else as_measured(best, measured), measured)
    lines = [*measured.table(_remarks(best, measured)), *best.told()]
    if best.whole and len(best.changed) == 1 and not best.choice:
        other = next((o for o in others if o.whole and len(o.changed) == 1 and o.says() != best.says()), None)
        lines += [("or", text) for label, text in (other.told() if other else ()) if label == "yours is"][:1]
    choice = next((c for c in best.formula.choices if c.name == best.choice), None)
    if choice:
        lines.append(("choice", f"{choice.name} is {choice.why}"))
    at_edges = edge_findings(f, measured.function, best)
    is_legal = choice is not None and not (best.changed or best.as_measured or at_edges)
    says = best.says() or f"the factor of {' and '.join(measured.wrong)}"
    formula = dict(best.lines) if best.whole else None
    found = Finding(says, tuple(lines), choice.name if choice and is_legal else "", best.named, formula)
    return found.also(*(edge.says for edge in at_edges))


def _remarks(best: Explanation, measured: Measured) -> list[str]:
    """right, wrong, or what a factor follows from: what comes of one line is blamed once."""
    vectors, remarks = measured.vectors, ["right"] * len(measured.vectors)
    blamed: set[str] = set()
    order = sorted(range(len(vectors)), key=lambda c: (vectors[c] == "eps", -c))
    for column in (c for c in order if not measured.right[c]):
        causes = _causes(best, measured, column)
        fresh = [cause for cause in causes if cause not in blamed]
        remarks[column] = "wrong"
        if best.right[column] and column not in best.as_measured and not fresh and measured.function != "q_sample":
            remarks[column] = f"follows from {causes[0] or 'it' if causes else 'the others'}"
        blamed.update(fresh)
    return remarks


def _causes(best: Explanation, measured: Measured, column: int) -> list[str]:
    """The changed lines that this column depends on; one without a name where a letter is exchanged throughout."""
    due = best.formula.lines
    if any(not change.line for change in best.changed):
        return [""]
    return [
        name
        for name in due
        if best.lines[name] != due[name]
        and not matching(evaluate({**due, name: best.lines[name]}, measured.letters), measured.due, 1e-9)[column]
    ]
