"""Whatever shape a class comes in: a row for each student, the right five files, a word for what is left aside."""

import class_of_platforms as platforms
import pytest
from class_of_twenty import FILES, STUBS, put, zipped

from grading.classroom.collect import NotASubmission, collect, files_in
from grading.classroom.collect.choose import take_from
from grading.classroom.collect.names import repaired
from grading.classroom.collect.roster import moment, read_roster
from grading.submission.errors import UsageError

BYTES = {name: source.encode() for name, source in FILES.items()}


@pytest.fixture
def mixed(tmp_path):
    platforms.build(tmp_path / "class")
    return tmp_path / "class"


def test_a_mixed_class_is_one_row_a_student(mixed):
    roster = mixed / "roster.csv"
    found = collect(mixed, None, read_roster(roster), roster)
    rows = {row.name: row for row in found if row.state == "here"}
    assert set(rows) == set(platforms.EXPECTED)
    for name, (files, says) in platforms.EXPECTED.items():
        row = rows[name]
        assert row.files == {file: BYTES[file] for file in files}, (name, row.notes, row.problem)
        assert says in " | ".join((row.problem, *row.notes)), (name, row.notes, row.problem)
        assert bool(row.problem) == (not files)
        assert row.email
        assert row.section
    assert {row.name for row in found if row.state == "aside"} == platforms.ASIDE
    assert [row for row in found if row.state == "missing"] == []
    assert len({row.slug for row in found if row.slug}) == len(rows)


def test_a_mixed_class_without_a_roster(mixed):
    rows = [row for row in collect(mixed) if row.state == "here"]
    assert len(rows) == 14
    names = {row.name for row in rows}
    assert {"lovelaceada", "Frances Allen", "Ivan Sutherland", "jclarke", "margaret", "niklaus"} <= names
    by_name = {row.name: row for row in rows}
    assert by_name["lovelaceada"].late
    assert len(by_name["lovelaceada"].earlier) == 5
    assert by_name["Grace Hopper"].submitted == "2026-11-21T08:30:00+00:00"
    assert by_name["Grace Hopper"].ids == {"gradescope": "901", "sid": "0107"}


def test_who_handed_in_nothing_has_a_row(mixed):
    with (mixed / "roster.csv").open("a", encoding="utf-8") as file:
        file.write("Ole Nobody,,s9,ole,E,ole@uni.example,,\n")
    rows = collect(mixed, None, read_roster(mixed / "roster.csv"), mixed / "roster.csv")
    (missing,) = [row for row in rows if row.state == "missing"]
    assert (missing.name, missing.problem, missing.section) == ("Ole Nobody", "nothing was handed in", "E")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("q_sample (1).py", ("q_sample.py", 1)),
        ("Q_sample.py", ("q_sample.py", 0)),
        ("q_sample.py.txt", ("q_sample.py", 0)),
        ("q_sample.PY", ("q_sample.py", 0)),
        ("q-sample.py", ("q_sample.py", 0)),
        ("q sample(12).py", ("q_sample.py", 12)),
        ("q_sample - Copy.py", ("q_sample.py", 0)),
        ("Copy of loss.py", ("loss.py", 0)),
        ("ddim_step.py.py", ("ddim_step.py", 0)),
        ("ddpm_step-2.py", ("ddpm_step.py", 2)),
        ("my_loss.py", ("my_loss.py", 0)),
        ("loss_old.py", ("loss_old.py", 0)),
        ("loss.txt", ("loss.txt", 0)),
        ("losspy", ("losspy", 0)),
    ],
)
def test_a_name_that_is_nearly_right_is_repaired(name, meant):
    assert repaired(name) == meant


def test_the_right_name_counts_before_a_copy_and_the_latest_copy_before_others(tmp_path):
    put(tmp_path / "a", {"loss.py": "right", "loss (1).py": "copy"})
    put(tmp_path / "b", {"loss (1).py": "older", "loss (2).py": "newer"})
    assert files_in(tmp_path / "a") == {"loss.py": b"right"}
    taken = take_from(tmp_path / "b")
    assert taken.files == {"loss.py": b"newer"}
    assert "loss (1).py" in " ".join(taken.notes)


def test_two_names_that_fit_equally_well_are_not_guessed_between(tmp_path):
    put(tmp_path / "a", {"Loss.py": "one", "LOSS.py": "another"})
    with pytest.raises(NotASubmission, match="which one counts"):
        files_in(tmp_path / "a")


def test_untouched_files_above_do_not_hide_a_whole_folder_below(tmp_path):
    put(tmp_path / "a", {"loss.py": STUBS["loss.py"]})
    put(tmp_path / "a" / "exercises", FILES)
    assert files_in(tmp_path / "a") == BYTES


def test_the_student_repository_whole_gives_its_exercises(tmp_path):
    """The kata's own catalogue and solutions hold files of the same names."""
    put(tmp_path / "a" / "exercises", FILES)
    put(tmp_path / "a" / "grading" / "judging" / "misconceptions", STUBS)
    put(tmp_path / "a" / "solutions", STUBS)
    taken = take_from(tmp_path / "a")
    assert taken.files == BYTES
    assert "exercises/ counts" in " ".join(taken.notes)


@pytest.mark.parametrize("names", [("kata.zip", "kata-1.zip"), ("kata-2.zip", "kata-10.zip")])
def test_the_latest_of_two_archives_counts(names, tmp_path):
    (tmp_path / "class").mkdir()
    for name, files in zip(names, (STUBS, FILES)):
        (tmp_path / "class" / f"doejane_77_88_{name}").write_bytes(zipped(files))
    (row,) = collect(tmp_path / "class")
    assert row.files == BYTES
    assert row.earlier == (f"doejane_77_88_{names[0]}",)


def test_a_resubmitted_file_is_joined_by_the_others_from_before(tmp_path):
    (tmp_path / "class").mkdir()
    platforms.flat(tmp_path / "class", "doejane_77_88", FILES | {"loss.py": "old"})
    platforms.flat(tmp_path / "class", "doejane_77_88", {"loss-1.py": FILES["loss.py"]})
    (row,) = collect(tmp_path / "class")
    assert row.files == BYTES
    assert "from an earlier submission" in " ".join(row.notes)


def test_gradescope_metadata_that_is_none_is_a_sentence(tmp_path):
    put(tmp_path / "class", {"submission_metadata.yml": "a: [b"})
    with pytest.raises(UsageError, match="metadata cannot be read"):
        collect(tmp_path / "class")


def test_a_roster_of_any_platform_is_understood(tmp_path):
    tables = {
        "canvas": 'Student,ID,SIS User ID,SIS Login ID,Section,K (9)\n  Points Possible,,,,,9\n"Doe, Jane",7,s7,jd,A,',
        "moodle": "\ufeffIdentifier,Full name,Email address,Grade\nParticipant 7,Jane Doe,j@x.example,\n",
        "gradescope": "First Name,Last Name,SID,Email,Section\nJane,Doe,07,j@x.example,A\n",
        "own": "Name;E-Mail;GitHub\nJane Doe;j@x.example;jdoe\n",
    }
    for name, text in tables.items():
        (tmp_path / "r.csv").write_text(text, encoding="utf-8")
        (person,) = read_roster(tmp_path / "r.csv").people
        assert person.name in ("Jane Doe", "Doe, Jane"), name
        assert read_roster(tmp_path / "r.csv").find("doejane", {}, "") is person or name
        assert read_roster(tmp_path / "r.csv").find("doejane", {}, "").name == person.name


@pytest.mark.parametrize("text", ["", "colour,size\nred,3\n", "name\n", "\x00"])
def test_a_roster_that_is_none_is_a_sentence(text, tmp_path):
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(UsageError, match="--roster"):
        read_roster(tmp_path / "r.csv")


@pytest.mark.parametrize(
    "text",
    ["Friday, 20 November 2026, 9:00 AM", "2026-11-20 09:00", "2026-11-20T09:00", "2026-11-20T09:00:00.5"],
)
def test_a_time_is_read_as_it_is_written(text):
    assert moment(text).startswith("2026-11-20T09:00:00")
    assert moment("2026-11-20 09:00:00 -0800") == moment("2026-11-20T17:00:00+00:00")
    assert moment("-") == moment("soon") == ""


def test_moodle_s_worksheet_says_when(tmp_path):
    put(tmp_path / "class" / "Jane Doe_7_assignsubmission_file_", FILES)
    (tmp_path / "sheet.csv").write_text(
        'Identifier,Full name,Last modified (submission)\nParticipant 7,Jane Doe,"Friday, 20 November 2026, 9:00 AM"\n'
        'Participant 8,Jo Roe,"Friday, 20 November 2026, 9:00 AM"\n'
    )
    jane, jo = collect(tmp_path / "class", None, read_roster(tmp_path / "sheet.csv"))
    assert jane.submitted.startswith("2026-11-20T09:00:00")
    assert (jo.state, jo.submitted) == ("missing", "")


def test_code_beside_the_files_is_named(tmp_path):
    put(tmp_path / "a", FILES | {"helper.py": "", "q_sample_final.py": "", "__init__.py": "", "notes.txt": ""})
    taken = take_from(tmp_path / "a")
    assert taken.files == BYTES
    assert taken.notes == ["not among the kata's files, left aside: helper.py, q_sample_final.py"]


def test_a_virtual_environment_in_a_submission_is_passed_over(tmp_path):
    put(tmp_path / "a", FILES)
    put(tmp_path / "a" / "my env", {"pyvenv.cfg": "home = /usr"})
    put(tmp_path / "a" / "my env" / "lib", STUBS)
    assert take_from(tmp_path / "a").files == BYTES
    assert take_from(tmp_path / "a").notes == []
