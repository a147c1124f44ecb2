"""The `kata` command as a whole: the first screen, wrong arguments, help, completion, and what it does not import."""

import errno
import os
import shutil
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from grading import cli
from grading.cli.run import complete_task
from grading.submission.implementation import ROOT
from grading.submission.katas import required
from grading.submission.stubs import write_stubs

OWED = len(required())

LEARN = ("hint", "watch", "prove", "reset", "diff", "doctor")


@pytest.fixture
def kata(monkeypatch, capsys):
    """Run `kata ARGUMENTS` as the shell would; returns exit code, standard output and standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["kata", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return (ended.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def stubs(tmp_path):
    write_stubs(tmp_path / "mine")
    return tmp_path / "mine"


def test_alone_it_shows_the_board_and_the_next_step_on_one_screen(kata, stubs, monkeypatch):
    monkeypatch.setenv("KATA_IMPL", str(stubs))
    monkeypatch.chdir(stubs.parent)
    code, out, _ = kata()
    lines = out.splitlines()
    assert code == 0
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 80
    assert f"0 of {OWED} tasks" in out
    assert "1.1 linear_beta_schedule: not written yet" in out
    assert lines[-3].split() == ["open", "mine/beta_schedule.py:22"]
    assert lines[-1].split() == ["hint", "kata", "hint", "1.1"]


def test_alone_it_is_what_plain_pytest_shows(kata, stubs, monkeypatch, capsys):
    monkeypatch.setenv("KATA_IMPL", str(stubs))
    _, out, _ = kata()
    pytest.main(["-c", str(ROOT / "pyproject.toml"), "-pno:cacheprovider", "--guide", str(ROOT / "tests")])
    shown = [line for line in capsys.readouterr().out.splitlines() if "6 Sample quality" not in line]
    shown, board = ([line for line in lines if "  run   " not in line] for lines in (shown, out.splitlines()))
    at = shown.index(board[0])
    assert shown[at : at + len(board)] == board


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--impl", "nowhere"], "--impl nowhere: there is no such folder"),
        (["--impl", "README.md"], "that is a file, not a folder"),
        (["hint", "9.9"], "there is no task '9.9'; the tasks are 1.1, 1.2"),
        (["hint", "4"], "there is no task '4'"),
        (["reset"], "say which task"),
        (["reset", "1.1", "--impl", "solutions"], "the reference, not yours"),
        (["diff"], "say which task"),
        (["watch", "--impl", "nowhere"], "there is no such folder"),
    ],
    ids=" ".join,
)
def test_a_wrong_argument_is_one_sentence_and_exit_code_2(kata, monkeypatch, arguments, says):
    monkeypatch.chdir(ROOT)
    code, out, err = kata(*arguments)
    assert code == 2
    assert out == ""
    assert says in err
    assert len(err.splitlines()) == 1


def test_every_task_is_tested_and_shown_on_demand(kata, stubs, monkeypatch):
    shutil.copy(ROOT / "solutions" / "q_sample.py", stubs)
    code, out, _ = kata("--impl", str(stubs), "--all")
    assert code == 0
    assert f"1 of {OWED} tasks" in out
    assert all(f"  {task.id} {task.function} " in out for task in required())
    assert len(out.splitlines()) <= 23


def test_the_help_fits_a_screen(kata):
    lines = kata("--help")[1].splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert "..." not in "".join(lines[1:])  # nothing is cut


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {}])
def test_colours_are_for_terminals_that_want_them(environment, monkeypatch):
    from grading.cli import screen

    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    shown = []
    monkeypatch.setattr(screen.typer, "secho", lambda text, **style: shown.append(style))
    screen.Screen().write("green", green=True)
    assert bool(shown) == (not environment)


def test_colours_can_be_demanded_where_there_is_no_terminal(monkeypatch, capsys):
    from grading.cli import screen

    for name in ("NO_COLOR", "TERM", "KATA_COLOURS"):
        monkeypatch.delenv(name, raising=False)
    screen.Screen().write("grey")
    monkeypatch.setenv("KATA_COLOURS", "1")
    screen.Screen().write("green", green=True)
    assert capsys.readouterr().out == "grey\x1b[32mgreen\x1b[0m"


def test_an_unknown_command_is_exit_code_2(kata):
    code, _, err = kata("lern")
    assert code == 2
    assert "lern" in err


@pytest.mark.parametrize("command", LEARN)
def test_each_help_gives_an_example(command):
    cli.register()
    shown = CliRunner().invoke(cli.app, [command, "--help"]).output
    assert f"Example: kata {command}" in shown


def test_completion_offers_the_tasks():
    assert complete_task("4") == [("4.1", "ddpm_step"), ("4.2", "ddpm_sample")]
    program = shutil.which("kata", path=os.path.dirname(sys.executable))
    assert program
    asked = {"_KATA_COMPLETE": "complete_bash", "COMP_WORDS": "kata hint 4", "COMP_CWORD": "2"}
    done = subprocess.run([program], env=os.environ | asked, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["4.1", "4.2"]


def test_help_and_hints_do_not_wait_for_torch():
    script = (
        "import sys; from grading import cli; cli.register(); import grading.suites.board;print('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.strip() == "False"


def test_a_full_disk_is_a_sentence(monkeypatch, capsys):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "reports/x")

    monkeypatch.setattr(cli, "register", full)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "reports/x cannot be written: No space left on device\n"
