"""Reports of a grade: each is made from the one plain Result."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from grading.result import write_whole

if TYPE_CHECKING:
    from grading.grade import Graded


def write_report(graded: Graded, folder: Path) -> Path:
    """Write result.json, the pictures and the page to a folder; return the path of what to open."""
    from grading.pictures import write_pictures

    folder.mkdir(parents=True, exist_ok=True)
    result = folder / "result.json"
    write_whole(result, graded.result.to_json())
    write_pictures(graded.experiment, folder)
    return result
