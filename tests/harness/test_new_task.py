"""A new task touches its row, its function, its tests; a new kata its module too. All else follows from the table."""

import json
import re
import shutil

import new_task
import pytest

from grading.submission.katas import required

pytestmark = pytest.mark.timeout(600)  # whole runs of the copy
OWED = len(required()) + 1
GRADE = """
import sys
from dataclasses import replace
from pathlib import Path
from grading.experiment.stages import Setting
from grading.experiment.networks.training import RECIPES
RECIPES["kata"] = replace(RECIPES["kata"], steps=60)
from grading.grade.grade import grade
from grading.isolation import close_servers
from grading.reports import write_report
graded = grade(sys.argv[1], Setting(num_points=64), isolated=sys.argv[3] == "isolated")
write_report(graded, Path(sys.argv[2]))
close_servers()
"""


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """The copy, and the files that were touched to extend it."""
    folder = new_task.copy(tmp_path_factory.mktemp("new") / "kata")
    return folder, new_task.extend(folder)


def test_no_more_is_touched_than_the_page_for_contributors_names(extended):
    touched = {"exercises/katas.toml", "exercises/q_sample.py", "exercises/velocity.py"}
    touched |= {
        "solutions/q_sample.py",
        "solutions/velocity.py",
        "tests/test_2_q_sample.py",
        "tests/test_7_velocity.py",
    }
    assert extended[1] == touched


def test_the_board_shows_them_where_they_belong(extended):
    folder, _ = extended
    listed = new_task.kata(folder, "--all").stdout
    assert listed.index("2.1 q_sample") < listed.index("2.2 predict_x0") < listed.index("3.1 ddpm_loss")
    assert listed.index("5.3 ddim_sample") < listed.index("7.1 velocity")
    first = new_task.run(folder, "-m", "pytest", "-p", "no:cacheprovider")
    assert first.returncode == 1
    assert f"0 of {OWED} tasks" in first.stdout
    assert "velocity.py, optional" in first.stdout


def test_the_suites_run_on_them(extended):
    """In process; isolated, a grade runs them."""
    folder, _ = extended
    files = ["tests/test_2_q_sample.py", "tests/test_5_ddim_step.py", "tests/test_7_velocity.py"]
    done = new_task.run(folder, "-m", "pytest", "-p", "no:cacheprovider", "--impl", "solutions", *files)
    assert done.returncode == 0, done.stdout
    assert re.search(r"\+ 7 Another target +velocity.py, optional +1/1 tests", done.stdout)


def graded(folder, impl, out, how):
    done = new_task.run(folder, "-c", GRADE, str(impl), str(out), how)
    assert done.returncode == 0, done.stderr
    assert "predict_x0" in (out / "report.html").read_text(encoding="utf-8")
    result = json.loads((out / "result.json").read_text(encoding="utf-8"))
    return {task["id"]: task for task in result["tasks"]}


def test_a_grade_and_its_report_have_them(extended, tmp_path):
    tasks = graded(extended[0], "solutions", tmp_path / "report", "isolated")
    assert (tasks["2.2"]["status"], tasks["2.2"]["points"]) == ("done", 5)
    assert (tasks["7.1"]["status"], tasks["7.1"]["points"], tasks["7.1"]["max_points"]) == ("done", 0, 0)
    assert "Another target" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")


def test_who_leaves_the_optional_file_out_loses_nothing(extended, tmp_path):
    folder = extended[0]
    mine = tmp_path / "mine"
    mine.mkdir()
    for path in (folder / "solutions").glob("[a-uw-z]*.py"):
        shutil.copy(path, mine)
    tasks = graded(folder, mine, tmp_path / "report", "in process")
    assert "7.1" not in tasks
    assert {task["status"] for task in tasks.values()} == {"done"}
    board = new_task.run(folder, "-m", "pytest", "-p", "no:cacheprovider", "--guide", "--impl", str(mine))
    assert board.returncode == 0, board.stdout
    assert f"{OWED} of {OWED} tasks" in board.stdout
    assert "All done" in board.stdout


def test_a_students_copy_has_the_stubs_and_can_put_them_back(extended, tmp_path):
    copy = tmp_path / "copy"
    assert new_task.kata(extended[0], "release", "student", str(copy)).returncode == 0
    assert 'raise NotImplementedError("7.1 velocity")' in (copy / "exercises" / "velocity.py").read_text()
    assert "exercises/velocity.py" in (copy / "README.md").read_text()
    path = copy / "exercises" / "q_sample.py"
    stub = path.read_text()
    path.write_text(stub.replace('raise NotImplementedError("2.2 predict_x0")', "return x_t"))
    assert new_task.kata(copy, "reset", "2.2").returncode == 0
    assert path.read_text() == stub


def test_the_projects_own_checks_hold(extended):
    own = [f"tests/harness/{file}" for file in ("suites/test_suites.py", "test_rooms.py")]
    chosen = ("-k", "green or red or agree or table or imports or outgrows or top")
    done = new_task.run(
        extended[0], "-m", "pytest", "-p", "no:cacheprovider", "-q", "--impl", "solutions", *own, *chosen
    )
    assert done.returncode == 0, done.stdout[-5000:]


@pytest.mark.parametrize(
    ("new", "says"),
    [
        (new_task.TASK, "katas.toml has task 2.2 predict_x0, and solutions/q_sample.py does not define it"),
        (new_task.TASK.replace("points = 5\n", ""), "katas.toml: task 2.2 lacks 'points'"),
        (new_task.TASK.replace("points", "point"), "katas.toml: unknown key 'point' in task 2.2; the keys are"),
        (new_task.TASK.replace("2.2", "3.2"), "katas.toml: task 3.2 stands in kata 2; give it an id such as 2.1"),
        (new_task.TASK.replace("2.2", "2.1"), "katas.toml has two rows with task 2.1"),
        (re.sub(r"hints = .*", 'hints = ["Solve eq. 4."]', new_task.TASK), "katas.toml: task 2.2 has 1 hints; give 3"),
        (new_task.TASK.replace("[[kata.task]]", "[[kata.task]"), "katas.toml is not valid TOML"),
        (new_task.KATA, "katas.toml has a kata with module velocity, and there is no solutions/velocity.py"),
    ],
)
def test_a_wrong_row_is_one_sentence(new, says, tmp_path):
    folder = new_task.copy(tmp_path / "kata")
    table = folder / "exercises" / "katas.toml"
    third = (text := table.read_text(encoding="utf-8")).index("[[kata]]\nnumber = 3")
    table.write_text(text[:third] + new + text[third:], encoding="utf-8")
    commands = [("-m", "grading", "--all"), ("-m", "pytest", "-p", "no:cacheprovider")]
    for command in commands if new == new_task.TASK else commands[:1]:
        done = new_task.run(folder, *command)
        assert says in done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        assert done.returncode not in (0, 1)
