"""What a student does works without all that Windows lacks: see without_posix.py."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grading.submission.katas import ROOT, katas, required
from grading.submission.stubs import write_stubs

SCRIPT = Path(__file__).with_name("without_posix.py")
OWED = len(required())


def run(*arguments: str, **more) -> subprocess.CompletedProcess:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("KATA_", "PYTEST_"))}
    environment |= {"PYTHONWARNDEFAULTENCODING": "1", "PYTHONIOENCODING": "cp1252"}
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="cp1252", **more)


@pytest.fixture
def stubs(tmp_path):
    write_stubs(tmp_path / "mine")
    return tmp_path / "mine"


@pytest.mark.timeout(180)
def test_the_board(stubs):
    done = run("kata", "--impl", str(stubs))
    assert "Error" not in done.stderr
    assert f"0 of {OWED} tasks" in done.stdout
    assert "1.1 linear_beta_schedule: not written yet" in done.stdout


@pytest.mark.timeout(180)
def test_the_suites_and_an_endless_loop(stubs):
    path = stubs / "beta_schedule.py"
    stub = '    raise NotImplementedError("1.1 linear_beta_schedule")'
    path.write_text(path.read_text(encoding="utf-8").replace(stub, "    while True: pass"), encoding="utf-8")
    line = next(n for n, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if "while True" in text)
    done = run("pytest", "-pno:cacheprovider", "--impl", str(stubs), "--guide", "tests/test_1_beta_schedule.py")
    assert done.returncode == 1, done.stderr
    assert "1.1 linear_beta_schedule: no answer in time" in done.stdout
    assert f"mine/beta_schedule.py:{line}" in done.stdout


@pytest.mark.timeout(180)
def test_the_worker_of_kata_watch(stubs):
    asked = {"id": 1, "impl": str(stubs), "files": [katas()[0].suite], "options": ["--guide"]}
    done = run("worker", input=json.dumps(asked) + "\n")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers, done.stderr
    assert answers[-1]["kind"] == "end"
    assert answers[0]["outcome"]["kind"] == "todo"


@pytest.mark.timeout(180)
def test_the_doctor_says_that_there_is_no_sandbox():
    done = run("kata", "doctor")
    assert "Traceback" not in done.stderr
    assert "sandbox" in done.stdout
    assert "kata grade" in done.stdout


@pytest.mark.timeout(300)
def test_a_grade_of_ones_own_code_runs_in_process_and_says_so(tmp_path):
    small = ("--num-points", "128", "--num-inference-steps", "10", "--out", str(tmp_path / "report"))
    done = run("kata", "grade", "--impl", "solutions", *small)
    assert done.returncode == 0, done.stderr
    assert "no sandbox" in done.stdout
    assert (
        "in this process" in json.loads((tmp_path / "report" / "result.json").read_text(encoding="utf-8"))["isolation"]
    )


def test_a_grade_of_anothers_code_is_refused(stubs, tmp_path):
    shutil.copytree(ROOT / "solutions", tmp_path / "theirs", ignore=shutil.ignore_patterns("__pycache__"))
    done = run("kata", "grade", "--impl", str(tmp_path / "theirs"), "--out", str(tmp_path / "report"))
    assert done.returncode == 2
    assert "is not to be had on this machine" in done.stderr
    assert "Traceback" not in done.stderr
