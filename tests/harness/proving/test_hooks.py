"""Where a student meets `kata prove` besides: the command, the board, `kata watch`, the notebook."""

import json

import pytest
from typer.testing import CliRunner

from grading.cli import app, register
from grading.cli import prove as command
from grading.proving import record, run, stubs
from grading.proving.run import file_of, provable
from grading.proving.verdict import Catch, Verdict
from grading.submission.katas import task, tasks
from grading.submission.stubs import write_stubs
from grading.suites.board import Outcome
from grading.suites.rows import board_lines

CAUGHT = Catch("the slip", "test_a", "What of both ends?")
MISSED = Catch("", "", "What of the variance?")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "KEPT", tmp_path / ".kata" / "proved.json")
    monkeypatch.setattr(command, "_verdicts", lambda _, wanted: [verdict(one.id) for one in wanted])
    write_stubs(tmp_path / "mine")
    return tmp_path / "mine"


def verdict(id, wrongs=(CAUGHT, MISSED)):
    return Verdict(id, task(id).function, tests=1, rights=6, wrongs=wrongs)


def kata(*words):
    register()
    return CliRunner().invoke(app, [*words])


def test_the_file_is_made_when_a_task_is_first_named(folder):
    said = kata("prove", "2.1", "--impl", str(folder))
    assert "test_2_1.py is new" in said.output.replace("\n", "")  # a long path is cut
    assert said.exit_code == 1
    assert "def test_" in file_of(folder, task("2.1")).read_text()


def test_a_hint_comes_when_the_same_file_is_asked_about_again(folder):
    stubs.write_stub(folder, task("2.1"))
    first, second = (kata("prove", "2.1", "--impl", str(folder)).output for _ in range(2))
    assert "What of the variance?" not in first
    assert "hint       What of the variance?" in second
    file_of(folder, task("2.1")).write_text("# another\n")
    assert "What of the variance?" not in kata("prove", "2.1", "--impl", str(folder)).output


def test_without_a_task_there_is_a_table_of_what_is_begun(folder):
    assert "You have no tests yet" in kata("prove", "--impl", str(folder)).output
    for id in ("1.1", "2.1"):
        stubs.write_stub(folder, task(id))
    said = kata("prove", "--impl", str(folder)).output.splitlines()
    assert [line[4:7] for line in said[:-1]] == ["1.1", "2.1"]
    assert "caught 1 of 2" in said[0]
    assert said[-1] == "  look at  kata prove 1.1"


def test_a_task_without_implementations_gets_a_sentence(folder, monkeypatch):
    monkeypatch.setattr(run, "has", lambda function: function != "q_sample")
    said = kata("prove", "2.1", "--impl", str(folder))
    assert str(said.exception).startswith("task 2.1 has no wrong implementations to catch")


def test_the_solutions_are_left_alone():
    said = kata("prove", "2.1", "--impl", "solutions")
    assert "the solutions have no tests of their own" in str(said.exception)


def test_the_board_has_what_was_caught_while_the_file_is_the_same(folder):
    outcomes = [Outcome(one.id, "", "", "passed", "", "", None, 0.0) for one in tasks()]

    def row(function):
        return next(line.text for line in board_lines(outcomes, folder, every_task=True) if function in line.text)

    assert "caught" not in row("2.1 q_sample")
    kata("prove", "2.1", "--impl", str(folder))
    kata("prove", "2.1", "--impl", str(folder))
    assert "caught 1/2" in row("2.1 q_sample")
    assert "caught 1/2" in row("2 The forward process")
    assert "caught" not in row("3.1 ddpm_loss")
    file_of(folder, task("2.1")).write_text("# another\n")
    assert "caught" not in row("2.1 q_sample")


@pytest.mark.parametrize("text", ["", "[]", '{"x": 1}', '{"x": {"text": 1}}', "\x00"])
def test_a_record_that_is_not_ours_counts_for_nothing(folder, text):
    record.KEPT.parent.mkdir(exist_ok=True)
    record.KEPT.write_text(text)
    assert record.proved(folder, task("2.1")) is None
    stubs.write_stub(folder, task("2.1"))
    assert record.keep(file_of(folder, task("2.1")), verdict("2.1")) == 0
    assert record.proved(folder, task("2.1")) == (1, 2, True)
    assert len(json.loads(record.KEPT.read_text())) >= 1


def test_what_the_watch_runs_beside_it_says_what_was_caught(folder):
    """`kata watch` runs these two: the task under way, or all of them."""
    assert "test_2_1.py is new" in kata("prove", "2.1", "--impl", str(folder)).output.replace("\n", "")
    assert "caught 1 of 2" in kata("prove", "--impl", str(folder)).output


def test_the_notebook_speaks_as_a_notebook(folder, monkeypatch, capsys):
    from grading import notebook

    monkeypatch.setenv("KATA_IMPL", str(folder))
    notebook.prove()
    assert f'prove("{provable()[0].id}")' in capsys.readouterr().out
    notebook.prove("2.1")
    assert 'then: prove("2.1")' in capsys.readouterr().out
