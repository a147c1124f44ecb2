"""One row of a gradebook: a student, and what is known of the grade; the same row as CSV and as JSON."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from grading.classroom.collect import Submission
from grading.classroom.words import message, misconception
from grading.grade.result import Result
from grading.reports.sanitize import one_line
from grading.submission.katas import tasks

FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")  # the last four are as wide as a Chinese character
IDS = ("sid", "login", "canvas", "moodle", "gradescope", "github")
NOBODY = Submission("", "")


@dataclass(frozen=True)
class Row:
    """What the gradebook says of one student.

    Attributes:
        name: the student's.
        status: `graded`; `refused` (there is nothing to grade, and running again would not help); `failed` (on the
            grader's side: its process died or ran out of time, and the next run tries again); `waiting` (not yet run);
            `missing` (in the roster, nothing handed in); `aside` (a file that is nobody's submission).
        result: the grade, where there is one.
        message: the most important thing to know, one sentence.
        report: path of its page, relative to the gradebook; empty where there is none.
        thumbnail: a small PNG; empty where nothing was drawn.
        submission: who, when, and what was done to find the files.
        key: names the measurement that the points come from.
        before: points by the rubric before this one; None where there was none.
        late_by: seconds after the deadline and its grace; None where the time is not known.
    """

    name: str
    status: str
    result: Result | None = None
    message: str = ""
    report: str = ""
    thumbnail: bytes = b""
    submission: Submission = NOBODY
    key: str = ""
    before: float | None = None
    late_by: float | None = None

    @property
    def late_days(self) -> int | None:
        """Days begun after the deadline and its grace; None where nobody knows."""
        return None if self.late_by is None else math.ceil(self.late_by / 86400)

    @property
    def points(self) -> float:
        return self.result.points if self.result else 0.0

    @property
    def is_student(self) -> bool:
        return self.status != "aside"

    def columns(self) -> dict[str, Any]:
        """The row in the order of the columns; None where there is nothing to say."""
        result, who = self.result, self.submission
        by_task = {task.id: task.points for task in result.tasks} if result else {}
        samplers = {sampler.name: sampler for sampler in result.samplers} if result else {}
        row: dict[str, Any] = {"name": self.name, "section": who.section, "email": who.email}
        row |= {kind: who.ids.get(kind, "") for kind in IDS}
        row |= {"status": self.status, "total": self.points if self.is_student else None, "before": self.before}
        row |= {"submitted": who.submitted, "late": "late" if who.late or self.late_days else ""}
        row["late days"] = self.late_days
        for task in tasks():
            row[f"{task.id} {task.function}"] = by_task.get(
                task.id, 0.0 if self.is_student and not task.optional else None
            )
        for name in ("DDPM", "DDIM"):
            sampler = samplers.get(name)
            row[f"{name} Chamfer"] = None if not sampler or sampler.chamfer is None else round(sampler.chamfer, 3)
            row[f"{name} points"] = sampler.points if sampler else 0.0 if self.is_student else None
        proofs = [proof.points for proof in result.proofs if proof.max_points] if result else []
        row["own tests"] = round(sum(proofs), 2) if proofs else None
        row["misconception"] = misconception(result) if result else ""
        row["message"] = self.message
        row["notes"] = one_line("; ".join(who.notes), 1000)
        row["earlier"] = one_line(", ".join(who.earlier), 1000)
        row["seconds"] = round(result.seconds.get("whole", 0.0), 1) if result else None
        return row

    def regraded(self, result: Result) -> Row:
        """The same row with another result of the same measurement."""
        return replace(self, status="graded", result=result, message=message(result))


def late_by(submission: Submission, due: datetime | None, grace: float) -> float | None:
    """Seconds after a deadline and `grace` minutes; 0 in time, None where nobody knows when it came."""
    if due is None or not submission.submitted:
        return None
    over = datetime.fromisoformat(submission.submitted) - due - timedelta(minutes=grace)
    return max(0.0, over.total_seconds())


def to_csv(rows: list[Row]) -> str:
    """The gradebook for a spreadsheet: a byte order mark, so that Excel reads UTF-8, and no formula in any cell."""
    table = [row.columns() for row in rows]
    header = list(Row("", "").columns())
    return "\ufeff" + written(
        header, [{k: harmless(v) if isinstance(v, str) else v for k, v in row.items()} for row in table]
    )


def written(header: list[str], rows: list[dict[str, Any]]) -> str:
    """A CSV as RFC 4180 has it: text in quotes, numbers bare, nothing where there is nothing."""
    file = io.StringIO()
    writer = csv.DictWriter(file, header, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        shown = {k: f"{v:g}" if isinstance(v, float) and v == round(v, 6) else v for k, v in row.items()}
        writer.writerow({k: "" if v is None else v for k, v in shown.items()})
    return file.getvalue()


def harmless(text: str) -> str:
    """Text that no spreadsheet evaluates: one printable line, no formula at its beginning (OWASP, CSV injection)."""
    text = "".join(c if c.isprintable() else " " for c in text)
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text
