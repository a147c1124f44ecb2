"""Which term of q_sample, ddpm_step or ddim_step is wrong: its factors measured, and compared with those due."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from grading.judging.diagnosis.batches import for_some_shapes, only_some
from grading.judging.diagnosis.edges import edge_findings
from grading.judging.diagnosis.factors import FOLLOWS, shorter, written_down
from grading.judging.diagnosis.finding import Finding, Line, row
from grading.judging.diagnosis.measure import Measured, measure
from grading.judging.diagnosis.search.explain import Explanation, explanations, matching
from grading.judging.diagnosis.search.formulas import FORMULAS, written
from grading.judging.diagnosis.search.values import Numbers, evaluate
from grading.judging.diagnosis.sites import Site, inside, letters_at
from grading.judging.diagnosis.unlike import added_number, not_linear, unsteady
from grading.judging.observations import carefully

FEWEST = 4  # places where there is a number: by fewer, many formulas agree


def step_finding(implementation: Any, function: str) -> Finding | None:
    """What is wrong with a step, wherever its factors can be measured; None where they are right."""
    f = carefully(getattr(implementation, function))
    if found := unsteady(f, function):
        return found
    sites = inside(function)
    measured = measure(f, function, sites)
    if len(measured.errors) == len(sites):
        return None
    if not measured.errors and (found := for_some_shapes(f, function, sites, measured)):
        return found
    if not measured.is_linear:
        return not_linear(f, function)
    letters = letters_at(function, sites)
    if np.abs(measured.added[np.isfinite(measured.added)]).max(initial=0.0) > 1e-6:
        return added_number(function, measured, letters)
    right = matching(evaluate(FORMULAS[function][0].lines, letters), measured.factors, measured.tolerance)
    missing = np.isnan(measured.factors).any(1)
    if all(right) and not missing.any():
        return _at_edges_alone(edge_findings(f, function, measured.tolerance)) or only_some(f, function)
    if (~missing).sum() >= FEWEST:
        return _Terms(function, sites, measured, letters).finding(f)
    return _not_finite(f, function)


def _at_edges_alone(at_edges: list[Finding]) -> Finding | None:
    if not at_edges:
        return None
    first = at_edges[0]
    more = tuple(("and", found.says) for found in at_edges[1:])
    return replace(
        first,
        lines=(
            ("measured", f"right elsewhere; {first.says.partition(':')[0] if first.lines else first.says}"),
            *first.lines,
            *more,
        ),
    )


def _not_finite(f: Callable, function: str) -> Finding | None:
    """Not a number anywhere inside: looked for where a root of a negative number becomes one."""
    sites = inside(function)
    measured = measure(f, function, sites, imaginary=True)
    letters = {name: column + 0j for name, column in letters_at(function, sites).items()}
    if np.isfinite(measured.factors).all() and measured.is_linear and not measured.added.round(9).any():
        best = explanations(FORMULAS[function], measured.factors, letters, measured.tolerance)[0]
        if best.whole:
            found = _Terms(function, sites, measured, letters).finding(f)
            says = "a root of a negative number: what is not a number is shown with its imaginary part"
            return replace(found, lines=(*found.lines, ("and", says)))
    if function == "ddim_step":
        quiet = tuple(replace(site, eta=0.0) for site in inside(function))
        measured, letters = measure(f, function, quiet), letters_at(function, quiet)
        says = "not a number wherever eta is above 0: look at sigma, and at what is under the root with it"
        if np.isfinite(measured.factors).all() and measured.is_linear:
            terms = _Terms(function, quiet, measured, letters)
            if not all(terms.right):
                found = terms.finding(f)
                return replace(found, lines=(*found.lines, ("and", says)))
            return Finding(says, (("measured", f"right at eta = 0, and {says}"),), named=False)
    says = "not a number at any t: the root of a negative number, or 0 / 0"
    return Finding(says, (("measured", says),), named=False)


@dataclass(frozen=True)
class _Terms:
    """The factors inside the schedule, of which some are wrong."""

    function: str
    sites: tuple[Site, ...]
    measured: Measured
    letters: dict[str, Numbers]

    @property
    def right(self) -> tuple[bool, ...]:
        due = evaluate(FORMULAS[self.function][0].lines, self.letters)
        return matching(due, self.measured.factors, self.measured.tolerance)

    def finding(self, f: Callable) -> Finding:
        function, factors, tolerance = self.function, self.measured.factors, self.measured.tolerance
        best, *others = explanations(FORMULAS[function], factors, self.letters, tolerance)
        if not best.whole and function == "ddim_step":  # many write clamp(min=0) under the root of the direction
            clamped = {**self.letters, "sqrt": lambda x: np.sqrt(np.maximum(x, 0))}
            best = max(best, explanations(FORMULAS[function], factors, clamped, tolerance)[0], key=lambda e: e.whole)
        found: dict[int, str] = {}
        if best.whole:
            best = shorter(best, factors, self.letters, tolerance)
        else:
            best, found = written_down(function, best, factors, self.letters, tolerance)
        remarks = self._remarks(best, found)
        lines = [*self._table(remarks), *self._lines(best, found)]
        other = next((o for o in others if o.whole and len(o.changed) == len(best.changed) == 1), None)
        if other and best.whole and not best.choice:
            said = {f"{name} = {yours}" for name, yours, _ in best.differences()}
            also = [f"{name} = {yours}" for name, yours, _ in other.differences()[:1]]
            lines += [("or", written(text, function)) for text in also if text not in said]
        choice = next((c for c in best.formula.choices if c.name == best.choice), None)
        if choice:
            lines.append(("choice", f"{choice.name} is {choice.why}"))
        at_edges = edge_findings(f, function, tolerance, best)
        lines += [("and", edge.says) for edge in at_edges]
        wrong = [c for c, remark in enumerate(remarks) if remark == "wrong"]
        named = all(best.right[c] or c in found for c in wrong)
        alone = choice and not best.changed and not found and not at_edges
        formula = dict(best.lines) if best.whole else None
        return Finding(self._says(best, found), tuple(lines), choice.name if choice and alone else "", named, formula)

    def _remarks(self, best: Explanation, found: dict[int, str]) -> list[str]:
        """right, wrong, or what a factor follows from: what comes of one line is blamed once."""
        vectors, remarks = best.formula.vectors, ["right"] * len(self.right)
        blamed: set[str] = set()
        order = sorted(range(len(vectors)), key=lambda c: (vectors[c] == "eps", -c))
        for column in (c for c in order if not self.right[c]):
            if found.get(column) == FOLLOWS:
                remarks[column] = "follows from the others"
                continue
            causes = [] if column in found else self._causes(best, column)
            fresh = [cause for cause in causes if cause not in blamed]
            follows = causes and not fresh and self.function != "q_sample"
            remarks[column] = f"follows from {causes[0] or 'it'}" if follows else "wrong"
            blamed.update(fresh)
        return remarks

    def _causes(self, best: Explanation, column: int) -> list[str]:
        """The changed lines that this column depends on."""
        due = best.formula.lines
        if any(not change.line for change in best.changed):
            return [""]
        causes = []
        for name in due:
            if best.lines[name] != due[name]:
                alone = evaluate({**due, name: best.lines[name]}, self.letters)
                if not matching(alone, evaluate(due, self.letters) + 0 * self.measured.factors, 1e-9)[column]:
                    causes.append(name)
        return causes

    def _table(self, remarks: list[str]) -> list[Line]:
        factors, function = self.measured.factors, self.function
        due = np.broadcast_to(evaluate(FORMULAS[function][0].lines, self.letters), factors.shape)
        gaps = np.abs(factors - due) / (np.abs(due) + 0.02)
        wrong = [c for c, remark in enumerate(remarks) if remark != "right"] or [0]
        shown = int(np.nanargmax(np.nan_to_num(gaps[:, wrong], nan=-1.0).min(1)))
        vectors = FORMULAS[function][0].vectors
        rows = [(name, row(factors[shown, c], due[shown, c], remarks[c])) for c, name in enumerate(vectors)]
        return [("factor of", f"yours      due        at {self.sites[shown].shown(function)}"), *rows]

    def _lines(self, best: Explanation, found: dict[int, str]) -> list[Line]:
        lines = []
        everywhere = [c for c in best.changed if not c.line]
        for change in everywhere:
            what = (
                f"{self._written(change.now)} where {self._written(change.was)} belongs" if change.was else change.now
            )
            lines.append(("yours has", f"{what}, throughout"))
        for name, yours, due in best.differences():
            if everywhere and not any(c.line == name for c in best.changed):
                continue
            equation = best.formula.equations[name]
            lines.append(("yours is", f"{name} = {self._written(yours)}"))
            lines.append(("due is", f"{name} = {self._written(due)}   ({equation})"))
        for column, text in found.items():
            if text != FOLLOWS:
                name = best.formula.vectors[column]
                lines.append(("yours is", f"{self._written(text)}, the factor of {name}"))
        return lines

    def _written(self, text: str) -> str:
        return written(text, self.function)

    def _says(self, best: Explanation, found: dict[int, str]) -> str:
        everywhere = [c for c in best.changed if not c.line]
        said = [self._written(f"{c.now} for {c.was}") if c.was else c.now for c in everywhere]
        if not said:
            said = [self._written(f"{name} = {yours}") for name, yours, _ in best.differences()]
        found = {c: text for c, text in found.items() if text != FOLLOWS}
        said += [self._written(f"{text}, the factor of {best.formula.vectors[c]}") for c, text in found.items()]
        wrong = [name for name, right in zip(best.formula.vectors, self.right) if not right]
        return "; ".join(said) or f"the factor of {' and '.join(wrong)}"
