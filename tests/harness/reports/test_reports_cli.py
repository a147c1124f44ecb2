"""`kata grade`: what it writes, prints and exits with."""

import dataclasses
import io
import json
import re
import shutil

import pytest
from made_results import ATTACK, FULL, HOSTILE, made
from rich.console import Console
from typer.testing import CliRunner

import grading.cli.grade  # noqa: F401  registers the command
from grading.cli import app
from grading.experiment.networks.training import RECIPES
from grading.grade.result import Result
from grading.reports import terminal
from grading.submission.errors import UsageError
from grading.submission.implementation import ROOT
from grading.suites.runner import TESTS

LOUD = """
print("::error::forged")
print("::notice title=Autograding report::{}")

def q_sample(*_):
    raise ValueError("wrong")
"""


@pytest.fixture
def kata(monkeypatch, tmp_path):
    """kata("--format", "junit", ...) runs a small grade of one suite and twenty training steps; github as in a step."""
    monkeypatch.setitem(RECIPES, "kata", dataclasses.replace(RECIPES["kata"], steps=20))
    monkeypatch.setattr("grading.grade.grade.unit_suites", lambda: [TESTS / "test_2_q_sample.py"])
    step = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(tmp_path)}
    step |= {"GITHUB_STEP_SUMMARY": str(tmp_path / "GITHUB_STEP_SUMMARY")}

    def run(*arguments, github=False):
        small = ("--num-points", "32", "--num-inference-steps", "2", "--out", str(tmp_path / "out"))
        return CliRunner(env=step if github else {"GITHUB_ACTIONS": None}).invoke(app, ["grade", *small, *arguments])

    return run


def test_a_wrong_submission_in_a_workflow(kata, tmp_path):
    folder = shutil.copytree(ROOT / "solutions", tmp_path / "exercises")
    (folder / "q_sample.py").write_text(LOUD)
    formats = [f"--format={name}" for name in ("junit", "gradescope", "github")]
    ended = kata("--impl", str(folder), *formats, github=True)
    assert ended.exit_code == 0, ended.output

    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == {
        *("result.json", "report.html", "samples.png", "loss.png", "junit.xml", "results.json")
    }
    result = Result.from_json((out / "result.json").read_text())
    assert json.loads((out / "results.json").read_text())["score"] == result.points < result.max_points
    assert (tmp_path / "GITHUB_STEP_SUMMARY").read_text().startswith("## Diffusion Kata: ")

    lines = ended.output.splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith("::stop-commands::"))
    end = lines.index(f"::{lines[begin].removeprefix('::stop-commands::')}::")
    outside = [line for line in (*lines[:begin], *lines[end + 1 :]) if line.startswith("::")]
    assert len(outside) == 1
    assert outside[0].startswith("::error file=exercises/q_sample.py,line=5,title=2.1 q_sample::")
    assert "::error::forged" in lines[begin:end]
    assert any(line.startswith("total ") for line in lines[begin:end])


def test_the_exit_code_is_zero_unless_points_were_asked_for(kata):
    assert kata("--impl", "exercises").exit_code == 0
    ended = kata("--impl", "exercises", "--fail-under", "1")
    assert ended.exit_code == 1
    assert "0 points are below the 1 of --fail-under" in ended.output
    assert kata("--impl", "exercises", "--fail-under", "0").exit_code == 0


def test_in_a_workflow_commands_are_stopped_even_where_no_format_is_asked_for(kata):
    ended = kata("--impl", "exercises", github=True)
    assert ended.output.startswith("::stop-commands::")
    assert "::error" not in ended.output


def test_outside_a_workflow_github_prints_no_commands(kata):
    assert "::" not in kata("--impl", "exercises", "--format", "github").output


def test_an_unknown_format_is_refused_before_anything_runs(kata, tmp_path):
    ended = kata("--format", "docx")
    assert isinstance(ended.exception, UsageError)
    assert str(ended.exception) == "--format docx: the formats are junit, gradescope, classroom50, github"
    assert not (tmp_path / "out").exists()


def test_gradescope_reads_zero_until_there_is_a_grade(kata, tmp_path, monkeypatch):
    path, seen = tmp_path / "out" / "results.json", []

    def killed(*_, **__):
        seen.append(json.loads(path.read_text()))
        raise KeyboardInterrupt

    monkeypatch.setattr("grading.grade.grade.grade", killed)
    kata("--impl", "solutions", "--format", "gradescope")
    assert seen == [json.loads(path.read_text())]
    assert seen[0]["score"] == 0
    assert "did not come to its end" in seen[0]["output"]


def test_gradescope_says_why_nothing_could_be_graded(kata, tmp_path):
    (tmp_path / "empty").mkdir()
    ended = kata("--impl", str(tmp_path / "empty"), "--format", "gradescope")
    assert isinstance(ended.exception, UsageError)
    read = json.loads((tmp_path / "out" / "results.json").read_text())
    assert read["score"] == 0
    assert "that folder has none of the five modules" in read["output"]


def printed(result, width=80):
    stream = io.StringIO()
    terminal.write(Console(file=stream, width=width, highlight=False, force_terminal=False), result)
    return stream.getvalue()


def test_the_terminal_shows_distances_beside_the_floor_and_the_bands():
    text = printed(FULL)
    assert re.search(r"DDPM +1000 +0.71 +0.39 +-, - +10 below 1.17, 5 below 3.51 +10/10\n", text)
    assert "total    100 of 100 points" in text
    assert "next" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_terminal_says_what_is_wrong_and_what_to_do_next():
    failure = (
        "1.1 f: wrong value\n  got        1\n  yours is   the square of it, which runs\n             on\n  hint       h"
    )
    text = printed(made(failure, impl="a b"))
    assert "x 1.1 f: wrong value\n  yours is   the square of it, which runs\n             on\nx 1.1" in text
    assert "next     beta_schedule.py: linear_beta_schedule" in text
    assert "pytest --impl 'a b' --task 1.1" in text


def test_text_of_a_submission_is_no_markup_and_no_escape():
    text = printed(dataclasses.replace(ATTACK, impl="exercises"))
    assert "[red]x[/red]" in text
    assert not {"\x1b", "\x07", "\x00", "\u202e"} & set(text)
    assert HOSTILE[:30] in text
    assert max(map(len, text.splitlines())) <= 80
