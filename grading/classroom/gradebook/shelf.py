"""The folder of a gradebook: what has been measured, what each student gets, and the tables. One run at a time.

gradebook.csv, gradebook.json, class.html   the class
students/NAME/                              report.html, result.json, feedback.txt, thumbnail.png
measured/KEY.json                           a measurement, whatever it is worth
proved/KEY.json                             a verdict on a submission's own tests, likewise
training/KEY.pt                             the training that all share whose loss is right
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any

from grading.classroom.collect import Submission
from grading.classroom.feedback import feedback
from grading.classroom.gradebook.answer import Answer, Proved, read_answer, read_proved
from grading.classroom.gradebook.job import Terms
from grading.classroom.gradebook.launch import Worker
from grading.classroom.gradebook.pool import cores
from grading.classroom.gradebook.record import record
from grading.classroom.gradebook.rows import Row, to_csv
from grading.classroom.overview import class_page
from grading.grade.proofs import nothing_proved
from grading.grade.result import ProofResult
from grading.grade.worth import worth
from grading.machine.files import write_whole
from grading.submission.errors import UsageError

EVERY = 5.0  # seconds between two times that the tables are written while grades arrive
ENOUGH = 3  # submissions that are worth a training for all of them
DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)  # what a file that is none raises


class Shelf:
    """Use as a context manager: it holds the folder's lock, and a full disk ends as a sentence."""

    def __init__(self, out: Path, folder: Path, terms: Terms, due: datetime | None = None, grace: float = 0.0) -> None:
        self.out, self.folder, self.terms, self.due, self.grace = out, folder, terms, due, grace
        self.last: dict[str, Any] = {}
        self.written = 0.0

    def __enter__(self) -> Shelf:
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(self.out)
            for part in self.out.rglob(".*.part"):
                part.unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(f"--out {self.out}: cannot be written there ({error.strerror})") from None
        try:
            self.last = json.loads((self.out / "gradebook.json").read_text(encoding="utf-8"))
            if not isinstance(self.last.get("rows"), list):
                self.last = {}
        except (OSError, ValueError, AttributeError):
            self.last = {}
        source = self.last.get("source")
        if source and os.path.realpath(source) != os.path.realpath(self.folder):
            self._lock.close()
            raise UsageError(
                f"--out {self.out}: holds the gradebook of {source}; give another folder, or delete its gradebook.json"
            )
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._lock.close()
        if isinstance(error, OSError):
            raise UsageError(
                f"--out {self.out}: cannot be written there ({error.strerror or error}); what was graded is kept, "
                "run again when there is room"
            ) from None

    def measured(self, key: str) -> Answer | None:
        """A measurement that was kept, if it serves these terms; None for nothing, or nothing that can be used."""
        try:
            answer = read_answer(_read(self.out / "measured" / f"{key}.json"), self.terms)
        except DAMAGED:
            return None
        return answer if self.terms.serves(answer.result) else None

    def proved(self, submission: Submission) -> list[ProofResult] | None:
        """What is known of a submission's own tests, where the rubric asks for them; None for what is yet to be run."""
        if not self.terms.rubric.prove:
            return []
        key = self.terms.tests_key(submission)
        if not key:
            return nothing_proved()
        try:
            proved = read_proved(_read(self.out / "proved" / f"{key}.json"))
        except DAMAGED:
            return None
        return proved.proofs if self.terms.serves_tests(proved) else None

    def keep(self, key: str, answer: Answer) -> None:
        """Write a measurement, whole or not at all."""
        result = replace(answer.result, impl="")
        write_whole(self.out / "measured" / f"{key}.json", replace(answer, result=result).to_json())

    def keep_proved(self, key: str, proved: Proved) -> None:
        """The same for a verdict on a submission's own tests."""
        write_whole(self.out / "proved" / f"{key}.json", proved.to_json())

    def publish(self, row: Row, answer: Answer, proofs: list[ProofResult]) -> Row:
        """Write what a student gets; return the row with it."""
        from grading.reports.page import page

        result = worth(replace(answer.result, impl=row.name, proofs=proofs), self.terms.rubric)
        place = self.out / "students" / row.submission.slug
        row = replace(row.regraded(result), thumbnail=answer.thumbnail)
        if answer.thumbnail:
            write_whole(place / "thumbnail.png", answer.thumbnail)
        write_whole(place / "result.json", result.to_json())
        write_whole(place / "feedback.txt", feedback(row))
        try:
            text = page(result, answer.pieces["clouds"], answer.pieces["loss"], answer.pieces["player"])
        except Exception:  # a grade outlives a page that cannot be made
            return replace(row, report=f"students/{row.submission.slug}/result.json")
        write_whole(place / "report.html", text)
        return replace(row, report=f"students/{row.submission.slug}/report.html")

    def before(self, submission: Submission) -> float | None:
        """The points of a student by the rubric before this one."""
        rows = {row.get("slug"): row for row in self.last.get("rows", []) if isinstance(row, dict)}
        row = rows.get(submission.slug, {})
        same = self.last.get("rubric") == json.loads(json.dumps(asdict(self.terms.rubric)))
        points = row.get("before") if same else row.get("total") if row.get("status") == "graded" else row.get("before")
        return float(points) if isinstance(points, (int, float)) else None

    def shared_training(self, waiting: int, say: Callable[[str], None]) -> str:
        """Where the training for all lies, made if there are enough for it; nothing where each is trained by itself."""
        path = self.out.resolve() / "training" / f"{self.terms.training_key}.pt"
        if self.terms.train != "once" or not (path.exists() or waiting >= ENOUGH):
            return ""
        if not path.exists():
            say("training once, for all whose loss is right")
            path.parent.mkdir(exist_ok=True)
            worker = Worker(cores())
            try:
                answer = json.loads(worker.run(self.terms.training_job(str(path))))
            finally:
                worker.close()
            if "lost" in answer:
                say(f"each is trained by itself: {answer['lost']}")
                return ""
        return str(path)

    def write_now_and_then(self, rows: list[Row]) -> None:
        """Write the tables, unless that was done a moment ago."""
        if time.monotonic() - self.written > EVERY:
            self.write(rows)

    def write(self, rows: list[Row]) -> None:
        """Write the tables."""
        about = {
            "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "source": str(self.folder.resolve()),
            "due": self.due.isoformat() if self.due else None,
            "grace_minutes": self.grace,
        }
        kept = record(rows, self.terms, about)
        write_whole(self.out / "gradebook.csv", to_csv(rows))
        write_whole(self.out / "gradebook.json", json.dumps(kept, indent=1, allow_nan=False))
        write_whole(self.out / "class.html", class_page(rows, kept))
        self.written = time.monotonic()


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _locked(out: Path) -> Any:
    """An open file that no other run can lock while it is open; the lock ends with the process, however that ends."""
    file = open(out / ".lock", "w", encoding="utf-8")  # noqa: SIM115
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        pass  # no such locks on this system
    except BlockingIOError:
        file.close()
        raise UsageError(f"--out {out}: another run is writing there; wait for it, or give another folder") from None
    return file
