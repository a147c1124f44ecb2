"""The gradebook of a class: what has been graded is kept one by one; the tables are made from that."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from grading.classroom.gradebook.collect import Submission, collect
from grading.classroom.gradebook.job import Answer, Lost, Terms, kata_version, receive
from grading.classroom.gradebook.page import to_html
from grading.classroom.gradebook.pool import Run, run_here
from grading.classroom.gradebook.rows import Row, graded_row, to_csv
from grading.files import write_whole
from grading.grade.result import Result
from grading.submission.errors import UsageError

Told = Callable[[Row, int, int], None]  # (row, how many are done, how many there are)


def gradebook(
    folder: Path, out: Path, terms: Terms, run: Run = run_here, told: Told | None = None
) -> tuple[list[Row], list[str]]:
    """Grade every folder and zip in a folder; write gradebook.csv, gradebook.json and gradebook.html.

    Each grade is written to `out` when it arrives, with a key made of the files, the terms and the kata's version.
    Where a grade with the same key lies there already, the submission is not run again.

    Args:
        folder: a folder or a zip for each student.
        out: where the gradebook goes, with a folder for each submission.
        terms: setting, rubric, sandbox, deadline.
        run: where to grade: run_here, or run_on_cluster with an address.
        told: called for each row that is done.

    Returns:
        the rows, sorted by name, and the names of the files in `folder` that are no submissions.

    Raises:
        UsageError (a ValueError): the folder or the cluster makes no sense. A submission never raises.
    """
    submissions, others = collect(folder, out)
    rows = {s.slug: _known(s, out, terms) for s in submissions}
    waiting = [s for s in submissions if rows[s.slug].status == "waiting"]
    done = [row for row in rows.values() if row.status != "waiting"]
    for number, row in enumerate(done, start=1):
        if told:
            told(row, number, len(rows))
    try:
        _write(list(rows.values()), out, terms)
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written there ({error.strerror})") from None
    if waiting:
        with closing(run(waiting, terms)) as answers:  # closed at once, also where `told` is interrupted
            for number, (submission, text) in enumerate(answers, start=len(done) + 1):
                rows[submission.slug] = _arrived(submission, text, out, terms)
                _write(list(rows.values()), out, terms)
                if told:
                    told(rows[submission.slug], number, len(rows))
    return list(rows.values()), others


def _known(submission: Submission, out: Path, terms: Terms) -> Row:
    """The row of a submission before anything is run: refused, graded earlier, or waiting."""
    if submission.problem:
        return Row(submission.name, "refused", message=submission.problem)
    place = out / submission.slug
    try:
        kept = json.loads((place / "graded.json").read_text(encoding="utf-8"))
        if kept["key"] == terms.key(submission):
            result = Result.from_json((place / "result.json").read_text(encoding="utf-8"))
            picture = place / "thumbnail.png"
            return _row(submission, result, kept["page"], picture.read_bytes() if picture.exists() else b"")
    except (OSError, ValueError, KeyError, TypeError):
        pass  # nothing there, or nothing that can be used: it is graded again
    return Row(submission.name, "waiting")


def _arrived(submission: Submission, text: str, out: Path, terms: Terms) -> Row:
    """Keep a grade that has come in; where none has, the row says why, and nothing is kept."""
    try:
        answer = receive(text, terms)
        _keep(answer, out / submission.slug, terms.key(submission))
    except Lost as why:
        return Row(submission.name, "failed", message=str(why))
    except OSError as error:
        return Row(submission.name, "failed", message=f"the grade cannot be written: {error.strerror or error}")
    return _row(submission, answer.result, answer.page, answer.thumbnail)


def _keep(answer: Answer, place: Path, key: str) -> None:
    """Write a grade; the key comes last, so that a part of a grade is never taken for one."""
    shutil.rmtree(place, ignore_errors=True)
    for name, content in answer.files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    write_whole(place / "result.json", answer.result.to_json())
    if answer.thumbnail:
        (place / "thumbnail.png").write_bytes(answer.thumbnail)
    write_whole(place / "graded.json", json.dumps({"key": key, "page": answer.page}))


def _row(submission: Submission, result: Result, page: str, thumbnail: bytes) -> Row:
    return graded_row(submission.name, result, f"{submission.slug}/{page or 'result.json'}", thumbnail)


def _write(rows: list[Row], out: Path, terms: Terms) -> None:
    write_whole(out / "gradebook.csv", to_csv(rows))
    about = {"version": kata_version(), "setting": terms.setting, "max_points": terms.rubric.total}
    listed = [row.columns() | {"report": row.report} for row in rows]
    write_whole(out / "gradebook.json", json.dumps(about | {"rows": listed}, indent=1, allow_nan=False))
    write_whole(out / "gradebook.html", to_html(rows, terms))
