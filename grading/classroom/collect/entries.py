"""The files of one submission as a flat list, from a folder and from the archives in it; nothing is unpacked to disk.

Everything here comes from students. Every list and every read has a bound, no link is followed, and a path that
climbs or starts at the root is no path.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from grading.classroom.collect.student import readable
from grading.isolation.submission_files import MOST_BYTES, read_regular

MOST_ENTRIES = 10_000  # files of one submission
MOST_ARCHIVE_BYTES = 20 << 20
MOST_UNPACKED = 64 << 20  # of a tar that is compressed as a whole
MOST_FOLDERS = 2000  # how far a folder is searched
DEEPEST = 8
NESTED = 2  # an archive in an archive, and no deeper
SKIPPED = ("__MACOSX", "__pycache__", "node_modules", "site-packages", "venv", "env")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".gz")
CLOSED = (".7z", ".rar")  # no reader for these in Python's own library
DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError,
           RuntimeError, NotImplementedError, OverflowError)  # fmt: skip


class NotASubmission(Exception):
    """There is nothing here that could be graded: one sentence for the instructor and the student."""


@dataclass(frozen=True)
class Entry:
    """One file: its path below the submission, archives counting as folders, and how to get at its bytes."""

    parts: tuple[str, ...]
    read: Callable[[], bytes]

    @property
    def name(self) -> str:
        return self.parts[-1]

    @property
    def folder(self) -> tuple[str, ...]:
        return self.parts[:-1]

    def __str__(self) -> str:
        return readable("/".join(self.parts))


def is_archive(name: str) -> bool:
    """Whether a file is called an archive, of a kind that can be read or not."""
    return name.casefold().endswith((*ARCHIVES, *CLOSED))


def entries_of(path: Path) -> tuple[list[Entry], list[str]]:
    """Every file of a folder or an archive, those in archives too; and a sentence for each archive that is unreadable.

    Raises:
        NotASubmission: it cannot be read at all, or there is too much of it.
    """
    if path.is_symlink():
        raise NotASubmission("this is a symbolic link, and none is followed")
    found = list(_tree(path)) if path.is_dir() else [Entry((path.name,), partial(loose_bytes, path))]
    problems: list[str] = []
    return opened(found, problems), problems


def _tree(folder: Path) -> Iterator[Entry]:
    for looked, (place, below, names) in enumerate(os.walk(folder)):
        inside = Path(place).relative_to(folder).parts
        if looked >= MOST_FOLDERS:
            raise NotASubmission(f"it holds more than {MOST_FOLDERS} folders; send the files alone")
        if "pyvenv.cfg" in names:  # a virtual environment, whatever it is called
            below[:] = []
            continue
        links = [name for name in below if os.path.islink(os.path.join(place, name))]
        for name in sorted([*names, *links]):
            path = Path(place) / name
            yield Entry((*inside, name), partial(loose_bytes, path))
        deeper = len(inside) < DEEPEST
        below[:] = sorted(name for name in below if deeper and name not in links and not _skipped(name))


def _skipped(name: str) -> bool:
    return name.startswith(".") or name in SKIPPED


def loose_bytes(path: Path) -> bytes:
    if is_archive(path.name):
        return _archive_bytes(path)
    return read_regular(path) or b""


def _archive_bytes(path: Path) -> bytes:
    if not stat.S_ISREG(path.lstat().st_mode):
        raise NotASubmission(f"{readable(path.name)} is not a regular file")
    if path.stat().st_size > MOST_ARCHIVE_BYTES:
        raise NotASubmission(_too_large(path.name))
    return path.read_bytes()


def _too_large(name: str) -> str:
    return f"{readable(name)} is larger than {MOST_ARCHIVE_BYTES >> 20} MiB; send the files alone"


def opened(found: list[Entry], problems: list[str], level: int = 0) -> list[Entry]:
    """The entries with each archive replaced by what is in it; why an archive could not be read goes to `problems`."""
    result: list[Entry] = []
    for entry in found:
        if not is_archive(entry.name):
            result.append(entry)
        elif entry.name.casefold().endswith(CLOSED):
            problems.append(f"{entry} is an archive of a kind that cannot be read here; ask for a zip")
        elif level < NESTED:
            try:
                result += opened(list(_members(entry)), problems, level + 1)
            except NotASubmission as problem:
                problems.append(str(problem))
            except DAMAGED as error:
                problems.append(f"{entry} cannot be read: {_why(error)}")
        if len(result) > MOST_ENTRIES:
            raise NotASubmission(f"it holds more than {MOST_ENTRIES} files; send the files alone")
    return result


def _why(error: BaseException) -> str:
    return readable(" ".join(str(error).split()))[:200] or "it is damaged"


def _members(entry: Entry) -> Iterator[Entry]:
    content = entry.read()
    if content.startswith(b"PK"):
        yield from _zip_members(entry, content)
    elif entry.name.casefold().endswith(".zip"):
        raise ValueError("it is not a zip file")
    else:
        yield from _tar_members(entry, content)


def _zip_members(entry: Entry, content: bytes) -> Iterator[Entry]:
    archive = zipfile.ZipFile(BytesIO(content))
    members = archive.infolist()
    if len(members) > MOST_ENTRIES:
        raise ValueError(f"it holds more than {MOST_ENTRIES} files; send the files alone")
    for member in members:
        parts = _plain_parts(member.filename)
        if parts and not member.is_dir():
            yield Entry((*entry.parts, *parts), partial(_zip_bytes, archive, member))


def _zip_bytes(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    name, kind = readable(member.filename), stat.S_IFMT(member.external_attr >> 16)
    if kind and not stat.S_ISREG(kind):
        raise NotASubmission(f"{name} in the zip is a link or a device, not a regular file")
    if member.flag_bits & 1:
        raise NotASubmission(f"{name} in the zip is encrypted")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise NotASubmission(f"{name} is compressed in a way that is not in common use; make a plain zip")
    most = MOST_ARCHIVE_BYTES if is_archive(name) else MOST_BYTES
    try:
        with archive.open(member) as file:
            return _bounded(file, most, name)
    except DAMAGED as error:
        raise NotASubmission(f"{name} in the zip cannot be read: {_why(error)}") from None


def _tar_members(entry: Entry, content: bytes) -> Iterator[Entry]:
    """The members of a tar, compressed as a whole or not. It is one stream: each is read as it passes by."""
    whole = BytesIO(content)
    if content.startswith(b"\x1f\x8b"):
        stream: Any = gzip.GzipFile(fileobj=whole)
    elif content.startswith(b"BZh"):
        stream = bz2.BZ2File(whole)
    elif content.startswith(b"\xfd7zXZ"):
        stream = lzma.LZMAFile(whole)  # noqa: SIM115
    else:
        stream = whole
    unpacked = stream.read(MOST_UNPACKED + 1)
    if len(unpacked) > MOST_UNPACKED:
        raise ValueError(f"it unpacks to more than {MOST_UNPACKED >> 20} MiB; send the files alone")
    archive = tarfile.open(fileobj=BytesIO(unpacked), mode="r:")  # noqa: SIM115
    for number, member in enumerate(archive):
        if number >= MOST_ENTRIES:
            raise ValueError(f"it holds more than {MOST_ENTRIES} files; send the files alone")
        parts = _plain_parts(member.name)
        if parts and not member.isdir():
            yield Entry((*entry.parts, *parts), partial(_tar_bytes, archive, member))


def _tar_bytes(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    name = readable(member.name)
    if not member.isreg():
        raise NotASubmission(f"{name} in the tar is a link or a device, not a regular file")
    most = MOST_ARCHIVE_BYTES if is_archive(name) else MOST_BYTES
    file = archive.extractfile(member)
    return _bounded(file, most, name) if file else b""


def _bounded(file: IO[bytes], most: int, name: str) -> bytes:
    content = file.read(most + 1)
    if len(content) > most:
        raise NotASubmission(f"{readable(name)} in the archive is larger than {most >> 10} KiB")
    return content


def _plain_parts(name: str) -> tuple[str, ...]:
    """A member's path, with the backslashes of old Windows programs turned; empty where it is no honest one."""
    path = name.replace("\\", "/")
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    dishonest = path.startswith("/") or ".." in parts or any(_skipped(part) for part in parts) or len(parts) > 20
    return () if dishonest or (parts and ":" in parts[0]) else parts
