"""The gradebook of a class: measurements are kept one by one, by content; points and tables are made from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from grading.classroom.collect import Submission, collect
from grading.classroom.collect.roster import Roster
from grading.classroom.gradebook.answer import Lost, receive
from grading.classroom.gradebook.job import Terms
from grading.classroom.gradebook.pool import Run, run_here
from grading.classroom.gradebook.rows import Row, late_by
from grading.classroom.gradebook.shelf import Shelf
from grading.machine.files import sweep
from grading.submission.errors import UsageError

Told = Callable[[Row, int, int], None]  # (row, how many are done, how many there are)
Say = Callable[[str], None]


@dataclass(frozen=True)
class Extras:
    """What a class may have beside its folder.

    Attributes:
        roster: who is in it.
        own: files of the instructor's that may lie in the folder.
        only: students to measure again, by name, id or email; all others stay as they are.
        due, grace: the deadline, and minutes after it that count as in time.
        say: told what is going on beside the rows.
    """

    roster: Roster | None = None
    own: tuple[Path, ...] = ()
    only: tuple[str, ...] = ()
    due: datetime | None = None
    grace: float = 0.0
    say: Say = field(default=lambda _: None)


def gradebook(
    folder: Path, out: Path, terms: Terms, run: Run = run_here, told: Told | None = None, extras: Extras | None = None
) -> list[Row]:
    """Grade a class; write gradebook.csv, gradebook.json, class.html and, for each student, a report and a feedback.

    A measurement is kept under a key made of the files, the settings and the measuring code. Where one with that key
    lies there already, nothing is run: another rubric is a matter of seconds, and identical files are measured once.
    What came of a submission's own tests, where the rubric asks for them, is kept likewise, apart from the rest.

    Args:
        folder: what the students handed in.
        out: where the gradebook goes.
        terms: setting, rubric, sandbox, deadline.
        run: where to measure: run_here, or run_on_cluster with an address.
        told: called for each row that is done.

    Returns:
        the rows: students by name, then what was left aside.

    Raises:
        UsageError (a ValueError): the folder, the cluster or `out` makes no sense. A submission never raises.
    """
    extras = extras or Extras()
    sweep()
    with Shelf(out, folder, terms, extras.due, extras.grace) as shelf:
        return _grade(collect(folder, out, extras.roster, *extras.own), shelf, terms, run, told, extras)


def _grade(
    submissions: list[Submission], shelf: Shelf, terms: Terms, run: Run, told: Told | None, extras: Extras
) -> list[Row]:
    again = _named(submissions, extras.only)
    rows = [_first_row(s, shelf, terms, extras, again) for s in submissions]
    by_key: dict[tuple[str, str], list[int]] = {}
    for number, row in enumerate(rows):
        if row.status == "waiting" and (not extras.only or row.submission.slug in again):
            by_key.setdefault((row.key, terms.tests_key(row.submission)), []).append(number)
    done = len(rows) - sum(map(len, by_key.values()))
    for number, row in enumerate((row for row in rows if row.status != "waiting"), start=1):
        if told:
            told(row, number, len(rows))
    shelf.write(rows)
    if by_key:
        asked = {rows[numbers[0]].submission.slug: numbers for numbers in by_key.values()}
        terms = replace(terms, measured=frozenset() if again else _measured(by_key, shelf))
        left = {key for key, _ in by_key} - terms.measured
        terms = replace(terms, shared=shelf.shared_training(len(left), extras.say))
        first = [rows[numbers[0]].submission for numbers in by_key.values()]
        try:
            with closing(run(first, terms)) as answers:  # closed at once, also where `told` is interrupted
                for submission, text in answers:
                    for number in asked[submission.slug]:
                        rows[number] = _arrived(rows[number], text, shelf, terms)
                        done += 1
                        if told:
                            told(rows[number], done, len(rows))
                    shelf.write_now_and_then(rows)
        finally:
            shelf.write(rows)
    return rows


def _measured(keys: Iterable[tuple[str, str]], shelf: Shelf) -> frozenset[str]:
    """Of what is waiting, that for which nothing but the submission's own tests has to be run."""
    return frozenset(key for key, tests in keys if tests and shelf.measured(key))


def _named(submissions: list[Submission], only: tuple[str, ...]) -> set[str]:
    """The slugs of the students who are asked for."""
    found = set()
    for wanted in only:
        mine = [s for s in submissions if wanted.casefold() in _names(s)]
        if not mine:
            raise UsageError(f"--only {wanted}: nobody is called that; give a name, an id or an email of the gradebook")
        found |= {s.slug for s in mine}
    return found


def _names(submission: Submission) -> set[str]:
    return {name.casefold() for name in (submission.name, submission.slug, submission.email, *submission.ids.values())}


def _first_row(submission: Submission, shelf: Shelf, terms: Terms, extras: Extras, again: set[str]) -> Row:
    """The row of a submission before anything is run: refused, measured earlier, or waiting."""
    late = late_by(submission, extras.due, extras.grace)
    row = Row(submission.name, "waiting", submission=submission, late_by=late, before=shelf.before(submission))
    if submission.problem:
        status = submission.state if submission.state != "here" else "refused"
        return replace(row, status=status, message=submission.problem)
    row = replace(row, key=terms.key(submission))
    known = None if submission.slug in again else shelf.measured(row.key)
    proofs = shelf.proved(submission) if known else None
    return row if known is None or proofs is None else shelf.publish(row, known, proofs)


def _arrived(row: Row, text: str, shelf: Shelf, terms: Terms) -> Row:
    """Keep a measurement that has come in; where none has, the row says why, and nothing is kept."""
    try:
        answer, proved = receive(text, terms)
        if answer:
            shelf.keep(row.key, answer)
        if proved:
            shelf.keep_proved(terms.tests_key(row.submission), proved)
        answer = answer or shelf.measured(row.key)
        proofs = proved.proofs if proved else shelf.proved(row.submission)
        if answer is None or proofs is None:
            raise Lost("a part of the measurement did not arrive")
        return shelf.publish(row, answer, proofs)
    except Lost as why:
        return replace(row, status="failed", message=str(why))
    except OSError as error:
        return replace(row, status="failed", message=f"the grade cannot be written: {error.strerror or error}")
