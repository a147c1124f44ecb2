"""Canvas's gradebook CSV. Canvas finds a student by ID, or by SIS ids, and the assignment by the number in its head.

https://community.canvaslms.com/t5/Instructor-Guide/How-do-I-import-grades-in-the-Gradebook/ta-p/807
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from grading.classroom.gradebook.rows import Row, written
from grading.machine.files import write_whole

COLUMNS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
KINDS = {"ID": "canvas", "SIS User ID": "sid", "SIS Login ID": "login"}


def canvas(rows: list[Row], folder: Path, assignment: str, most: float) -> list[str]:
    """Write grades.csv; return who has no id that Canvas knows. A student without a grade keeps an empty cell."""
    known = [row for row in rows if any(row.submission.ids.get(kind) for kind in KINDS.values())]
    table: list[dict[str, Any]] = [{"Student": "    Points Possible", assignment: most}]
    for row in known:
        cells: dict[str, Any] = {"Student": row.name, "Section": row.submission.section}
        cells |= {column: row.submission.ids.get(kind, "") for column, kind in KINDS.items()}
        cells |= {column: row.submission.row[column] for column in COLUMNS if row.submission.row.get(column)}
        table.append(cells | {assignment: row.points if row.result else None})
    write_whole(folder / "grades.csv", written([*COLUMNS, assignment], table))
    return [row.name for row in rows if row not in known]
