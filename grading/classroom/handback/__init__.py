"""Write what a learning platform imports: grades under its own ids, and feedback. Each platform is one file here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from grading.classroom.gradebook.rows import Row
from grading.classroom.handback.canvas import canvas
from grading.classroom.handback.gradescope import gradescope
from grading.classroom.handback.moodle import moodle
from grading.submission.errors import UsageError

PLATFORMS: dict[str, Callable[[list[Row], Path, str, float], list[str]]] = {
    "canvas": canvas,
    "moodle": moodle,
    "gradescope": gradescope,
}


@dataclass
class Handed:
    """What was written, and the students left out because they have no id that the platform knows."""

    files: list[Path] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def check_platforms(names: list[str]) -> list[str]:
    """The platforms, each once; UsageError for one that there is not."""
    for name in names:
        if name not in PLATFORMS:
            raise UsageError(f"--export {name}: the platforms are {', '.join(PLATFORMS)}")
    return list(dict.fromkeys(names))


def hand_back(rows: list[Row], out: Path, platform: str, assignment: str, most: float) -> Handed:
    """Write the files of a platform to out/PLATFORM.

    Args:
        rows: the gradebook; what is nobody's submission is passed over.
        assignment: what the platform calls it; for Canvas the head of its column, `NAME (ID)`.
        most: points that can be had.
    """
    folder = out / platform
    students = [row for row in rows if row.is_student]
    try:
        left_out = PLATFORMS[platform](students, folder, assignment, most)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror})") from None
    return Handed(sorted(path for path in folder.rglob("*") if path.is_file()), left_out)
