"""Take the files of a submission, and nothing else that lies beside them."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from grading.submission.katas import MODULES

MOST_BYTES = 256 * 1024


def submission_files(folder: Path) -> tuple[str, dict[str, bytes]]:
    """Read the modules of the contract: a name for the folder that is safe to use, and the bytes by file name.

    What is no regular file (a link, a pipe, a device) or is too large is replaced by a line that says so when imported;
    a file that is not there stays away.
    """
    files = {}
    for module in MODULES:
        content = read_regular(folder / f"{module}.py")
        if content is not None:
            files[f"{module}.py"] = content
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", folder.name)[:60].strip(".")
    return name or "submission", files


def read_regular(path: Path) -> bytes | None:
    """The bytes of a regular file that is small enough, None where there is none, and else a line that says why not."""
    try:
        opened = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return None
    except OSError as error:
        return _refusal(f"{path.name} cannot be read as a regular file ({error.strerror})")
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        return _refusal(f"{path.name} is not a regular file")
    with os.fdopen(opened, "rb") as file:
        content = file.read(MOST_BYTES + 1)
    return _refusal(f"{path.name} is larger than {MOST_BYTES // 1024} KiB") if len(content) > MOST_BYTES else content


def _refusal(reason: str) -> bytes:
    return f"raise ImportError({reason!r})\n".encode()
