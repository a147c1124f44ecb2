"""The autograder for Gradescope, unpacked where nothing else is, and run as the platform runs it."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import jsonschema
import pytest
from class_of_twenty import FILES, put
from schemas import GRADESCOPE

from grading.classroom.release import release_gradescope


@pytest.fixture(scope="module")
def autograder(tmp_path_factory):
    """The zip, unpacked where nothing else is."""
    folder = tmp_path_factory.mktemp("autograder")
    release_gradescope(folder / "autograder.zip")
    with zipfile.ZipFile(folder / "autograder.zip") as archive:
        for member in archive.infolist():
            (folder / archive.extract(member, folder)).chmod(member.external_attr >> 16)
    (folder / "autograder.zip").unlink()
    return folder


def graded(autograder: Path, root: Path, **environment: str) -> dict:
    """Run run_autograder as Gradescope does, with the files in other places; return results.json."""
    environment = {**os.environ, "KATA_AUTOGRADER": str(root), "KATA_PYTHON": sys.executable, **environment}
    command = [str(autograder / "run_autograder")]
    subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120, check=False)
    found = json.loads((root / "results" / "results.json").read_text())
    jsonschema.validate(found, GRADESCOPE)
    return found


def test_the_zip_has_both_scripts_at_its_root_and_no_answers(autograder):
    assert {path.name for path in autograder.iterdir()} == {"kata", "run_autograder", "setup.sh"}
    for name in ("run_autograder", "setup.sh"):
        assert (autograder / name).stat().st_mode & 0o777 == 0o755
        assert subprocess.run(["bash", "-n", autograder / name], check=False).returncode == 0
    assert not (autograder / "kata" / "solutions").exists()


@pytest.mark.timeout(150)
def test_the_unpacked_zip_grades_a_submission(autograder, tmp_path):
    put(tmp_path / "submission" / "my work", {name: FILES[name] for name in ("beta_schedule.py", "q_sample.py")})
    found = graded(autograder, tmp_path)
    points = {test["number"]: test["score"] for test in found["tests"]}
    assert found["score"] == sum(points.values()) == 30
    assert points["2.1"] == 12


def test_a_submission_without_files_gets_zero_and_a_sentence(autograder, tmp_path):
    put(tmp_path / "submission", {"notes.txt": ""})
    found = graded(autograder, tmp_path)
    assert found["score"] == 0
    assert "none of the five files" in found["output"]


def test_a_grader_that_does_not_even_start_leaves_zero(autograder, tmp_path):
    put(tmp_path / "submission", FILES)
    assert graded(autograder, tmp_path, KATA_PYTHON="/bin/false")["score"] == 0


def test_rubric_data_set_and_seed_travel_in_the_zip(tmp_path):
    (tmp_path / "my.toml").write_text('[tasks]\n"1.1" = 40\n')
    release_gradescope(tmp_path / "a.zip", rubric=tmp_path / "my.toml", dataset="moons", seed=7)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert json.loads(archive.read("kata/autograder.json")) == {"dataset": "moons", "recipe": "kata", "seed": 7}
        assert archive.read("kata/autograder_rubric.toml") == (tmp_path / "my.toml").read_bytes()
