"""One row of a gradebook, made from a result; the same row as CSV and as JSON."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

from grading.grade.result import Result
from grading.reports.sanitize import one_line
from grading.submission.katas import tasks

MOST_MESSAGE = 300
FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")  # the last four are as wide as a Chinese character


@dataclass(frozen=True)
class Row:
    """What the gradebook says of one submission.

    Attributes:
        name: the submission's.
        status: `graded`; `refused` (there is nothing to grade, and running again would not help); `failed` (on the
            grader's side: its process died or ran out of time, and the next run tries again); `waiting` (not yet run).
        result: the grade, where there is one.
        message: the most important thing to know, one sentence.
        report: path of its page, relative to the gradebook; empty where there is none.
        thumbnail: a small PNG; empty where nothing was drawn.
    """

    name: str
    status: str
    result: Result | None = None
    message: str = ""
    report: str = ""
    thumbnail: bytes = b""

    @property
    def points(self) -> float:
        return self.result.points if self.result else 0.0

    def columns(self) -> dict[str, Any]:
        """The row in the order of the columns; None where there is nothing to say."""
        result = self.result
        by_task = {task.id: task.points for task in result.tasks} if result else {}
        samplers = {sampler.name: sampler for sampler in result.samplers} if result else {}
        row: dict[str, Any] = {"name": self.name, "status": self.status, "total": self.points}
        for task in tasks():
            row[f"{task.id} {task.function}"] = by_task.get(task.id, 0.0)
        for name in ("DDPM", "DDIM"):
            sampler = samplers.get(name)
            row[f"{name} Chamfer"] = None if not sampler or sampler.chamfer is None else round(sampler.chamfer, 3)
            row[f"{name} points"] = sampler.points if sampler else 0.0
        row["misconception"] = misconception(result) if result else ""
        row["message"] = self.message
        row["seconds"] = round(result.seconds.get("whole", 0.0), 1) if result else None
        return row


def graded_row(name: str, result: Result, report: str, thumbnail: bytes) -> Row:
    """The row of a grade that arrived."""
    return Row(name, "graded", result, message(result), report, thumbnail)


def misconception(result: Result) -> str:
    """The first wrong formula that was recognised, by its task and in words."""
    from grading.judging.misconceptions import catalogue

    for task in result.tasks:
        for case in task.cases:
            if case.misconception:
                says = {entry.id: entry.says for entry in catalogue(task.function)}
                return one_line(f"{task.id} {says.get(case.misconception, case.misconception)}")
    return ""


def message(result: Result) -> str:
    """The first thing that went wrong: a task's failure, then training, then samples."""
    failures = [task.first_failure for task in result.tasks]
    if all(task.status == "todo" for task in result.tasks):
        return "nothing is written yet"
    said = [failure.message.partition("\n")[0] for failure in failures if failure]
    said += [result.training_message] + [f"{s.name}: {s.message}" for s in result.samplers if s.message]
    return one_line(next((text for text in said if text), ""))[:MOST_MESSAGE]


def to_csv(rows: list[Row]) -> str:
    """The gradebook for a spreadsheet; an apostrophe stands before text that would be taken for a formula."""
    file = io.StringIO()
    table = [row.columns() for row in rows]
    writer = csv.DictWriter(file, list(Row("", "").columns()), quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writeheader()
    for row in table:
        writer.writerow({key: harmless(value) if isinstance(value, str) else value for key, value in row.items()})
    return file.getvalue()


def harmless(text: str) -> str:
    """Text that no spreadsheet evaluates: one printable line, no formula at its beginning (OWASP, CSV injection)."""
    text = "".join(c if c.isprintable() else " " for c in text)
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text
