"""A graded class is graded again only where something that was measured has changed."""

import csv
import dataclasses
import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import class_of_platforms as platforms
import class_of_twenty as twenty
import jsonschema
import pytest
from class_of_twenty import FILES, STUBS, put, terms
from made_results import made
from schemas import GRADEBOOK, RESULT

from grading.classroom.collect import Submission
from grading.classroom.collect.roster import read_roster
from grading.classroom.gradebook import Extras, gradebook
from grading.classroom.gradebook.answer import Answer
from grading.classroom.gradebook.job import MEASURING
from grading.classroom.gradebook.rows import late_by
from grading.grade.rubric import load_rubric
from grading.submission.errors import UsageError
from grading.submission.implementation import ROOT

BY_HAND = {"right": made(passing=True), "wrong": made("4.1 ddpm_step: wrong value\n  hint       kata hint 4.1")}


class Grader:
    """Answers at once with results made by hand, and remembers whom it was asked about."""

    def __init__(self, **results) -> None:
        self.results, self.asked = results, []

    def __call__(self, submissions, terms):
        for submission in submissions:
            self.asked.append(submission.name)
            result = self.results.get(submission.name, BY_HAND["right"])
            result.settings.clear()
            result.settings.update(terms.setting)
            yield submission, Answer(result, {"clouds": {}, "loss": "", "player": ""}, b"png").to_json()


def a_class(folder: Path) -> Path:
    put(folder / "ada", FILES)
    put(folder / "bo", STUBS)
    put(folder / "cy", FILES)  # the same as ada's
    put(folder / "di", {"loss.py": "raise SystemExit"})
    return folder


def own(terms, **changes):
    return dataclasses.replace(terms, train="each", **changes)


TERMS = own(terms(rubric=load_rubric()))


def test_identical_files_are_measured_once_and_have_a_row_each(tmp_path):
    grader = Grader(bo=BY_HAND["wrong"])
    rows = gradebook(a_class(tmp_path / "class"), tmp_path / "out", TERMS, grader)
    assert grader.asked == ["ada", "bo", "di"]
    assert [(row.name, row.status, row.points) for row in rows] == [
        ("ada", "graded", 100),
        ("bo", "graded", 20),
        ("cy", "graded", 100),
        ("di", "graded", 100),
    ]
    for row in rows:
        place = (tmp_path / "out" / row.report).parent
        assert f'"impl": "{row.name}"' in (place / "result.json").read_text()
        jsonschema.validate(json.loads((place / "result.json").read_text()), RESULT)
        assert (place / "feedback.txt").read_text()


def test_a_new_rubric_runs_nothing_and_shows_both_points(tmp_path):
    a_class(tmp_path / "class")
    gradebook(tmp_path / "class", tmp_path / "out", TERMS, Grader(bo=BY_HAND["wrong"]))
    (tmp_path / "r.toml").write_text('[tasks]\n"1.1" = 50\n')
    new = dataclasses.replace(TERMS, rubric=load_rubric(tmp_path / "r.toml"))
    nobody = Grader()
    rows = gradebook(tmp_path / "class", tmp_path / "out", new, nobody)
    assert nobody.asked == []
    assert [(row.points, row.before) for row in rows] == [(146, 100), (20, 20), (146, 100), (146, 100)]
    again = gradebook(tmp_path / "class", tmp_path / "out", new, nobody)
    assert [row.before for row in again] == [100, 20, 100, 100]  # still what the other rubric gave
    assert "before" in (tmp_path / "out" / "class.html").read_text()
    kept = json.loads((tmp_path / "out" / "gradebook.json").read_text())
    jsonschema.validate(kept, GRADEBOOK)
    assert kept["rubric"]["tasks"] == {"1.1": 50}
    assert len(kept["rows"][0]["sha256"]["loss.py"]) == 64


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        (lambda folder: (folder / "ada").rename(folder / "zoe"), []),
        (lambda folder: (folder / "bo" / "notes.txt").write_text("hello"), []),
        (lambda folder: os.utime(folder / "bo" / "loss.py", (0, 0)), []),
        (lambda folder: (folder / "bo" / "loss.py").write_text("# mine"), ["bo"]),
    ],
)
def test_only_changed_content_is_measured_again(change, asked, tmp_path):
    a_class(tmp_path / "class")
    gradebook(tmp_path / "class", tmp_path / "out", TERMS, Grader())
    change(tmp_path / "class")
    grader = Grader()
    rows = gradebook(tmp_path / "class", tmp_path / "out", TERMS, grader)
    assert grader.asked == asked
    assert {row.status for row in rows} == {"graded"}


def test_the_key_holds_what_a_measurement_depends_on_and_nothing_else():
    mine = Submission("ada", "ada", {"loss.py": b"x"})
    key = TERMS.key(mine)
    other = Submission("bo", "b", {"loss.py": b"x"}, notes=("y",), email="z")
    assert TERMS.key(other) == key
    for same in ({"deadline": 7.0}, {"sandbox": "none"}, {"rubric": twenty.ANY}, {"shared": "/x"}):
        assert dataclasses.replace(TERMS, **same).key(mine) == key
    for changed_terms in ({"setting": TERMS.setting | {"seed": 9}}, {"train": "once"}, {"recipe": {}}):
        assert dataclasses.replace(TERMS, **changed_terms).key(mine) != key
    assert TERMS.key(Submission("ada", "ada", {"q_sample.py": b"x"})) != key
    hashed = {path.relative_to(ROOT).as_posix() for pattern in MEASURING for path in ROOT.glob(pattern)}
    assert {"grading/judging/checker.py", "grading/experiment/networks/training.py", "tests/test_3_loss.py"} <= hashed
    assert not [name for name in hashed if "/cli/" in name or "/reports/" in name or "rubric" in name or "css" in name]


def test_a_measurement_serves_where_its_sandbox_and_deadline_do():
    result = dataclasses.replace(BY_HAND["right"], isolation="portable")
    assert TERMS.serves(result)
    assert not own(TERMS, sandbox="namespaces").serves(result)
    assert not TERMS.serves(dataclasses.replace(result, isolation="none"))
    assert own(TERMS, sandbox="none").serves(dataclasses.replace(result, isolation="none"))
    cut = dataclasses.replace(result, cut_short=True, settings={"deadline": 30.0})
    assert own(TERMS, deadline=30.0).serves(cut)
    assert not own(TERMS, deadline=60.0).serves(cut)


def test_one_student_again(tmp_path):
    a_class(tmp_path / "class")
    gradebook(tmp_path / "class", tmp_path / "out", TERMS, Grader())
    grader = Grader(bo=BY_HAND["wrong"])
    rows = gradebook(tmp_path / "class", tmp_path / "out", TERMS, grader, extras=Extras(only=("BO",)))
    assert grader.asked == ["bo"]
    assert [row.points for row in rows] == [100, 20, 100, 100]
    with pytest.raises(UsageError, match="nobody is called that"):
        gradebook(tmp_path / "class", tmp_path / "out", TERMS, grader, extras=Extras(only=("zoe",)))


def test_late_days_are_a_column_and_take_no_points(tmp_path):
    due = datetime(2026, 11, 20, 8, 30, tzinfo=timezone.utc)
    platforms.build(tmp_path / "class")
    rows = gradebook(tmp_path / "class", tmp_path / "out", TERMS, Grader(), extras=Extras(due=due, grace=30))
    days = {row.name: row.late_days for row in rows if row.late_days is not None}
    assert days == {"Grace Hopper": 1, "Heidi Lamarr": 0, "Ivan Sutherland": 0}  # a day less the grace is a day begun
    table = {
        row["name"]: row
        for row in csv.DictReader((tmp_path / "out" / "gradebook.csv").read_text("utf-8-sig").splitlines())
    }
    assert (table["Grace Hopper"]["late days"], table["Grace Hopper"]["total"]) == ("1", "100")
    assert (table["lovelaceada"]["late"], table["lovelaceada"]["late days"]) == ("late", "")
    in_time = Submission("x", "x", submitted=(due + timedelta(minutes=29)).isoformat())
    assert late_by(in_time, due, 30) == 0


def test_the_spreadsheet_opens_in_excel(tmp_path):
    platforms.build(tmp_path / "class")
    roster = tmp_path / "class" / "roster.csv"
    gradebook(tmp_path / "class", tmp_path / "out", TERMS, Grader(), extras=Extras(read_roster(roster), (roster,)))
    content = (tmp_path / "out" / "gradebook.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(content.decode("utf-8-sig").splitlines()))
    assert len(rows) == 15
    assert "Émilie du Châtelet" in [row["name"] for row in rows]
    assert all(not value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values())
