"""Which lines of a formula, changed how, give the numbers that were measured."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from grading.judging.diagnosis.search.changes import Change, changes
from grading.judging.diagnosis.search.formulas import Formula, Numbers, evaluate
from grading.judging.diagnosis.search.simplify import simplified

BEAM, DEPTH = 6, 3
PAIRS = 8_000
Letters = Mapping[str, Numbers]


@dataclass(frozen=True)
class Explanation:
    """A formula that gives measured numbers.

    Attributes:
        lines: the formula, with the changes in it.
        changed: the changes, in the order found.
        right: which columns it gives.
        choice: the name of the legal choice in it, if any.
    """

    formula: Formula
    lines: dict[str, str]
    changed: tuple[Change, ...] = ()
    right: tuple[bool, ...] = ()
    choice: str = ""

    @property
    def whole(self) -> bool:
        return all(self.right)

    @property
    def cost(self) -> tuple[int, float]:
        return len(self.changed), sum(change.rank + 0.02 * len(change.text) for change in self.changed)

    def differences(self) -> list[tuple[str, str, str]]:
        """Name, yours and due of every line that is another one."""
        due = self.formula.lines
        return [(name, simplified(text), due[name]) for name, text in self.lines.items() if text != due[name]]


def fitted(predicted: Numbers, measured: Numbers) -> Numbers:
    """A prediction in the shape of what was measured; infinite where it has none of that kind."""
    shape = np.shape(predicted)
    fits = len(shape) <= 2 and all(size in (1, due) for size, due in zip(shape[::-1], measured.shape[::-1]))
    return np.broadcast_to(predicted if fits else np.inf, measured.shape)


def matching(predicted: Numbers, measured: Numbers, tolerance: float) -> tuple[bool, ...]:
    """For each column, whether it is the same at every place where something was measured."""
    predicted = fitted(predicted, measured)
    seen = np.isfinite(measured).all(1)
    with np.errstate(all="ignore"):
        scale = min(float(np.abs(measured[seen]).max(initial=0.0)), 10.0)
        close = np.abs(predicted[seen] - measured[seen]) <= tolerance * (np.abs(measured[seen]) + 0.01 * scale)
    return tuple(bool(column.all()) for column in close.T)


def agreement(predicted: Numbers, measured: Numbers, tolerance: float) -> tuple[bool, ...]:
    """Column by column as in `matching`; where no number was measured somewhere, whether none is predicted there."""
    right = matching(predicted, measured, tolerance)
    missing = ~np.isfinite(measured).all(1)
    if not missing.any():
        return right
    finite = np.isfinite(fitted(predicted, measured)).all(1)
    return (*right, not bool(finite[missing].any()))


def explanations(
    formulas: tuple[Formula, ...], measured: Numbers, letters: Letters, tolerance: float, depth: int = DEPTH
) -> list[Explanation]:
    """The best explanation by way of each formula; first those that give most columns, and of those the simplest."""
    found: list[Explanation] = []
    for formula in formulas:
        if len(formula.lines) == len(formulas[0].lines) > 3 and any(e.whole and len(e.changed) < 2 for e in found):
            continue  # the same in another grouping
        due = Explanation(formula, dict(formula.lines))
        starts = [due, *(replace(due, lines={**due.lines, c.line: c.text}, choice=c.name) for c in formula.choices)]
        starts = [replace(s, right=agreement(evaluate(s.lines, letters), measured, tolerance)) for s in starts]
        most = min([depth, *(len(e.changed) for e in found if e.whole)])
        best = next((start for start in starts if start.whole), None)
        if best is None:
            best = improved(starts[0], measured, letters, tolerance, most)
            if not best.whole or len(best.changed) > 1:
                tried = [best, *(improved(start, measured, letters, tolerance, most) for start in starts[1:])]
                best = min(tried, key=lambda e: (-sum(e.right), len(e.changed) + bool(e.choice and e.changed), e.cost))
        found.append(best)
    return sorted(found, key=lambda e: (-sum(e.right), len(e.changed) + bool(e.choice and e.changed)))


def improved(
    start: Explanation, measured: Numbers, letters: Letters, tolerance: float, depth: int = DEPTH
) -> Explanation:
    """The start with up to `depth` changes more, each of which gives a column more and loses none."""
    if start.whole or depth == 0:
        return start
    better: dict[tuple, Explanation] = {}
    for change, lines in _candidates(start):
        predicted = evaluate(lines, letters)
        right = agreement(predicted, measured, tolerance)
        if right != start.right and all(now or not before for now, before in zip(right, start.right)):
            new = replace(start, lines=lines, changed=(*start.changed, change), right=right)
            key = (right, np.round(np.nan_to_num(fitted(predicted, measured)), 9).tobytes())
            if key not in better or new.cost < better[key].cost:
                better[key] = new
    ordered = sorted(better.values(), key=lambda e: (-sum(e.right), e.cost))
    if ordered and ordered[0].whole:
        return ordered[0]
    tried = [improved(new, measured, letters, tolerance, depth - 1) for new in ordered[:BEAM]]
    return min([start, *tried], key=lambda e: (-sum(e.right), e.cost))


def _candidates(start: Explanation) -> Iterator[tuple[Change, dict[str, str]]]:
    """Every formula that is one change away, in one line or, for a letter that stands in several, in all of them."""
    formula, lines = start.formula, start.lines
    known = [*formula.letters, *formula.vectors]
    for line, text in lines.items():
        for change in changes(line, text, tuple(known), formula.vector_lines):
            yield change, {**lines, line: change.text}
        known.append(line)
    whole = " ".join(lines.values())
    used = [letter for letter in formula.letters if re.search(rf"\b{letter}\b", whole)]
    swaps = [({a: b}, a, b) for a in used for b in ("1", *formula.letters) if a != b]
    swaps += [(swap, "", what) for what, swap in formula.shifts.items()]
    for swap, was, now in swaps:
        renamed = {name: _renamed(text, swap) for name, text in lines.items()}
        if sum(renamed[n] != lines[n] for n in lines) > (1 if was else 0):
            yield Change("", "", was, now, 1), renamed


def _renamed(text: str, swap: dict[str, str]) -> str:
    return re.sub(r"\b\w+\b", lambda m: swap.get(m[0], m[0]), text)


def two_changes(formula: Formula, measured: Numbers, letters: Letters, tolerance: float) -> Explanation | None:
    """Where there is one column alone, and so no first change shows: the likely pairs of changes."""
    due, left = Explanation(formula, dict(formula.lines)), PAIRS
    firsts = list(_candidates(due))
    for total in range(3):  # the likely first
        for change, lines in firsts:
            start = replace(due, lines=lines, changed=(change,))
            for second, both in _candidates(start) if change.rank <= total else ():
                if change.rank + second.rank == total:
                    left -= 1
                    if all(agreement(evaluate(both, letters), measured, tolerance)):
                        return replace(start, lines=both, changed=(change, second), right=(True,))
            if left < 0:
                return None
    return None
