"""One row for each student of a class, whatever mixture of shapes it was handed in as. Nothing is lost silently."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import replace
from functools import partial
from pathlib import Path

from grading.classroom.collect.choose import Taken, take, take_from
from grading.classroom.collect.entries import Entry, NotASubmission, loose_bytes, opened
from grading.classroom.collect.gradescope_export import METADATA, pieces_of_export
from grading.classroom.collect.names import WANTED
from grading.classroom.collect.platforms import CANVAS, MOODLE, Piece, github_names, shape
from grading.classroom.collect.roster import Person, Roster
from grading.classroom.collect.student import Submission, readable, slug
from grading.submission.errors import UsageError

LEFTOVERS = {"thumbs.db", "desktop.ini", METADATA}
MOST_STUDENTS = 20_000


def collect(folder: Path, leave_out: Path | None = None, roster: Roster | None = None, *own: Path) -> list[Submission]:
    """The students of a class, sorted by name; then what is in the folder and is nobody's.

    Args:
        folder: the class: folders, archives, flat files, exports of platforms, mixed.
        leave_out: where the gradebook goes, in case that lies in there too.
        roster: who is in the class; without one, whoever handed in is.
        own: files of the instructor's that may lie in there (roster, rubric).

    Raises:
        UsageError (a ValueError): there is no such folder, it is empty, or it is a submission itself.
    """
    wanted = "give the folder that holds what each student handed in"
    if not folder.exists():
        raise UsageError(f"{folder}: there is no such folder; {wanted}")
    if not folder.is_dir():
        raise UsageError(f"{folder}: that is a file; {wanted}, unpacked")
    if any(os.path.lexists(folder / name) for name in WANTED):
        raise UsageError(f"{folder}: that is one submission; {wanted}, or use kata grade --impl {folder}")
    skipped = {os.path.realpath(path) for path in (leave_out, *own) if path}
    pieces, others = _pieces(folder, skipped, 0)
    if not pieces:
        raise UsageError(f"{folder}: there is no submission in it; {wanted}")
    students = [_student(found) for found in _by_student(pieces)]
    if roster:
        students = _joined(students, roster)
    aside = [
        Submission(readable(path.name), "", problem="nobody's submission; left aside", state="aside") for path in others
    ]
    ordered = sorted(students, key=lambda s: (s.name.casefold(), s.slug)) + sorted(aside, key=lambda s: s.name)
    return _slugs_apart(ordered)


def _pieces(folder: Path, skipped: set[str], depth: int) -> tuple[list[Piece], list[Path]]:
    """What lies in the class's folder, by whose it is; and what is nobody's. A class in the class is opened up."""
    try:
        entries = sorted(folder.iterdir(), key=lambda path: os.fsencode(path.name))
    except OSError as error:
        raise UsageError(f"{folder}: cannot be read ({error.strerror})") from None
    entries = [e for e in entries if not e.name.startswith((".", "__")) and e.name.casefold() not in LEFTOVERS]
    entries = [entry for entry in entries if os.path.realpath(entry) not in skipped or entry.is_symlink()]
    if len(entries) > MOST_STUDENTS:
        raise UsageError(f"{folder}: holds more than {MOST_STUDENTS:,} files and folders")
    pieces: list[Piece] = []
    others: list[Path] = []
    if (folder / METADATA).is_file():
        pieces += pieces_of_export(folder)
        told = {piece.path.name for piece in pieces}
        entries = [entry for entry in entries if entry.name not in told]
    for entry in entries:
        if depth < 2 and entry.is_dir() and not entry.is_symlink() and _is_class(entry):
            more = _pieces(entry, skipped, depth + 1)
            pieces, others = pieces + more[0], others + more[1]
        elif piece := shape(entry):
            pieces.append(piece)
        else:
            others.append(entry)
    return pieces, others


def _is_class(folder: Path) -> bool:
    """Whether a folder is a platform's download of many students, not one student's work."""
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    if MOODLE.fullmatch(folder.name):
        return False
    return METADATA in names or any(CANVAS.fullmatch(name) or MOODLE.fullmatch(name) for name in names)


def _by_student(pieces: list[Piece]) -> list[list[Piece]]:
    users = github_names(pieces)
    found: dict[tuple[str, str], list[Piece]] = defaultdict(list)
    for piece in pieces:
        if piece.platform == "github" and piece.name in users:
            user = users[piece.name]
            piece = replace(piece, key=user.casefold(), name=user, ids={"github": user})
        found[piece.platform, piece.key].append(piece)
    return list(found.values())


def _student(pieces: list[Piece]) -> Submission:
    """One student's row from all that bears their name: the latest submission, and what it lacks from before."""
    attempts: dict[tuple, list[Piece]] = defaultdict(list)
    for piece in pieces:
        if not piece.typed:
            attempts[piece.order if piece.file else (*piece.order, _preference(piece), piece.path.name)].append(piece)
    latest, *before = sorted(attempts, reverse=True) or [()]
    about = max(pieces, key=lambda piece: (piece.order, bool(piece.email)))
    name = readable(about.name)
    key = about.key if about.platform in ("plain", "github") else f"{about.name}-{about.key}"
    ids = {kind: value for piece in pieces for kind, value in piece.ids.items()} | about.ids
    earlier = tuple(readable(p.path.name) for order in before for p in attempts[order])
    late, submitted = any(piece.late for piece in attempts.get(latest, [])), about.submitted
    base = Submission(name, slug(key), {}, "", "here", ids, about.email, "", submitted, late, (), earlier)
    if not attempts:
        return replace(base, problem="text was typed into the form and no file handed in; files are needed")
    typed = ("text that was typed into the form was left aside",) if any(piece.typed for piece in pieces) else ()
    taken, problem, tests = Taken(), "", dict[str, bytes]()
    for order in (latest, *before):
        try:
            found = _take(attempts[order])
        except NotASubmission as error:
            problem = problem or str(error)
            continue
        tests = found.tests | tests
        if not found.files:
            problem = problem or found.problem
            continue
        problem = problem if order != latest and not taken.files else ""
        if not taken.files:
            taken = found
            if order != latest:
                taken.notes.append("the latest submission holds none of the files; an earlier one counts")
            continue
        missing = sorted(set(found.files) - set(taken.files))
        same = all(taken.files.get(module) == content for module, content in found.files.items())
        if missing:
            taken.files |= {module: found.files[module] for module in missing}
            taken.notes.append(
                f"{', '.join(missing)}: from an earlier submission ({readable(attempts[order][0].path.name)})"
            )
        elif not same and order[:2] == latest[:2]:
            named = readable(attempts[order][0].path.name)
            taken.notes.append(
                f"{named} holds other files and was left aside; {readable(attempts[latest][0].path.name)} counts"
            )
    problem, notes = "" if taken.files else problem, (*typed, *taken.notes)
    return replace(base, files=taken.files, problem=problem, notes=notes, tests=tests)


def _preference(piece: Piece) -> int:
    """Of a folder and an archive of one name the folder counts: somebody has opened it."""
    return int(piece.path.is_dir())


def _take(pieces: list[Piece]) -> Taken:
    """The files of one attempt: of a folder, of an archive, or of files that lie flat."""
    if not pieces[0].file:
        if not os.path.lexists(pieces[0].path):
            raise NotASubmission(f"the folder {readable(pieces[0].path.name)} is missing from the download")
        return take_from(pieces[0].path)
    if any(piece.path.is_symlink() for piece in pieces):
        raise NotASubmission("this is a symbolic link, and none is followed")
    problems: list[str] = []
    entries = opened([Entry((piece.file,), partial(loose_bytes, piece.path)) for piece in pieces], problems)
    return take(entries, problems)


def _joined(students: list[Submission], roster: Roster) -> list[Submission]:
    """The roster's names, ids and sections put to the submissions; a row for each who handed in nothing."""
    found: dict[int, list[Submission]] = defaultdict(list)
    result = []
    for student in students:
        person = roster.find(student.name, student.ids, student.email)
        if person is None:
            result.append(replace(student, notes=(*student.notes, "not in the roster")))
        else:
            found[roster.people.index(person)].append(student)
    for number, person in enumerate(roster.people):
        mine = found.get(number)
        if mine:
            result.append(_one(mine, person))
        else:
            nothing = Submission(person.name, slug(f"{person.name}-{number}"), problem="nothing was handed in")
            result.append(_known(replace(nothing, state="missing"), person))
    return result


def _one(mine: list[Submission], person: Person) -> Submission:
    """The submissions of one person from several platforms as one: the latest known, then the most complete."""
    ranked = sorted(mine, key=lambda s: (not s.problem, s.submitted, len(s.files)), reverse=True)
    first, rest = ranked[0], ranked[1:]
    earlier = (*first.earlier, *(name for other in rest for name in (other.name, *other.earlier)))
    ids = {kind: value for student in reversed(ranked) for kind, value in student.ids.items()}
    notes = first.notes
    if any(other.files and other.files != first.files for other in rest):
        notes = (*notes, f"handed in {len(mine)} times, differently; one of them counts")
    return _known(replace(first, ids=ids, earlier=earlier, notes=notes), person)


def _known(student: Submission, person: Person) -> Submission:
    return replace(
        student,
        name=person.name,
        ids=student.ids | person.ids,
        email=person.email or student.email,
        section=person.section or student.section,
        submitted=student.submitted or person.submitted if student.state == "here" else "",
        row=person.row,
    )


def _slugs_apart(students: list[Submission]) -> list[Submission]:
    """No two folders of one name, on a file system that takes A for a as well."""
    taken: set[str] = set()
    result = []
    for student in students:
        name, number = student.slug, 1
        while name and name.casefold() in taken:
            number += 1
            name = f"{student.slug}-{number}"
        taken.add(name.casefold())
        result.append(replace(student, slug=name))
    return result
