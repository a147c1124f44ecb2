"""What plain pytest does with the kata's options: guidance, wrong arguments, named files, discovery by an editor."""

import json
import re
import subprocess
import sys

import pytest

from grading.submission.implementation import ROOT
from grading.submission.katas import required
from grading.submission.stubs import write_stubs
from grading.suites import board, display

OWED = len(required())


@pytest.fixture
def run(monkeypatch, capfd):
    """Run pytest on the suites in this process; returns exit code, standard output and standard error."""
    monkeypatch.delenv("KATA_IMPL", raising=False)
    monkeypatch.chdir(ROOT)

    def pytest_on(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = pytest.main(["-pno:cacheprovider", "-c", str(ROOT / "pyproject.toml"), *arguments])
        return (int(code), *capfd.readouterr())

    return pytest_on


@pytest.fixture
def mine(tmp_path, monkeypatch, run):
    """A folder of stubs, tested by plain pytest as if it were exercises/."""
    write_stubs(tmp_path / "mine")
    monkeypatch.setenv("KATA_IMPL", str(tmp_path / "mine"))
    return tmp_path / "mine"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--impl", "nowhere"], "--impl nowhere: there is no such folder; give exercises or solutions, or the path"),
        (["--impl=README.md"], "--impl README.md: that is a file, not a folder"),
        (["--impl=tests"], "--impl tests: that folder has none of the five modules"),
        (["--task", "9.9"], "there is no task '9.9'; the tasks are 1.1, 1.2"),
        (["--device", "tpu"], "--device tpu: give cpu or cuda"),
        (["--sandbox", "paper"], "--sandbox paper: give one of auto, namespaces, portable, limited, none"),
    ],
    ids=" ".join,
)
def test_a_wrong_argument_is_one_sentence_and_exit_code_2(run, arguments, says):
    code, out, err = run(*arguments)
    assert code == 2
    assert err.startswith(says)
    assert len(err.splitlines()) == 1
    assert out == ""


def test_stubs_are_met_calmly(run, mine):
    code, out, _ = run("--guide")
    assert code == 1
    assert "Traceback" not in out
    assert "FAILED" not in out
    assert re.search(r"4 failed, \d+ locked", out)
    assert out.index(f"0 of {OWED} tasks") < out.index("1.1 linear_beta_schedule: not written yet")
    assert len(out.splitlines()) <= 24


def test_the_first_failure_is_shown_in_full_and_once(run, mine):
    path = mine / "q_sample.py"
    path.write_text(path.read_text().replace('raise NotImplementedError("2.1 q_sample")', "print('hm'); return x0"))
    code, out, _ = run("--guide", "tests/test_2_q_sample.py")
    assert code == 1
    assert out.count("2.1 q_sample: wrong") == 1
    assert "hm" in [line.split()[-1] for line in out.splitlines() if line]
    assert "kata hint 2.1" in out


@pytest.mark.parametrize("option", ["-v", "--verbose-failures"])
def test_every_failure_is_shown_on_demand_with_the_command_to_run_it_again(run, mine, option):
    code, out, _ = run("--task", "2.1", option)
    assert code == 1
    assert out.count("2.1 q_sample: not written yet") > 5
    assert f"againpytest--impl{mine}--task2.1" in "".join(out.split())  # wrapped, and a long path anywhere
    assert "locked" not in out.splitlines()[-1]


CHATTY = "    print('B is', len(x0))\n    for k in range({lines}):\n        print('line', k)\n    return x0"
CHOICES = {
    "task": ["--task", "2.1"],
    "node": ["tests/test_2_q_sample.py::test_a_quarter_left_means_half_the_amplitude"],
    "k": ["-k", "by_hand"],
    "x": ["-x", "tests/test_2_q_sample.py"],
    "all": ["--all"],
    "guide": ["--guide"],
}


@pytest.mark.parametrize("arguments", CHOICES.values(), ids=CHOICES)
@pytest.mark.parametrize("code", ["stub", "wrong"])
def test_one_screen_whatever_was_run(run, mine, arguments, code):
    if code == "wrong":
        write_body(mine, "return x0")
    ended, out, _ = run(*arguments)
    assert ended == 1
    assert len(out.splitlines()) <= 24
    assert out.count("not written yet") + out.count(": wrong ") == 1
    assert "kata hint " in out
    assert "Traceback" not in out


def write_body(folder, body):
    path = folder / "q_sample.py"
    path.write_text(path.read_text().replace('    raise NotImplementedError("2.1 q_sample")', f"    {body.strip()}"))


@pytest.mark.parametrize("lines", [3, 40])
def test_what_the_failing_call_printed_is_there_whole_and_alone(run, mine, lines):
    write_body(mine, CHATTY.format(lines=lines))
    _, out, _ = run("--task", "2.1")
    assert out.count("B is ") == 1
    assert [f"line {k}" in out for k in range(lines)] == [True] * lines
    assert out.count("line ") >= lines
    board = out[out.index("board: ") :].splitlines()
    assert len(board) <= 24


def test_a_folder_with_a_space_in_its_name(run, mine):
    mine.rename(mine.parent / "my own")
    folder = mine.parent / "my own"
    path = folder / "q_sample.py"
    path.write_text(path.read_text().replace('raise NotImplementedError("2.1 q_sample")', "return 1 / 0"))
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "1 / 0" in text)
    _, out, _ = run("--impl", str(folder), "--task", "2.1")
    assert f"my own/q_sample.py:{line}" in out
    assert f"pytest --impl '{folder}' --task 2.1" in out


def test_a_narrow_terminal_breaks_no_word(run, mine, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    write_body(mine, "return x0")
    _, out, _ = run("--task", "2.1")
    shown = [line for line in out.splitlines() if str(mine) not in line]
    assert max(map(len, shown)) <= 60
    assert "alpha_bar_t" in out


@pytest.mark.parametrize(
    "options", [["-x"], ["-q"], ["-v"], ["-k", "linear and not quadratic"], ["tests/test_1_beta_schedule.py"]]
)
def test_the_board_comes_with_any_of_pytests_own_options(run, mine, options):
    code, out, _ = run("--guide", *options)
    assert code == 1
    assert "board: " in out
    assert ". 1 The noise schedule" in out


def test_a_green_part_is_not_called_all_done(run):
    code, out, _ = run("--impl", "solutions", "--guide", "tests/test_3_loss.py")
    assert code == 0
    assert "What comes next: kata" in out
    assert "All done" not in out


def test_a_task_that_no_named_file_has_fails_with_a_sentence(run):
    code, out, _ = run("--task", "2.1", "tests/test_3_loss.py")
    assert code == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "None of the tests named here is for task 2.1." in out


def test_nothing_collected_is_not_success(run):
    assert run("-k", "no_such_test")[0] == pytest.ExitCode.NO_TESTS_COLLECTED


def collected(run, *arguments: str) -> set[str]:
    code, out, _ = run("--collect-only", "-q", *arguments)
    assert code == 0
    assert "board: " not in out
    return {line.partition("::")[0] for line in out.splitlines() if "::" in line}


def test_an_editor_discovers_the_suites_and_not_the_projects_own_tests(run):
    settings = json.loads((ROOT / ".vscode" / "settings.json").read_text())
    files = collected(run, *settings["python.testing.pytestArgs"])
    assert files == {f"tests/{path.name}" for path in (ROOT / "tests").glob("test_*.py")}
    assert any("harness" in file for file in collected(run, "tests", "--impl", "solutions"))


def test_pytest_within_exercises_means_the_suites(run, monkeypatch):
    monkeypatch.chdir(ROOT / "exercises")
    assert len(collected(run)) == len(list((ROOT / "tests").glob("test_*.py")))


def test_the_code_may_lie_anywhere(mine):
    """Without a `-c`, pytest takes a folder that follows an option it does not know yet for its root."""
    command = [sys.executable, "-m", "pytest", "-pno:cacheprovider", "--impl", str(mine), "--task", "1.1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "1.1 linear_beta_schedule: not written yet" in done.stdout
    assert "PytestUnknownMarkWarning" not in done.stdout
    assert done.stderr == ""


def test_a_sandbox_that_cannot_be_had_is_one_sentence(run, monkeypatch):
    from grading.isolation import sandbox

    def gone(*_):
        raise sandbox.ServerGone("it does not start")

    monkeypatch.setattr(sandbox, "_living", gone)
    code, _, err = run("--isolated", "--sandbox", "portable", "--impl", "solutions")
    assert code == 2
    assert err == "--sandbox portable is not to be had on this machine (portable: it does not start)\n"


MEASURED = """5.2 ddim_step: wrong value
  called     ddim_step(x_t (4, 2), t=1, t_prev=0, eps (4, 2), schedule (T=10),
             eta=0.75, noise (4, 2))
  got        0.5
  expected   0.7
  because    DDIM eq. 12
  factor of  yours      due
  noise      0.4108     0.289      wrong
  yours is   x_prev = direction + eta * sqrt(beta_t)
             * noise
  due is     x_prev = direction + sigma * noise
  hint       kata hint 5.2"""


@pytest.mark.parametrize("room", range(6, 13))
def test_a_failure_that_is_too_long_keeps_its_headline_and_what_is_due(room):
    failure = board.Outcome("5.2", "", "", "failed", "wrong", MEASURED, None, 0.0, printed="here")
    lines = [line.text for line in display.fitting(None, failure, display.failure_lines(failure), room)]
    assert len(lines) <= room
    assert lines[0] == "5.2 ddim_step: wrong value"
    assert [line.split()[0] for line in lines if line.startswith(("  yours is", "  due is"))] == ["yours", "due"]
    assert "             * noise" in lines
