"""A submission in a student's zip, read with suspicion: nothing is unpacked, only the modules are read."""

from __future__ import annotations

import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from grading.isolation.submission_files import MOST_BYTES
from grading.submission.katas import MODULES, REQUIRED, in_words

MOST_ARCHIVE_BYTES = 20 << 20  # the table of contents is read whole, so its size must have a bound
WANTED = {f"{module}.py" for module in MODULES}
COUNT = in_words(len(REQUIRED))


class NotASubmission(Exception):
    """There is nothing here that could be graded: one sentence for the instructor and the student."""


def files_of_zip(path: Path) -> dict[str, bytes]:
    """Read the modules from a zip, wherever in it they lie together; bytes by file name.

    Raises:
        NotASubmission: it is no zip, is damaged or too large, holds none of the files or holds them twice, or one of
            them is a link, is encrypted or unpacks to more than a module may be.
    """
    if not stat.S_ISREG(path.lstat().st_mode):
        raise NotASubmission("this is not a regular file")
    if path.stat().st_size > MOST_ARCHIVE_BYTES:
        raise NotASubmission(f"the zip is larger than {MOST_ARCHIVE_BYTES >> 20} MiB; send the {COUNT} files alone")
    try:
        with zipfile.ZipFile(path) as archive:
            return {PurePosixPath(m.filename).name: _read(archive, m) for m in _members(archive)}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise NotASubmission(f"the zip cannot be read: {' '.join(str(error).split()) or 'it is damaged'}") from None


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The members to read: the files of the folder that holds them, the topmost where there are several."""
    folders: dict[PurePosixPath, list[zipfile.ZipInfo]] = {}
    for member in archive.infolist():
        place = PurePosixPath(member.filename)
        if place.name in WANTED and not member.is_dir() and _plain(member.filename, place):
            folders.setdefault(place.parent, []).append(member)
    found = folders[topmost(list(folders))]
    names = [member.filename for member in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise NotASubmission(f"the zip holds {twice} twice")
    return found


def topmost(folders: list[PurePosixPath]) -> PurePosixPath:
    """The folder with the shortest path; NotASubmission where there is none, or more than one."""
    if not folders:
        raise NotASubmission(f"none of the {COUNT} files is in it: {', '.join(sorted(WANTED))}")
    least = min(len(folder.parts) for folder in folders)
    first, *others = sorted(folder for folder in folders if len(folder.parts) == least)
    if others:
        raise NotASubmission(f"the files are in more than one folder ({first}, {others[0]}); which ones count?")
    return first


def _plain(name: str, place: PurePosixPath) -> bool:
    """Whether a member's name is an honest relative path."""
    return not (place.is_absolute() or ".." in place.parts or "\\" in name or "__MACOSX" in place.parts)


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind and not stat.S_ISREG(kind):
        raise NotASubmission(f"{member.filename} in the zip is a link or a device, not a regular file")
    if member.flag_bits & 1:
        raise NotASubmission(f"{member.filename} in the zip is encrypted")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise NotASubmission(f"{member.filename} is compressed in a way that is not in common use; make a plain zip")
    with archive.open(member) as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise NotASubmission(f"{member.filename} in the zip is larger than {MOST_BYTES >> 10} KiB")
    return content
