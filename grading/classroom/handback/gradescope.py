"""Gradescope: an assignment's grades in its own columns, and a results.json for each submission by its id."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from grading.classroom.gradebook.rows import Row, written
from grading.machine.files import write_whole
from grading.reports.gradescope import gradescope as results_json

COLUMNS = (
    *("First Name", "Last Name", "SID", "Email", "Sections", "Total Score", "Max Points", "Status"),
    *("Submission ID", "Submission Time", "Lateness (H:M:S)", "View Count", "Submission Count"),
)


def gradescope(rows: list[Row], folder: Path, assignment: str, most: float) -> list[str]:
    """Write grades.csv and submission_ID/results.json; return who has neither a SID nor an email."""
    known = [row for row in rows if row.submission.ids.get("sid") or row.submission.email]
    write_whole(folder / "grades.csv", written(list(COLUMNS), [_cells(row, most) for row in known]))
    for row in rows:
        number = row.submission.ids.get("gradescope", "")
        if row.result and number.isdigit():
            write_whole(folder / f"submission_{number}" / "results.json", results_json(row.result))
    return [row.name for row in rows if row not in known]


def _cells(row: Row, most: float) -> dict[str, Any]:
    who = row.submission
    last, comma, first = row.name.partition(", ")
    if not comma:
        first, _, last = row.name.rpartition(" ")
    status = "Graded" if row.result else "Missing" if row.status == "missing" else "Ungraded"
    cells: dict[str, Any] = {"First Name": first.strip(), "Last Name": last.strip(), "SID": who.ids.get("sid", "")}
    cells |= {"Email": who.email, "Sections": who.section, "Total Score": row.points if row.result else None}
    cells |= {"Max Points": most, "Status": status, "Submission ID": who.ids.get("gradescope", "")}
    cells |= {"Submission Time": _moment(who.submitted), "Lateness (H:M:S)": _lateness(row.late_by or 0.0)}
    return cells | {"View Count": 0, "Submission Count": len(who.earlier) + bool(who.files)}


def _moment(iso: str) -> str:
    """2026-11-21 08:30:00 +0000"""
    return datetime.fromisoformat(iso).strftime("%Y-%m-%d %H:%M:%S %z") if iso else ""


def _lateness(seconds: float) -> str:
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours:02d}:{rest // 60:02d}:{rest % 60:02d}"
