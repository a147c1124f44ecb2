"""What a student is told: what passed, what failed and why, and where to look. Plain text, for any platform."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from grading.reports.parts import distance, parts
from grading.reports.sanitize import one_line, plain

if TYPE_CHECKING:
    from grading.classroom.gradebook.rows import Row

WIDTH = 80
MARKS = {"done": "passed", "wrong": "failed", "todo": "to do", "locked": "not run"}
MOST_BYTES = 60_000


def feedback(row: Row) -> str:
    """The feedback of one row, whatever its status."""
    result = row.result
    if result is None:
        return _wrapped(f"Not graded: {row.message}") + _remarks(row)
    found = parts(result)
    lines = [f"Diffusion Kata: {result.points:g} of {result.max_points:g} points", ""]
    for part in found:
        lines.append(
            f"  {MARKS[part.status]:<7}  {part.id} {one_line(part.name):<24} {part.points:g} of {part.max_points:g}"
        )
    told = [part for part in found if part.module and part.status in ("wrong", "todo")]
    if told:
        lines += ["", "What failed, and why", ""]
    for part in told:
        if part.status == "todo":
            lines += [f"{part.id} {part.name}: not written yet ({part.module}.py)", ""]
        else:
            lines += [plain(part.message, 1500), ""]
    lines += ["", "Samples", ""] + [
        _sampled(sampler.name, distance(sampler, result.floor), sampler.message) for sampler in result.samplers
    ]
    if result.training_message:
        lines += ["", _wrapped(f"Training: {plain(result.training_message, 500)}")]
    following = next((part for part in told), None)
    if following:
        lines += ["", "Where to look first", "", f"  {following.module}.py, function {following.name}",
                  f"  kata hint {following.id}        pytest --task {following.id}"]  # fmt: skip
    return ("\n".join(lines) + "\n" + _remarks(row)).encode()[:MOST_BYTES].decode(errors="ignore")


def _sampled(name: str, measured: str, message: str) -> str:
    return _wrapped(f"{name}: {'; '.join(filter(None, (measured, plain(message, 500)))) or 'nothing was drawn'}")


def _remarks(row: Row) -> str:
    late = f"late by {row.late_days} day{'s' if row.late_days != 1 else ''}" if row.late_days else ""
    late = late or ("marked as late by the platform" if row.submission.late else "")
    tasks = row.result.tasks if row.result else []
    told = [f"{task.id} {task.function}: {remark}" for task in tasks for remark in task.remarks]
    told += [*row.submission.notes, late]
    told = [_wrapped(f"- {one_line(note, 500)}") for note in told if note]
    return "\n".join(["", "", "Remarks", "", *told, ""]) if told else "\n"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
