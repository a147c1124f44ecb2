"""Every formula that is one small change away from another; what they give is worked out all together."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from grading.judging.diagnosis.search.changes import Change, instead, is_vector, parts, put
from grading.judging.diagnosis.search.formulas import Formula
from grading.judging.diagnosis.search.values import Letters, Numbers, attempt, evaluate, tree_of

Lines = dict[str, str]
Wanted = Callable[[Numbers], Numbers]  # of what many formulas give, one behind the other: which of them are
Made = tuple[int, ast.expr | str, ast.expr | str, tuple[str, ...]]  # rank, was, now, and the way to it
Groups = Iterable[tuple[list[Made], Numbers]]
LIKELY, ANY = 1, 9  # ranks


class Candidate(NamedTuple):
    change: Change
    lines: Lines
    predicted: Numbers


def candidates(formula: Formula, lines: Lines, letters: Letters, wanted: Wanted, most: int = ANY) -> list[Candidate]:
    """Those wanted with one line changed, the likely first; then those with a letter exchanged wherever it stands."""
    found: list[Candidate] = []
    known, names = dict(letters), (*formula.letters, *formula.vectors)
    with np.errstate(all="ignore"):
        for line, text in lines.items():
            if line not in letters:
                found += _of_line(formula, lines, line, known, names, wanted, most)
                known[line] = evaluate({line: text}, known)
            names = (*names, line)
        if most >= LIKELY:
            found += _throughout(formula, lines, letters, wanted)
    return found


def _of_line(
    formula: Formula, lines: Lines, line: str, known: Letters, names: tuple[str, ...], wanted: Wanted, most: int
) -> Iterator[Candidate]:
    """Vectors stay vectors, numbers numbers; of two ways to one text the likelier."""
    text, vectors = lines[line], formula.vector_lines
    tree, found = tree_of(text), dict[str, Candidate]()
    for made, values in _together(_exchanged(tree, known, names, vectors, most)):
        predicted = evaluate(lines, {**known, line: values})
        for i in _chosen(predicted, wanted):
            rank, was, now, way = made[i]
            whole = _renamed(text, {was: now}) if isinstance(was, str) else ast.unparse(put(tree, way, now))
            if whole == text or (whole in found and found[whole].change.rank <= rank):
                continue
            if _is_alike(tree_of(whole), tree, vectors):
                was, now = (p if isinstance(p, str) else ast.unparse(p) for p in (was, now))
                change = Change(line, whole, was, now, rank)
                found[whole] = Candidate(change, {**lines, line: whole}, predicted[i])
    yield from sorted(found.values(), key=lambda c: (c.change.rank, len(c.change.text)))


def _chosen(predicted: Numbers, wanted: Wanted) -> Numbers:
    """The numbers of those wanted; none where nothing depends on what was exchanged."""
    return np.flatnonzero(wanted(predicted)) if predicted.ndim > 2 else ()


def _is_alike(new: ast.expr, tree: ast.expr, vectors: frozenset[str]) -> bool:
    try:
        is_zero = isinstance(new, ast.Constant) and new.value == 0
        return is_vector(new, vectors) == is_vector(tree, vectors) or is_zero
    except ValueError:
        return False


def _exchanged(
    tree: ast.expr, known: Letters, names: tuple[str, ...], vectors: frozenset[str], most: int
) -> Iterator[tuple[list[Made], Numbers]]:
    """An expression with other parts, and with one letter for another."""
    kept: dict[int, Numbers] = {}
    everything = [*parts(tree)]
    for _, part in reversed(everything):
        kept[id(part)] = attempt(part, known, kept)
    for way, part in everything:
        groups, kind = defaultdict(list), is_vector(part, vectors)
        for rank, new in instead(part, names):
            name = new.id if isinstance(new, ast.Name) else ""
            if rank <= most and not (name and (name in vectors) != kind):
                number = known[name] if name else attempt(new, known, kept)
                groups[number.shape].append(((rank, part, new, way), number))
        above = {id(node) for before, node in everything if way[: len(before)] == before}
        rest = {number: values for number, values in kept.items() if number not in above}
        for members in groups.values():
            stacked = np.stack([number for _, number in members])
            yield [made for made, _ in members], attempt(tree, known, {**rest, id(part): stacked})
    for letter in {part.id for _, part in everything if isinstance(part, ast.Name) and part.id in names}:
        for others, stacked in _instead_of(letter, (*names, "1", "0"), known) if most >= LIKELY else ():
            yield [(LIKELY, letter, other, ()) for other in others], attempt(tree, {**known, letter: stacked})


def _instead_of(letter: str, names: tuple[str, ...], known: Letters) -> Iterator[tuple[list[str], Numbers]]:
    """The values of the other letters, those of one shape together."""
    groups = defaultdict(list)
    for name in names:
        if name != letter:
            groups[np.shape(known.get(name, [[0]]))].append(name)
    for others in groups.values():
        yield others, np.stack([np.atleast_2d(known[o] if o in known else float(o)) for o in others])


def _together(groups: Groups) -> Iterator[tuple[list[Made], Numbers]]:
    """All groups whose values are of one shape as one."""
    batches: dict[tuple, tuple[list[Made], list[Numbers]]] = {}
    for made, values in groups:
        if values.ndim < 3:
            continue
        members, arrays = batches.setdefault(values.shape[1:], ([], []))
        members += made
        arrays.append(values)
    for members, arrays in batches.values():
        yield members, np.concatenate(arrays)


def _throughout(formula: Formula, lines: Lines, letters: Letters, wanted: Wanted) -> Iterator[Candidate]:
    """A letter exchanged in several lines, or several letters together."""
    whole = " ".join(lines.values())
    for letter in (name for name in formula.letters if re.search(rf"\b{name}\b", whole)):
        if sum(_renamed(text, {letter: "1"}) != text for text in lines.values()) < 2:
            continue
        found: dict[str, Numbers] = {}
        for others, stacked in _instead_of(letter, ("1", *formula.letters), letters):
            predicted = evaluate(lines, {**letters, letter: stacked})
            found |= {others[i]: predicted[i] for i in _chosen(predicted, wanted)}
        for other in sorted(found, key=("1", *formula.letters).index):
            renamed = {line: _renamed(text, {letter: other}) for line, text in lines.items()}
            yield Candidate(Change("", "", letter, other, LIKELY), renamed, found[other])
    for what, swap in formula.shifts.items():
        renamed = {line: _renamed(text, swap) for line, text in lines.items()}
        predicted = evaluate(renamed, letters)
        if renamed != lines and wanted(predicted[None])[0]:
            yield Candidate(Change("", "", "", what, LIKELY), renamed, predicted)


def _renamed(text: str, swap: dict[str, str]) -> str:
    return re.sub(r"\b\w+\b", lambda m: swap.get(m[0], m[0]), text)
