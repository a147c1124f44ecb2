"""Which lines of a formula, changed how, give the numbers that were measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from grading.judging.diagnosis.finding import Line
from grading.judging.diagnosis.search.candidates import candidates
from grading.judging.diagnosis.search.changes import Change, simplified
from grading.judging.diagnosis.search.formulas import Formula
from grading.judging.diagnosis.search.values import Letters, Numbers, evaluate

BEAM, DEPTH = 6, 3
MOST_RANK = 2  # of two changes together


@dataclass(frozen=True)
class Explanation:
    """A formula that gives measured numbers.

    Attributes:
        lines: the formula, with the changes in it.
        changed: the changes, in the order found.
        right: which columns it gives.
        choice: the name of the legal choice in it, if any.
        as_measured: columns that no line gives, each as a product of powers; empty where none was found.
    """

    formula: Formula
    lines: dict[str, str]
    changed: tuple[Change, ...] = ()
    right: tuple[bool, ...] = ()
    choice: str = ""
    as_measured: Mapping[int, str] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        return all(self.right) and not self.as_measured

    @property
    def named(self) -> bool:
        return all(self.right) and all(self.as_measured.values())

    @property
    def order(self) -> tuple[int, int, float]:
        """Those that give most columns first, and of those the simplest: fewest changes, likely and short ones."""
        count = len(self.changed) + bool(self.choice and self.changed)
        return -sum(self.right), count, sum(change.rank + 0.02 * len(change.text) for change in self.changed)

    @property
    def rewritten(self) -> list[str]:
        """The names of the lines that are others than those due, but for a letter exchanged throughout."""
        throughout = any(not change.line for change in self.changed)
        others = [name for name, text in self.lines.items() if text != self.formula.lines[name]]
        return [name for name in others if not throughout or any(change.line == name for change in self.changed)]

    def told(self) -> list[Line]:
        """What stands in the place of what is due, as a student would write it: label and text."""
        formula, told = self.formula, list[Line]()
        if formula.name and not self.changed:
            return [("yours is", formula.name)]
        for change in (change for change in self.changed if not change.line):
            was, now = formula.written(change.was), formula.written(change.now)
            told.append(("yours has", f"{now} where {was} belongs, throughout" if was else change.now))
        for name in self.rewritten:
            told.append(("yours is", f"{name} = {formula.written(simplified(self.lines[name]))}"))
            if not formula.name:
                told.append(("due is", f"{name} = {formula.written(formula.lines[name])}{formula.equation(name)}"))
        for column, text in self.as_measured.items():
            if text:
                told.append(("yours is", f"{formula.written(text)}, the factor of {formula.vectors[column]}"))
        return told

    def says(self) -> str:
        """The same as one phrase, without what is due."""
        yours = (text for label, text in self.told() if label.startswith("yours"))
        return "; ".join(text.removesuffix(", throughout") for text in yours)


def matching(predicted: Numbers, measured: Numbers, tolerance: float) -> Numbers:
    """For each column, whether it is the same at every place where something was measured.

    Where there are places without a number, one column more: whether none is predicted at any of them.
    """
    shape, seen = np.shape(predicted), np.isfinite(measured).all(1)
    fits = all(size in (1, due) for size, due in zip(shape[::-1], measured.shape[::-1]))
    predicted = np.broadcast_to(predicted if fits else np.inf, (*shape[:-2], *measured.shape))
    with np.errstate(all="ignore"):
        size = np.abs(measured[seen])
        bound = tolerance * (size + 0.01 * min(float(size.max(initial=0.0)), 10.0))
        right = (np.abs(predicted[..., seen, :] - measured[seen]) <= bound).all(-2)
    nothing = ~np.isfinite(predicted[..., ~seen, :]).all(-1)
    return right if seen.all() else np.concatenate([right, nothing.all(-1, keepdims=True)], -1)


@dataclass(frozen=True)
class Search:
    """What a formula is to give: numbers (places, columns), out of which letters, and how closely."""

    measured: Numbers
    letters: Letters
    tolerance: float

    def agreement(self, predicted: Numbers) -> Numbers:
        return matching(predicted, self.measured, self.tolerance)

    def explained(self, start: Explanation, lines: dict[str, str], **others: Any) -> Explanation:
        """An explanation with other lines, and the columns that these give."""
        right = tuple(self.agreement(evaluate(lines, self.letters)).tolist())
        return replace(start, lines=lines, right=right, **others)

    def explanations(self, formulas: tuple[Formula, ...], depth: int = DEPTH) -> list[Explanation]:
        """The best explanation by way of each formula, in their order."""
        found: list[Explanation] = []
        for formula in formulas:
            due = self.explained(Explanation(formula, {}), dict(formula.lines))
            choices = ((name, {**due.lines, line: text}) for name, (line, text, _) in formula.choices.items())
            legal = [self.explained(due, lines, choice=name) for name, lines in choices]
            most, tried = min([depth, *(len(e.changed) for e in found if e.whole)]), list[Explanation]()
            for start in sorted((due, *legal), key=lambda start: not start.whole):
                tried.append(self.improved(start, most))
                if tried[-1].whole and len(tried[-1].changed) < 2:
                    break
            found.append(min(tried, key=lambda e: e.order))
        return sorted(found, key=lambda e: e.order[:2])

    def improved(self, start: Explanation, depth: int = DEPTH) -> Explanation:
        """The start with up to `depth` changes more, each of which gives a column more and loses none."""
        if start.whole or depth == 0:
            return start
        better: dict[tuple, Explanation] = {}
        before = np.array(start.right)

        def wanted(many: Numbers) -> Numbers:
            right = self.agreement(many)
            return (right >= before).all(-1) & (right > before).any(-1)

        for change, lines, predicted in candidates(start.formula, start.lines, self.letters, wanted):
            right = tuple(self.agreement(predicted).tolist())
            new = replace(start, lines=lines, changed=(*start.changed, change), right=right)
            key = (right, predicted.round(9).tobytes())
            if key not in better or new.order < better[key].order:
                better[key] = new
        ordered = sorted(better.values(), key=lambda e: e.order)
        if ordered and ordered[0].whole:
            return ordered[0]
        tried = [self.improved(new, depth - 1) for new in ordered[:BEAM]]
        return min([start, *tried], key=lambda e: e.order)

    def two_changes(self, formula: Formula) -> Explanation | None:
        """Where there is one column alone, and so no first change shows: the likely pairs of changes."""
        firsts = candidates(formula, formula.lines, self.letters, lambda many: np.ones(len(many), bool), MOST_RANK)
        whole = lambda many: self.agreement(many).all(-1)  # noqa: E731
        for total in range(MOST_RANK + 1):  # the likely first
            for first, lines, _ in (one for one in firsts if one[0].rank <= total):
                for second, both, _ in candidates(formula, lines, self.letters, whole, total - first.rank):
                    if second.rank == total - first.rank:
                        return Explanation(formula, both, (first, second), (True,))
        return None
