"""Find the submissions in a folder: every folder and every zip is one, and a bad one is a row like any other."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from grading.classroom.gradebook.archive import WANTED, NotASubmission, files_of_zip, topmost
from grading.isolation.submission_files import submission_files
from grading.submission.errors import UsageError

MOST_FOLDERS = 2000  # how far a folder is searched for the modules
DEEPEST = 6


@dataclass(frozen=True)
class Submission:
    """One student's files, or a sentence that says why there are none.

    Attributes:
        name: the folder's or zip's own name, with nothing in it that cannot be printed.
        slug: a name for its folder in the gradebook, one of a kind and safe in a path and in a link.
        files: bytes by file name; a file that is not there is missing here too.
        problem: why it cannot be graded; empty where it can.
    """

    name: str
    slug: str
    files: dict[str, bytes] = field(default_factory=dict)
    problem: str = ""


def collect(folder: Path, leave_out: Path) -> tuple[list[Submission], list[str]]:
    """The submissions in a folder, sorted by name, and the names of the files in it that are none.

    Args:
        folder: holds a folder or a zip for each student.
        leave_out: where the gradebook goes, in case that lies in there too.

    Raises:
        UsageError (a ValueError): there is no such folder, it is empty, or it is a submission itself.
    """
    wanted = "give the folder that holds a folder or a zip for each student"
    if not folder.exists():
        raise UsageError(f"{folder}: there is no such folder; {wanted}")
    if not folder.is_dir():
        raise UsageError(f"{folder}: that is a file; {wanted}")
    if any(os.path.lexists(folder / name) for name in WANTED):
        raise UsageError(f"{folder}: that is one submission; {wanted}, or use kata grade --impl {folder}")
    entries = [e for e in folder.iterdir() if not e.name.startswith((".", "__")) and e.resolve() != leave_out.resolve()]
    chosen = [entry for entry in entries if entry.is_symlink() or entry.is_dir() or is_zip(entry)]
    if not chosen:
        raise UsageError(f"{folder}: there is neither a folder nor a zip in it; {wanted}")
    others = sorted(readable(entry.name) for entry in entries if entry not in chosen)
    return sorted((_submission(entry) for entry in chosen), key=lambda s: (s.name.casefold(), s.slug)), others


def is_zip(path: Path) -> bool:
    """Whether a path is called a zip; whether it is one shows when it is read."""
    return path.suffix.casefold() == ".zip"


def readable(name: str) -> str:
    """A file's name with every character that cannot be printed, or could not be encoded, replaced."""
    return "".join(c if c.isprintable() else "?" for c in name.encode("utf-8", "replace").decode())


def files_in(path: Path) -> dict[str, bytes]:
    """The files of a submission, from a zip or from a folder; in it they may lie deeper down, or in one zip.

    Raises:
        NotASubmission: there are none, or nobody could say which count.
    """
    try:
        if path.is_symlink():
            raise NotASubmission("this is a symbolic link, and none is followed")
        if not path.is_dir():
            return files_of_zip(path)
        holders = _holders(path)
        zips = [entry for entry in path.iterdir() if is_zip(entry)]
        if not holders and len(zips) == 1:
            return files_of_zip(zips[0])
        return submission_files(path / topmost(holders))[1]
    except OSError as error:
        raise NotASubmission(f"this cannot be read: {error.strerror or error}") from None


def _holders(folder: Path) -> list[PurePosixPath]:
    """The folders, relative to this one, that hold any of the modules; links are not followed."""
    found = []
    for looked, (place, below, names) in enumerate(os.walk(folder)):
        inside = Path(place).relative_to(folder)
        if WANTED & {*names, *below}:
            found.append(PurePosixPath(inside.as_posix()))
        if looked >= MOST_FOLDERS:
            break
        deeper = len(inside.parts) < DEEPEST
        below[:] = sorted(name for name in below if deeper and not name.startswith((".", "__")) and name not in WANTED)
    return found


def _submission(entry: Path) -> Submission:
    name = readable(entry.name)
    try:
        return Submission(name, slug(entry.name), files_in(entry))
    except NotASubmission as problem:
        return Submission(name, slug(entry.name), problem=str(problem))


def slug(name: str) -> str:
    """A safe name for a folder: the name itself where it is one, else what can be kept of it and a few digits."""
    kept = re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:40].strip("-")
    return kept if kept == name else f"{kept}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}"
