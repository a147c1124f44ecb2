"""Moodle's grading worksheet, and the zip of feedback files in the folder names of its download.

https://docs.moodle.org/en/Assignment_grading#Offline_grading_worksheet
"""

from __future__ import annotations

import io
import zipfile
from html import escape
from pathlib import Path
from typing import Any

from grading.classroom.feedback import feedback
from grading.classroom.gradebook.rows import Row, written
from grading.machine.files import write_whole

COLUMNS = (
    *("Identifier", "Full name", "Email address", "Status", "Grade", "Maximum Grade", "Grade can be changed"),
    *("Last modified (submission)", "Last modified (grade)", "Feedback comments"),
)
LONG_AGO = (2000, 1, 1, 0, 0, 0)  # the same content makes the same zip


def moodle(rows: list[Row], folder: Path, assignment: str, most: float) -> list[str]:
    """Write grades.csv and feedback.zip; return who has no participant number.

    Where the roster was Moodle's own worksheet its cells are kept, and points are scaled to its maximum grade.
    """
    known = [row for row in rows if row.submission.ids.get("moodle")]
    write_whole(folder / "grades.csv", "\ufeff" + written(list(COLUMNS), [_cells(row, most) for row in known]))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for row in known:
            member = zipfile.ZipInfo(f"{_folder(row)}/feedback.txt", LONG_AGO)
            member.external_attr = 0o100644 << 16
            archive.writestr(member, feedback(row), zipfile.ZIP_DEFLATED)
    write_whole(folder / "feedback.zip", content.getvalue())
    return [row.name for row in rows if row not in known]


def _cells(row: Row, most: float) -> dict[str, Any]:
    who = row.submission
    kept = {column: who.row.get(column, "") for column in COLUMNS}
    maximum = _number(kept["Maximum Grade"]) or most
    grade = round(row.points * maximum / most, 2) if row.result else None
    status = "Submitted for grading" if who.files else "No submission"
    told = {
        "Identifier": f"Participant {who.ids['moodle']}",
        "Full name": kept["Full name"] or row.name,
        "Email address": kept["Email address"] or who.email,
        "Status": kept["Status"] or status,
        "Grade": grade,
        "Maximum Grade": maximum,
        "Grade can be changed": kept["Grade can be changed"] or "Yes",
        "Last modified (submission)": kept["Last modified (submission)"] or "-",
        "Last modified (grade)": kept["Last modified (grade)"] or "-",
        "Feedback comments": f"<pre>{escape(feedback(row))}</pre>" if row.result or who.problem else "",
    }
    return told


def _number(text: str) -> float:
    try:
        return max(float(text.replace(",", ".")), 0.0)
    except ValueError:
        return 0.0


def _folder(row: Row) -> str:
    name = (
        row.submission.ids.get("moodle_folder") or f"{row.name}_{row.submission.ids['moodle']}_assignsubmission_file_"
    )
    return name.replace("/", "-").replace("\\", "-")
