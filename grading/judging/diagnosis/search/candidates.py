"""Every formula that is one small change away from another; what they give is worked out all together."""

import ast
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations

import numpy as np

from grading.judging.diagnosis.search.changes import Change, exchanged, instead_of, parts, renamed, tree_of
from grading.judging.diagnosis.search.formulas import Formula
from grading.judging.diagnosis.search.values import Letters, Numbers, attempt, evaluate

Lines = dict[str, str]
Wanted = Callable[[Numbers], Numbers]  # of what many formulas give, one behind the other: which of them are
Candidate = tuple[Change, Lines, Numbers]  # how a formula is changed, what it is then, and what it gives
LIKELY, ANY = 1, 9  # ranks
HOLE = "hole"  # the name of what is exchanged


def candidates(formula: Formula, lines: Lines, letters: Letters, wanted: Wanted, most: int = ANY) -> list[Candidate]:
    """Those wanted with one line changed, the likely first; then those with a letter exchanged wherever it stands."""
    found: list[Candidate] = []
    known, names = dict(letters), (*formula.letters.split(), *formula.vectors)
    with np.errstate(all="ignore"):
        for line, text in lines.items():
            if line not in letters:
                known[line] = attempt(text, known)
                made = _of_line(line, lines, known, names, wanted, most)
                found += sorted(made.values(), key=lambda c: (c[0].rank, len(c[0].text)))
            names = (*names, line)
        if most >= LIKELY:
            found += _throughout(formula, lines, letters, wanted)
    return found


def _of_line(
    line: str, lines: Lines, known: Letters, names: tuple[str, ...], wanted: Wanted, most: int
) -> dict[str, Candidate]:
    """Those wanted with another line, by its text; of two ways to one text the likelier."""
    text, changes, values, found = lines[line], list[Change](), list[Numbers](), dict[str, Candidate]()
    for holed, was, options in _holes(text, names):
        likely = [now for now, rank in options.items() if rank <= most]
        kept, stacked = _stacked(likely, known, attempt(was, known))
        given = attempt(holed, {**known, HOLE: stacked})
        if kept and given.ndim == 3 and given.shape[2] in (1, known[line].shape[1]):
            changes += [Change(line, holed.replace(HOLE, f"({now})"), was, now, options[now]) for now in kept]
            values.append(given)
    if not values:
        return {}
    shape = np.broadcast_shapes(known[line].shape, *(given.shape[1:] for given in values))
    together = np.concatenate([np.broadcast_to(given, (len(given), *shape)) for given in values])
    predicted = evaluate(lines, {**known, line: together})
    for i in np.flatnonzero(wanted(predicted)):
        change = changes[i]._replace(text=ast.unparse(tree_of(changes[i].text)))
        if change.text != text and (change.text not in found or change.rank < found[change.text][0].rank):
            found[change.text] = change, {**lines, line: change.text}, predicted[i]
    return found


def _holes(text: str, names: tuple[str, ...]) -> Iterator[tuple[str, str, dict[str, int]]]:
    """An expression without one of its parts, or without a letter; what stood there; and what may stand there."""
    everything = parts(tree_of(text))
    for part in everything:
        was = ast.unparse(part)
        yield exchanged(text, part, HOLE), was, instead_of(was, names)
    for letter in sorted({part.id for part in everything if isinstance(part, ast.Name)} & {*names}):
        yield renamed(text, {letter: HOLE}), letter, dict.fromkeys((*names, "1", "0"), LIKELY)


def _stacked(options: Iterable[str], known: Letters, like: Numbers) -> tuple[list[str], Numbers]:
    """What some expressions give one behind the other, and those of them that are of the kind of what they replace."""
    values = {text: attempt(text, known) for text in options}
    rows, columns = max(len(value) for value in (like, *values.values())), like.shape[-1]
    kept = [text for text, value in values.items() if value.ndim == 2 and value.shape[1] in (1, columns)]
    return kept, np.stack([np.broadcast_to(values[text], (rows, columns)) for text in kept]) if kept else like


def _throughout(formula: Formula, lines: Lines, letters: Letters, wanted: Wanted) -> Iterator[Candidate]:
    """A letter exchanged in several lines, or several letters together."""
    names = formula.letters.split()
    for letter, options in (
        *((name, ("1", *names)) for name in names),
        *((v, formula.vectors) for v in formula.vectors),
    ):
        holed = {line: renamed(text, {letter: HOLE}) for line, text in lines.items()}
        if sum(holed[line] != text for line, text in lines.items()) > 1:
            others, stacked = _stacked(options, letters, letters[letter])
            predicted = evaluate(holed, {**letters, HOLE: stacked})
            for i in np.flatnonzero(wanted(predicted)) if predicted.ndim == 3 else ():
                there = {line: renamed(text, {HOLE: others[i]}) for line, text in holed.items()}
                yield Change("", "", letter, others[i], LIKELY), there, predicted[i]
    swaps = {f"{a} and {b} exchanged": {a: b, b: a} for a, b in combinations(formula.vectors, 2) if len(lines) > 1}
    for what, swap in {**formula.shifts, **swaps}.items():
        there = {line: renamed(text, swap) for line, text in lines.items()}
        predicted = evaluate(there, letters)
        if there != lines and wanted(predicted[None])[0]:
            yield Change("", "", "", what, LIKELY), there, predicted
