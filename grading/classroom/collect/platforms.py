"""How learning platforms name what they let an instructor download. Each kind of name is one row of `SHAPES`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grading.classroom.collect.entries import is_archive
from grading.classroom.collect.names import TESTS, WANTED, repaired

STEMS = "|".join(sorted(name.removesuffix(".py") for name in WANTED | TESTS))
CANVAS = re.compile(r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<user>\d+)_(?P<submission>\d+)_(?P<file>.+)", re.DOTALL)
MOODLE = re.compile(
    r"(?P<name>.+)_(?P<participant>\d+)_assignsubmission_(?P<kind>file|onlinetext)_?(?P<file>.*)", re.DOTALL
)
FLAT = re.compile(rf"(?P<name>.+?)[ _-]+(?P<file>(?:{STEMS})\b.*\.py.*)", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class Piece:
    """One file or folder of the class, and whose it is as far as its name says.

    Attributes:
        path: where it lies.
        platform: canvas, moodle, gradescope, github or plain.
        key: what tells one student of the platform from another.
        name: the student's, as far as it is known.
        file: for a flat file, its name without the platform's additions; empty for a folder or an archive of its own.
        order: of several submissions of one student, the greatest is the latest.
    """

    path: Path
    platform: str
    key: str
    name: str
    file: str = ""
    order: tuple[int, int] = (0, 0)
    late: bool = False
    ids: dict[str, str] = field(default_factory=dict)
    email: str = ""
    submitted: str = ""
    typed: bool = False  # text typed in a form, no file


def shape(path: Path) -> Piece | None:
    """Whose a file or folder of a class is; None for what is nobody's."""
    name = path.name
    if found := MOODLE.fullmatch(name):
        whole = "_".join(filter(None, (found["name"], found["participant"], "assignsubmission_file_")))
        ids = {"moodle": found["participant"], "moodle_folder": whole}
        typed = found["kind"] == "onlinetext"
        return Piece(path, "moodle", found["participant"], found["name"], found["file"], ids=ids, typed=typed)
    folder = path.is_dir() or path.is_symlink()
    if not folder and (found := CANVAS.fullmatch(name)):
        file, number = numbered(found["file"])
        ids, order = {"canvas": found["user"]}, (int(found["submission"]), number)
        return Piece(path, "canvas", found["user"], found["name"], file, order, bool(found["late"]), ids)
    if folder and (path / ".git").exists():
        return Piece(path, "github", name.casefold(), name)
    if folder:
        return Piece(path, "plain", name, name)
    if is_archive(name):
        stem = archive_stem(name)
        return Piece(path, "plain", stem, stem)
    if (found := FLAT.fullmatch(name)) and repaired(found["file"])[0] in WANTED | TESTS:
        return Piece(path, "plain", found["name"], found["name"], found["file"])
    return None


def numbered(file: str) -> tuple[str, int]:
    """`q_sample-2.py` -> (`q_sample.py`, 2): Canvas counts resubmissions before the extension."""
    found = re.fullmatch(r"(.+)-(\d{1,3})((?:\.[A-Za-z0-9]+){1,2})", file, re.DOTALL)
    return (found[1] + found[3], int(found[2])) if found else (file, 0)


def archive_stem(name: str) -> str:
    """`ada.tar.gz` -> `ada`."""
    stem = re.sub(r"(\.tar)?\.[A-Za-z0-9]+$", "", name)
    return stem or name


def github_names(pieces: Sequence[Piece]) -> dict[str, str]:
    """The user of each clone `assignment-username`, by folder: what follows the beginning that all clones share."""
    names = [piece.name for piece in pieces if piece.platform == "github"]
    if len(names) < 2:
        return {}
    shared = min(names)
    for name in names:
        while not name.startswith(shared):
            shared = shared[:-1]
    shared = shared[: shared.rfind("-") + 1]
    return {name: name[len(shared) :] for name in names if shared and len(name) > len(shared)}
