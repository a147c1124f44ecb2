"""Write a file whole or not at all, and a folder for passing work that a later run removes where this one is killed."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def scratch_folder(most: int = 0o700) -> Path:
    """Make a folder in the place for temporary files, named after this process; remove what dead ones have left."""
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{_ours()}{os.getpid()}-")).resolve()
    folder.chmod(most)
    return folder


def sweep() -> None:
    """Remove the scratch folders of processes that are no more."""
    prefix = _ours()
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        owner = folder.name.removeprefix(prefix).partition("-")[0]
        if owner.isdigit() and not _alive(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _ours() -> str:
    """How our folders' names begin. A container with processes of its own may share the place: its names differ."""
    try:
        return f"kata-{os.stat('/proc/self/ns/pid').st_ino}-"
    except OSError:
        return "kata-0-"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
