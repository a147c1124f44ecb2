"""Which of a submission's files are those of the kata, and a sentence for what was repaired or left aside."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from grading.classroom.collect.entries import Entry, NotASubmission, entries_of
from grading.classroom.collect.names import WANTED, repaired
from grading.classroom.collect.own_tests import is_test, own_tests
from grading.submission.katas import REQUIRED, in_words

COUNT = in_words(len(REQUIRED))
KATA_ITSELF = {"solutions", "tests", "grading"}  # folders of the kata that hold files of the same names
MOST_NAMED = 6  # files named in a note
MOST_CANDIDATES = 200


@dataclass
class Taken:
    """The modules as far as they are there, the student's own tests of them, and what was done to find both."""

    files: dict[str, bytes] = field(default_factory=dict)
    tests: dict[str, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problem: str = ""  # why there are tests and no modules


@dataclass(frozen=True)
class Candidate:
    """A file that is one of the kata's, or nearly so called; `copy` counts the copies that a browser numbers."""

    module: str
    copy: int
    entry: Entry

    @property
    def exact(self) -> bool:
        return self.entry.name == self.module


def files_in(path: Path) -> dict[str, bytes]:
    """The files of one submission, a folder or an archive.

    Raises:
        NotASubmission: there are none, or nobody could say which count.
    """
    return take_from(path).files


def take_from(path: Path) -> Taken:
    """The files of a folder or an archive, with notes. Raises NotASubmission."""
    try:
        taken = take(*entries_of(path))
    except OSError as error:
        raise NotASubmission(f"this cannot be read: {error.strerror or error}") from None
    if not taken.files:
        raise NotASubmission(taken.problem)
    return taken


def take(entries: list[Entry], problems: list[str]) -> Taken:
    """Choose the kata's files among many. Raises NotASubmission where there are none, or too many to choose from."""
    candidates = [found for entry in entries if (found := candidate(entry))]
    if not candidates:
        alone = Taken(notes=list(problems), problem=problems[0] if problems else _none(entries))
        alone.tests = own_tests(entries, set(), alone.notes)
        if not alone.tests:
            raise NotASubmission(alone.problem)
        return alone
    if len(candidates) > MOST_CANDIDATES:
        raise NotASubmission(f"{len(candidates)} files in it are called like those of the kata; send the files alone")
    folders: dict[tuple[str, ...], dict[str, list[Candidate]]] = defaultdict(lambda: defaultdict(list))
    for found in candidates:
        folders[found.entry.folder][found.module].append(found)
    taken = Taken(notes=list(problems))
    chosen = _chosen(folders, taken)
    for module in sorted(chosen):
        best = _best(module, chosen[module], taken)
        taken.files[module] = best.entry.read()
        if not best.exact:
            taken.notes.append(f"{best.entry} was taken as {module}")
    beside = {found.entry.folder for candidates in chosen.values() for found in candidates}
    taken.tests = own_tests(entries, beside, taken.notes)
    helpers = [str(entry) for entry in entries if entry.folder in beside and _helper(entry)]
    if helpers:
        taken.notes.append(f"not among the kata's files, left aside: {_listed(helpers)}")
    return taken


def _helper(entry: Entry) -> bool:
    """Whether a file is code that is none of the kata's: a module of the student's own, or a name too far off."""
    known = entry.name == "__init__.py" or candidate(entry) or is_test(entry)
    return entry.name.casefold().endswith(".py") and not known


def candidate(entry: Entry) -> Candidate | None:
    """Whether a file is one of the kata's, its name spelt as a browser, an editor or a hurried hand may spell it."""
    module, copy = repaired(entry.name)
    return Candidate(module, copy, entry) if module in WANTED else None


def _none(entries: list[Entry]) -> str:
    said = f"none of the {COUNT} files is in it: {', '.join(sorted(WANTED))}"
    seen = [str(entry) for entry in entries if not entry.name.startswith(".")]
    return f"{said}; there is {_listed(seen)}" if seen else f"{said}; it is empty"


def _listed(names: list[str]) -> str:
    shown = ", ".join(sorted(names)[:MOST_NAMED])
    return f"{shown} and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else shown


Folders = dict[tuple[str, ...], dict[str, list[Candidate]]]


def _chosen(folders: Folders, taken: Taken) -> dict[str, list[Candidate]]:
    """The candidates of each module, from the folder that counts; a file missing there may come from another."""
    ranked = sorted(folders, key=lambda folder: _rank(folder, folders[folder]))
    first = ranked[0]
    rivals = [folder for folder in ranked[1:] if _rank(folder, folders[folder])[:4] == _rank(first, folders[first])[:4]]
    for rival in rivals:
        if _contents(folders[rival]) != _contents(folders[first]):
            raise NotASubmission(
                f"the files are in more than one folder ({_name(first)}, {_name(rival)}); which ones count?"
            )
    chosen = dict(folders[first])
    for module in sorted(WANTED - set(chosen)):
        elsewhere = [folder for folder in ranked[1:] if module in folders[folder] and not _kata_itself(folder)]
        if not elsewhere:
            continue
        contents = {_best(module, folders[folder][module], Taken()).entry.read() for folder in elsewhere}
        if len(contents) > 1:
            taken.notes.append(
                f"{module} lies in more than one folder ({_listed([_name(f) for f in elsewhere])}); none is taken"
            )
            continue
        chosen[module] = folders[elsewhere[0]][module]
        taken.notes.append(f"{module} was taken from {_name(elsewhere[0])}, the others from {_name(first)}")
    used = {found.entry for candidates in chosen.values() for found in candidates}
    aside = [str(c.entry) for folder in ranked for cs in folders[folder].values() for c in cs if c.entry not in used]
    if aside:
        taken.notes.append(f"{_name(first)} counts; left aside: {_listed(aside)}")
    return chosen


def _rank(folder: tuple[str, ...], found: dict[str, list[Candidate]]) -> tuple:
    """The first counts: the kata's own folders last, then the most files, then exercises/, then the topmost."""
    exercises = bool(folder) and folder[-1].casefold() == "exercises"
    return (_kata_itself(folder), -len(found), not exercises, len(folder), folder)


def _kata_itself(folder: tuple[str, ...]) -> bool:
    return any(part.casefold() in KATA_ITSELF for part in folder)


def _contents(found: dict[str, list[Candidate]]) -> dict[str, set[bytes]]:
    return {module: {one.entry.read() for one in candidates} for module, candidates in found.items()}


def _name(folder: tuple[str, ...]) -> str:
    return str(Entry(folder, bytes)) + "/" if folder else "the top"


def _best(module: str, candidates: list[Candidate], taken: Taken) -> Candidate:
    """The one that is called right; else the copy with the highest number."""
    exact = [found for found in candidates if found.exact]
    ranked = exact or sorted(candidates, key=lambda found: -found.copy)
    if len(exact) > 1 and len({found.entry.read() for found in exact[:10]}) > 1:
        raise NotASubmission(f"it holds {exact[0].entry} twice")
    if not exact and len(ranked) > 1 and ranked[0].copy == ranked[1].copy:
        raise NotASubmission(f"{ranked[0].entry} and {ranked[1].entry} could both be {module}; which one counts?")
    others = [str(found.entry) for found in candidates if found is not ranked[0] and not found.exact]
    if others:
        taken.notes.append(f"{ranked[0].entry} counts; left aside: {_listed(others)}")
    return ranked[0]
