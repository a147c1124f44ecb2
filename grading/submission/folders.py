"""The folders that --impl names. No torch here."""

from __future__ import annotations

from pathlib import Path

from grading.submission.errors import UsageError
from grading.submission.katas import MODULES, REQUIRED, ROOT, in_words

__all__ = ["NAMED", "ROOT", "find"]

NAMED = ("exercises", "solutions")


def find(name_or_path: str | Path) -> Path:
    """Turn what `--impl` was given into a folder, or raise UsageError."""
    folder = ROOT / name_or_path if str(name_or_path) in NAMED else Path(name_or_path).expanduser()
    accepted = f"give {' or '.join(NAMED)}, or the path of a folder with {', '.join(f'{m}.py' for m in REQUIRED)}"
    if not folder.exists():
        raise UsageError(f"--impl {name_or_path}: there is no such folder; {accepted}")
    if not folder.is_dir():
        raise UsageError(f"--impl {name_or_path}: that is a file, not a folder; {accepted}")
    if not any((folder / f"{module}.py").exists() for module in MODULES):
        none = f"none of the {in_words(len(REQUIRED))} modules"
        raise UsageError(f"--impl {name_or_path}: that folder has {none}; {accepted}")
    return folder.resolve()
