"""What is handed out works by itself: the student's repository, and the autograder for Gradescope."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from class_of_twenty import FILES, STUBS, put

from grading import cli
from grading.classroom.release import release_student, student
from grading.submission.errors import UsageError
from grading.submission.implementation import ROOT
from grading.submission.katas import tasks

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

WORKFLOWS = ("kata.yml", "pull-request.yml")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("released") / "kata"
    release_student(folder)
    return folder


def pytest_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """`pytest` as a student runs it; `python -m` puts the folder before a kata that is installed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KATA_", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", *arguments]
    environment.pop("PYTHONPATH", None)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


# -- the student's repository -----------------------------------------------------------------------------------------


def test_the_copy_holds_what_a_student_needs_and_no_answers(copy):
    names = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    asked = {"README.md", "LICENSE", ".gitignore", "conftest.py", "pyproject.toml", "constraints.txt"}
    asked |= {f".github/workflows/{name}" for name in WORKFLOWS} | {f"exercises/{name}" for name in FILES}
    asked |= {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").glob("test_*.py")}
    assert asked <= names
    assert not [name for name in names if "harness" in name or "__pycache__" in name or name.startswith("solutions")]
    assert "solutions" not in (copy / "pyproject.toml").read_text()
    for name, stub in STUBS.items():
        assert (copy / "exercises" / name).read_text() == stub
    for name in names:
        content = (copy / name).read_text(errors="replace")
        assert not any(source in content for source in FILES.values())


def test_without_hints_the_third_of_each_task_is_left_out(tmp_path):
    release_student(tmp_path / "kata", hints=False)
    text = (tmp_path / "kata" / "exercises" / "katas.toml").read_text(encoding="utf-8")
    told = [task for kata in tomllib.loads(text)["kata"] for task in kata["task"]]
    assert [task["hints"] for task in told] == [list(task.hints[:2]) for task in tasks()]
    assert not any(task.hints[2] in text for task in tasks())


def test_the_example_for_gitlab_shows_junit(copy):
    yaml = pytest.importorskip("yaml")
    job = yaml.safe_load((copy / ".gitlab-ci.yml").read_text())["kata"]
    assert job["artifacts"]["reports"]["junit"] == "report/junit.xml"
    assert any("--format junit --out report" in line for line in job["script"])


def test_nothing_in_the_copy_imports_the_solutions(copy):
    for path in copy.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [m for m in modules if m.split(".")[0] in ("solutions", "harness")], path


def test_every_link_of_the_readme_leads_somewhere(copy):
    text = (copy / "README.md").read_text()
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert len(links) >= 5
    assert [link for link in links if not (copy / link).exists()] == []
    assert not [word for word in ("KATAS", "PICTURE", "--impl solutions") if word in text]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_is_yaml_with_the_least_rights(copy, name):
    yaml = pytest.importorskip("yaml")
    flow = yaml.safe_load((copy / ".github" / "workflows" / name).read_text())
    on = flow[True]  # what YAML makes of the word `on`
    rights = {"kata.yml": {"contents": "read"}, "pull-request.yml": {"issues": "write", "pull-requests": "write"}}
    assert flow["permissions"] == rights[name]
    if name == "pull-request.yml":  # it has a token that can write: it must not touch the other side's code
        assert on == {"pull_request_target": {"types": ["opened", "reopened"]}}
        assert "checkout" not in str(flow)
        assert "head.repo.full_name != github.repository" in flow["jobs"]["guard"]["if"]
    else:
        assert on == "push"
        assert any("kata grade --format github" in step.get("run", "") for step in flow["jobs"]["board"]["steps"])


def test_untouched_stubs_are_red_and_show_where_to_start(copy):
    ran = pytest_in(copy)
    assert ran.returncode == 1, ran.stderr
    for line in ("board: exercises/", "1.1 linear_beta_schedule", "exercises/beta_schedule.py", "hint  kata hint 1.1"):
        assert line in ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr
    assert str(ROOT) not in ran.stdout


@pytest.mark.timeout(150)
def test_the_solutions_are_green_in_the_copy(copy, tmp_path):
    folder = tmp_path / "kata"
    shutil.copytree(copy, folder)
    for name, source in FILES.items():
        (folder / "exercises" / name).write_text(source)
    ran = pytest_in(folder, *(f"tests/{path.name}" for path in sorted((ROOT / "tests").glob("test_[1-5]_*.py"))))
    assert ran.returncode == 0, ran.stdout[-2000:]
    assert "All done" in ran.stdout


def test_the_grader_in_the_copy_is_its_own(copy):
    command = [sys.executable, "-c", "import grading; print(grading.__file__)"]
    ran = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == str(copy / "grading" / "__init__.py")


def test_a_folder_in_use_is_left_alone(tmp_path):
    (tmp_path / "mine").write_text("dear diary")
    with pytest.raises(UsageError, match="not empty"):
        release_student(tmp_path)
    with pytest.raises(UsageError, match="that is a file"):
        release_student(tmp_path / "mine")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_new_repository_counts_as_empty(tmp_path):
    (tmp_path / ".git").mkdir()
    assert "README.md" in release_student(tmp_path)


def test_a_copy_without_solutions_cannot_release(monkeypatch, tmp_path):
    monkeypatch.setattr(student, "ROOT", tmp_path)
    with pytest.raises(UsageError, match="no solutions/"):
        release_student(tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["gradescope", "a.tar"], "the name of a zip"),
        (["gradescope", "nowhere/a.zip"], "a folder that exists"),
        (["gradescope", "a.zip", "--dataset", "cats"], "no data set 'cats'"),
        (["gradescope", "a.zip", "--rubric", "none.toml"], "cannot read none.toml"),
        (["student", "taken"], "not empty"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(arguments, says, tmp_path, monkeypatch, capsys):
    put(tmp_path / "taken", {"x": ""})
    refused(["release", *arguments], says, tmp_path, monkeypatch, capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "no such folder"),
        (["empty"], "no submission in it"),
        (["class", "--rubric", "none.toml"], "cannot read none.toml"),
        (["class", "--dataset", "cats"], "no data set 'cats'"),
        (["class", "--recipe", "soup"], "no recipe 'soup'"),
        (["class", "--sandbox", "castle"], "--sandbox castle"),
        (["class", "--workers", "0"], "--workers 0"),
        (["class", "--deadline", "0"], "--deadline 0"),
        (["class", "--out", "class/ada/loss.py"], "--out class/ada/loss.py"),
        (["class", "--train", "twice"], "--train twice"),
        (["class", "--due", "tomorrow"], "--due tomorrow"),
        (["class", "--grace", "-1"], "--grace -1"),
        (["class", "--export", "blackboard"], "the platforms are canvas, moodle, gradescope"),
        (["class", "--roster", "none.csv"], "--roster none.csv"),
        (["class", "--only", "nobody"], "--only nobody"),
    ],
)
def test_bad_input_to_the_gradebook_is_one_sentence(arguments, says, tmp_path, monkeypatch, capsys):
    put(tmp_path / "empty", {})
    put(tmp_path / "class" / "ada", FILES)
    refused(["gradebook", *arguments], says, tmp_path, monkeypatch, capsys)


def refused(arguments, says, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["kata", *arguments])
    monkeypatch.setattr("grading.isolation.close_servers", lambda: None)  # this process has other tests
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    told = capsys.readouterr().err.strip()
    assert says in told
    assert "\n" not in told
