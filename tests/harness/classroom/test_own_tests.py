"""A student's own tests on their way from `kata handin` through a class's download into the gradebook."""

import dataclasses
import json
import shutil
import zipfile

import jsonschema
import pytest
from class_of_twenty import FILES, TINY, put, terms, zipped
from schemas import GRADEBOOK
from test_regrading import BY_HAND, TERMS, Grader
from typer.testing import CliRunner

from grading import cli
from grading.classroom.collect import collect
from grading.classroom.collect.choose import take_from
from grading.classroom.gradebook import gradebook
from grading.classroom.gradebook.answer import Answer, Lost, Proved, receive
from grading.experiment.networks.training import RECIPES, Recipe
from grading.grade.proofs import nothing_proved
from grading.grade.rubric import load_rubric
from grading.proving.run import file_of, provable
from grading.proving.stubs import write_stub
from grading.submission.implementation import ROOT
from grading.submission.katas import task

COMPLETE = {path.name: path.read_text() for path in (ROOT / "tests/harness/proving/complete").glob("test_*.py")}
WEAK = """import pytest

def test_ends(linear_beta_schedule):
    betas = linear_beta_schedule(1000)
    assert betas[0].item() == pytest.approx(1e-4, rel=1e-3)
    assert betas[-1].item() == pytest.approx(0.02, rel=1e-4)
"""  # catches two of five
ONE = {"test_2_1.py": "def test_a(q_sample):\n    pass\n"}
HERS = {name: COMPLETE[name] for name in ("test_1_1.py", "test_2_1.py", "test_5_2.py")}
BYTES = {name: text.encode() for name, text in ONE.items()}
PAID = dataclasses.replace(TERMS, rubric=dataclasses.replace(load_rubric(), prove=10.0))


def in_folder(tests: dict[str, str], folder: str = "tests") -> dict[str, str]:
    return {f"{folder}/{name}": text for name, text in tests.items()}


@pytest.mark.parametrize(
    "files",
    [
        {f"doejane_7_88_{name}": text for name, text in (FILES | ONE).items()},
        {"doejane_7_88_handin.zip": zipped(FILES | in_folder(ONE))},
        {f"doe_{name}": text for name, text in (FILES | ONE).items()},
        {f"Doe_7_assignsubmission_file_/{name}": text for name, text in (FILES | in_folder(ONE)).items()},
        {f"doe/exercises/{name}": text for name, text in (FILES | in_folder(ONE)).items()}
        | {"doe/tests/harness/proving/complete/test_2_1.py": "not hers", "doe/tests/test_2_q_sample.py": "the kata's"},
        {f"doe/{name}": text for name, text in FILES.items()} | {"doe/tests.zip": zipped(ONE)},
        {f"doe/{name}": text for name, text in FILES.items()} | {"doe/test_2_1 (1).py": ONE["test_2_1.py"]},
    ],
    ids=["canvas", "zip", "flat", "moodle", "repository", "apart", "copy"],
)
def test_they_are_found_in_every_shape(files, tmp_path):
    for name, content in files.items():
        path = tmp_path / "class" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (row,) = collect(tmp_path / "class")
    assert set(row.files) == set(FILES)
    assert row.tests == BYTES
    assert not [note for note in row.notes if "left aside" in note]


def test_a_test_handed_in_again_counts_with_the_modules_of_before(tmp_path):
    put(tmp_path / "class", {f"doejane_7_88_{name}": text for name, text in (FILES | {"test_2_1.py": "old"}).items()})
    (tmp_path / "class" / "doejane_7_88_test_2_1-1.py").write_text(ONE["test_2_1.py"])
    (row,) = collect(tmp_path / "class")
    assert (set(row.files), row.tests, row.problem) == (set(FILES), BYTES, "")


def test_tests_alone_are_no_submission(tmp_path):
    put(tmp_path / "class" / "ada", ONE)
    (row,) = collect(tmp_path / "class")
    assert "none of the five files is in it" in row.problem


def test_what_is_too_large_is_left_aside_alone(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped(FILES | {"tests/test_2_1.py": b"#" * (1 << 20)}))
    taken = take_from(tmp_path / "a.zip")
    assert (set(taken.files), taken.tests) == (set(FILES), {})
    assert "test_2_1.py was left aside" in " ".join(taken.notes)


class Proving(Grader):
    """A grader that answers jobs to the letter: what was asked for, and no more."""

    def __call__(self, submissions, terms):
        for submission in submissions:
            job = json.loads(terms.job(submission))
            self.asked.append((submission.name, bool(job["files"]), sorted(job["tests"])))
            result = dataclasses.replace(BY_HAND["right"], settings=dict(terms.setting), proofs=[])
            answer = {}
            if job["files"]:
                answer |= json.loads(Answer(result, {"clouds": {}, "loss": "", "player": ""}, b"png").to_json())
            if job["tests"]:
                proofs = [
                    dataclasses.replace(proof, problem="", accepted=5, rights=5, caught=4, wrongs=5)
                    for proof in nothing_proved()
                ]
                answer |= json.loads(Proved(proofs, "namespaces").to_json())
            yield submission, json.dumps(answer)


def test_they_are_run_only_where_they_are_paid_for_and_apart_from_the_rest(tmp_path):
    put(tmp_path / "class" / "ada", FILES)
    put(tmp_path / "class" / "ada" / "tests", ONE)
    put(tmp_path / "class" / "bo", FILES | {"loss.py": FILES["loss.py"] + "# bo's\n"})
    grader = Proving()
    rows = gradebook(tmp_path / "class", tmp_path / "out", TERMS, grader)
    assert grader.asked == [("ada", True, []), ("bo", True, [])]
    assert [(row.points, row.result.max_points) for row in rows] == [(100, 100)] * 2

    grader.asked.clear()
    rows = gradebook(tmp_path / "class", tmp_path / "out", PAID, grader)
    assert grader.asked == [("ada", False, ["test_2_1.py"])]
    assert [(row.points, row.result.max_points, row.before) for row in rows] == [(108.02, 110, 100), (100, 110, 100)]
    kept = json.loads((tmp_path / "out" / "gradebook.json").read_text())
    jsonschema.validate(kept, GRADEBOOK)
    assert ["tests/test_2_1.py" in row["sha256"] for row in kept["rows"]] == [True, False]
    assert [row["own tests"] for row in kept["rows"]] == [8.02, 0]  # hundredths, a task at a time
    assert "no tests/test_2_1.py" in (tmp_path / "out" / "students" / "bo" / "result.json").read_text()

    grader.asked.clear()
    (tmp_path / "class" / "ada" / "tests" / "test_2_1.py").write_text("# another\n")
    gradebook(tmp_path / "class", tmp_path / "out", PAID, grader)
    (row, _) = gradebook(tmp_path / "class", tmp_path / "out", TERMS, grader)
    assert grader.asked == [("ada", False, ["test_2_1.py"])]
    assert (row.points, row.result.max_points) == (100, 100)


def test_a_verdict_that_cannot_be_is_refused():
    proofs = [dataclasses.replace(proof, caught=9, wrongs=5) for proof in nothing_proved()]
    for lie in (proofs, nothing_proved()[1:]):
        with pytest.raises(Lost, match="is no measurement"):
            receive(Proved(lie, "namespaces").to_json(), PAID)
    assert receive(Proved(nothing_proved(), "namespaces").to_json(), PAID)[0] is None


@pytest.fixture
def handed_in(tmp_path, monkeypatch):
    """Three students' folders; the first packs hers with `kata handin`, the second has little, the third nothing."""
    cli.register()
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "mine", FILES)
    put(tmp_path / "mine" / "tests", HERS)
    write_stub(tmp_path / "mine", task("5.3"))
    packed = CliRunner().invoke(cli.app, ["handin", "--impl", "mine"], catch_exceptions=False).output
    put(tmp_path / "class" / "bo", FILES | {"loss.py": FILES["loss.py"] + "# bo's\n"})
    put(tmp_path / "class" / "bo" / "tests", {"test_1_1.py": WEAK})
    put(tmp_path / "class" / "cy", {"beta_schedule.py": FILES["beta_schedule.py"]})
    shutil.copy("handin.zip", tmp_path / "class" / "ada.zip")
    return tmp_path / "class", packed


@pytest.mark.timeout(600)
def test_a_class_of_three_gets_the_points_of_its_tests(handed_in, tmp_path):
    folder, packed = handed_in
    assert "With your tests of 1.1, 2.1, 5.2, for" in packed
    assert "Left out: the tests of 5.3" in packed
    with zipfile.ZipFile(folder / "ada.zip") as archive:
        assert set(archive.namelist()) == {*FILES, *in_folder(HERS)}
    paid = terms(train="each")
    paid = dataclasses.replace(paid, rubric=dataclasses.replace(paid.rubric, prove=10.0))
    ada, bo, cy = gradebook(folder, tmp_path / "out", paid)
    assert {row.status for row in (ada, bo, cy)} == {"graded"}
    assert {proof.id: proof.caught == proof.wrongs > 0 for proof in ada.result.proofs} == {
        one.id: file_of(folder, one).name in HERS for one in provable()
    }
    assert ada.points == pytest.approx(ada.result.max_points - 10 + 2.73)
    assert [(p.caught, p.wrongs, p.points) for p in bo.result.proofs if not p.problem] == [(2, 5, 0.36)]
    assert bo.points == pytest.approx(ada.result.max_points - 10 + 0.36)
    assert sum(proof.points for proof in cy.result.proofs) == 0
    assert cy.result.tasks[0].points == cy.result.tasks[0].max_points


@pytest.mark.timeout(300)
def test_a_whole_grade_with_proofs(tmp_path, monkeypatch):
    cli.register()
    monkeypatch.setitem(RECIPES, "kata", Recipe(**TINY))
    put(tmp_path / "ada", FILES)
    put(tmp_path / "ada" / "tests", {file_of(tmp_path, task("2.1")).name: COMPLETE["test_2_1.py"]})
    (tmp_path / "r.toml").write_text("prove = 11\n")
    asked = ["grade", "--impl", tmp_path / "ada", "--rubric", tmp_path / "r.toml", "--out", tmp_path / "out"]
    said = CliRunner().invoke(cli.app, [*map(str, asked), "--num-points", "64"], catch_exceptions=False)
    assert said.exit_code == 0
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert {proof["id"]: proof["points"] for proof in result["proofs"] if proof["points"]} == {"2.1": 1}
    assert result["max_points"] == 111
    assert "2.1" in said.output
    assert "no tests/test_1_1.py" in said.output
