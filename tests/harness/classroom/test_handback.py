"""What is handed back is read again as each platform reads it: its own columns, its own ids, no guard in either."""

import csv
import io
import json
import re
import zipfile

import class_of_platforms as platforms
import jsonschema
import pytest
from class_of_twenty import put
from schemas import GRADESCOPE
from test_regrading import TERMS, Grader

from grading.classroom.collect.roster import read_roster
from grading.classroom.gradebook import Extras, gradebook
from grading.classroom.handback import check_platforms, hand_back
from grading.submission.errors import UsageError


def table(path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("handed")
    platforms.build(folder / "class")
    roster = folder / "class" / "roster.csv"
    rows = gradebook(folder / "class", folder / "out", TERMS, Grader(), extras=Extras(read_roster(roster), (roster,)))
    return folder / "out", rows


def test_canvas_imports_its_gradebook(graded):
    out, rows = graded
    handed = hand_back(rows, out, "canvas", "Kata (77)", 100.0)
    (points, *students) = table(out / "canvas" / "grades.csv")
    assert list(points) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Kata (77)"]
    assert points["Student"].strip() == "Points Possible"
    assert points["Kata (77)"] == "100"
    by_name = {row["Student"]: row for row in students}
    ada = {"Student": "Lovelace, Ada", "ID": "4101", "SIS User ID": "s4101", "SIS Login ID": "ada", "Section": "A"}
    assert by_name["Lovelace, Ada"] == ada | {"Kata (77)": "100"}
    assert by_name["Niklaus Wirth"]["Kata (77)"] == ""  # nothing that could be graded: Canvas keeps what it has
    assert len(students) == 14
    assert handed.left_out == []


def test_moodle_imports_its_worksheet_and_the_feedback_files(graded):
    out, rows = graded
    handed = hand_back(rows, out, "moodle", "", 100.0)
    sheet = table(out / "moodle" / "grades.csv")
    assert list(sheet[0]) == [
        *("Identifier", "Full name", "Email address", "Status", "Grade", "Maximum Grade", "Grade can be changed"),
        *("Last modified (submission)", "Last modified (grade)", "Feedback comments"),
    ]
    by_id = {row["Identifier"]: row for row in sheet}
    assert set(by_id) == {"Participant 5001", "Participant 5002", "Participant 5003"}
    assert by_id["Participant 5001"]["Grade"] == "100"
    assert by_id["Participant 5002"]["Grade"] == ""
    assert len(handed.left_out) == 11
    with zipfile.ZipFile(out / "moodle" / "feedback.zip") as archive:
        names = archive.namelist()
        assert archive.testzip() is None
        text = archive.read("Frances Allen_5003_assignsubmission_file_/feedback.txt").decode()
    assert all(re.fullmatch(r"[^/]+_\d+_assignsubmission_file_/feedback\.txt", name) for name in names)
    assert "100 of 100 points" in text
    assert "Q_sample.py was taken as q_sample.py" in text


def test_moodle_keeps_its_own_cells_and_scale(tmp_path):
    put(tmp_path / "class" / "Jane Doe_7_assignsubmission_file_", {"loss.py": ""})
    (tmp_path / "sheet.csv").write_text(
        "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,Last modified (submission),"
        'Last modified (grade),Feedback comments\nParticipant 7,"Doe, =Jane",j@x.example,Submitted for grading,,10.00,'
        'Yes,"Friday, 20 November 2026, 9:00 AM",-,\n',
        encoding="utf-8",
    )
    people = read_roster(tmp_path / "sheet.csv")
    rows = gradebook(tmp_path / "class", tmp_path / "out", TERMS, Grader(), extras=Extras(people))
    hand_back(rows, tmp_path / "out", "moodle", "", 100.0)
    (row,) = table(tmp_path / "out" / "moodle" / "grades.csv")
    assert (row["Grade"], row["Maximum Grade"]) == ("10", "10")
    assert row["Last modified (submission)"] == "Friday, 20 November 2026, 9:00 AM"
    assert row["Full name"] == "Doe, =Jane"  # as Moodle has it: a guard would be another name


def test_gradescope_gets_its_columns_and_a_result_for_each_submission(graded):
    out, rows = graded
    hand_back(rows, out, "gradescope", "", 100.0)
    by_sid = {row["SID"]: row for row in table(out / "gradescope" / "grades.csv")}
    grace = by_sid["0107"]
    assert (grace["First Name"], grace["Last Name"], grace["Email"]) == ("Grace", "Hopper", "grace@uni.example")
    assert (grace["Total Score"], grace["Max Points"], grace["Status"]) == ("100", "100", "Graded")
    assert (grace["Submission ID"], grace["Submission Time"]) == ("901", "2026-11-21 08:30:00 +0000")
    assert re.fullmatch(r"\d+:\d\d:\d\d", grace["Lateness (H:M:S)"])
    for number in ("901", "902"):
        found = json.loads((out / "gradescope" / f"submission_{number}" / "results.json").read_text())
        jsonschema.validate(found, GRADESCOPE)
        assert found["score"] == 100


@pytest.mark.parametrize("sid", ["=1+1", "-0107", "+49", "007", "@x"])
def test_ids_and_numbers_cross_without_a_guard(sid, tmp_path):
    put(tmp_path / "class" / "ada", {"loss.py": ""})
    (tmp_path / "r.csv").write_text(f"Student,ID,SIS User ID\nada,-12,{sid}\n", encoding="utf-8")
    rows = gradebook(
        tmp_path / "class", tmp_path / "out", TERMS, Grader(), extras=Extras(read_roster(tmp_path / "r.csv"))
    )
    for platform, column in (("canvas", "SIS User ID"), ("gradescope", "SID")):
        hand_back(rows, tmp_path / "out", platform, "K (1)", 100.0)
        assert table(tmp_path / "out" / platform / "grades.csv")[-1][column] == sid
    (row,) = table(tmp_path / "out" / "gradebook.csv")  # for a spreadsheet it is guarded
    assert row["sid"] == (f"'{sid}" if sid[0] in "=+-@" else sid)


def test_an_unknown_platform_is_a_sentence():
    with pytest.raises(UsageError, match="the platforms are canvas, moodle, gradescope"):
        check_platforms(["canvas", "blackboard"])
