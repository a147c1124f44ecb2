"""The tests that a student has written for `kata prove`, wherever they were put when the work was handed in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from grading.classroom.collect.entries import Entry, NotASubmission
from grading.classroom.collect.names import TESTS, repaired

NOT_OWN = {"solutions", "grading", "harness"}  # folders of the kata itself


def is_test(entry: Entry) -> bool:
    """Whether a file is called like the tests of a task."""
    return repaired(entry.name)[0] in TESTS


def own_tests(entries: Iterable[Entry], beside: set[tuple[str, ...]], notes: list[str]) -> dict[str, bytes]:
    """The tests of a submission by their right names.

    For each name the one in tests/ beside the modules counts, else the one that lies among them (platforms make all
    files lie flat), else the topmost; the last copy of several.

    Args:
        entries: all files of the submission.
        beside: the folders that the modules were taken from.
        notes: gets a sentence for what was renamed, chosen or left aside.
    """
    found: dict[str, list[tuple]] = defaultdict(list)
    for entry in entries:
        name, copy = repaired(entry.name)
        if name in TESTS and not any(part.casefold() in NOT_OWN for part in entry.folder):
            place = 0 if entry.folder in {(*folder, "tests") for folder in beside} else 1 + (entry.folder not in beside)
            found[name].append((place, len(entry.folder), entry.name != name, -copy, str(entry), entry))
    tests = {}
    for name in sorted(found):
        (place, *_, path, entry), *others = sorted(found[name], key=lambda one: one[:-1])
        try:
            tests[name] = entry.read()
        except NotASubmission as problem:
            notes.append(f"{path} was left aside: {problem}")
            continue
        if (place > 1 and beside) or entry.name != name:
            notes.append(f"{path} was taken as tests/{name}")
        if others:
            notes.append(f"{path} counts; left aside: {', '.join(one[-2] for one in others[:6])}")
    return tests
