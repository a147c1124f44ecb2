"""kata watch: what it reruns, what it shows, and its keys; the child process is pretended."""

from dataclasses import asdict
from pathlib import Path

import pytest

from grading.cli import hints, reset
from grading.cli.watching import watch_session
from grading.cli.watching.watch_session import Session
from grading.submission.katas import required, tasks
from grading.submission.stubs import write_stubs
from grading.suites.board import Outcome

OWED = len(required())


class Pretended:
    """A worker that only notes what it is asked."""

    def __init__(self, told):
        self.told, self.asked, self.warm, self.busy = told, 0, True, False
        self.files: list[list[str]] = []
        self.stops = 0

    def ask(self, impl, files, *options):
        self.asked += 1
        self.files.append([file[5] for file in files])

    def stop(self):
        self.stops += 1


class Beside:
    """A command beside the watch that only notes what it is asked."""

    def __init__(self, told):
        self.ran: list[tuple[str, ...]] = []
        self.going = False

    def run(self, *words):
        self.ran.append(words[: words.index("--impl")])
        self.going = True

    def is_running(self, pid):
        return self.going

    def stop(self):
        self.going = False


@pytest.fixture
def watch(tmp_path, monkeypatch):
    """A session over a folder of stubs, with a pretended worker; `answer` ends the run under way."""
    monkeypatch.setattr(watch_session, "Worker", Pretended)
    monkeypatch.setattr(watch_session, "Aside", Beside)
    monkeypatch.setattr(hints, "GIVEN", tmp_path / ".kata" / "hints.json")
    monkeypatch.setattr(reset, "KEPT", tmp_path / ".kata" / "kept")
    monkeypatch.chdir(tmp_path)
    write_stubs(tmp_path / "mine")
    made = Session(str(tmp_path / "mine"), lambda message: None)
    made.begin(keys=True)
    return made


def answer(watch, **failures: str) -> None:
    """Pass every test of the katas under way but those of the tasks named as t4_1="wrong"."""
    numbers = [int(number) for number in watch.worker.files[-1]]
    for task in tasks():
        if task.kata in numbers:
            kind = failures.get(f"t{task.id.replace('.', '_')}")
            headline = f"{task.id} {task.function}: {kind}\n  at         mine/{task.module}.py:3  x\n  hint       kata"
            status, at = "failed" if kind else "passed", f"{task.module}.py:3"
            seen = Outcome(task.id, "", "", status, kind or "", headline, None, 0.0, at=at)
            told(watch, "outcome", outcome=asdict(seen), done=1, of=2)
    told(watch, "end")


def told(watch, kind: str, **rest) -> None:
    watch.on_worker({"kind": kind, "id": watch.worker.asked, **rest})


def reach(watch, number: int, **failures: str) -> None:
    """Answer until a kata has been tested, with failures there."""
    for _ in range(number - 1):
        answer(watch)
    answer(watch, **failures)


def test_it_goes_kata_by_kata_to_the_first_that_is_not_done(watch, capsys):
    reach(watch, 4, t4_1="wrong")
    assert watch.worker.files == [["1"], ["2"], ["3"], ["4"]]
    shown = capsys.readouterr().out
    assert "4.1 ddpm_step: wrong" in shown
    assert "open  mine/ddpm_step.py:3" in shown
    assert "kata hint" not in shown
    assert f"7 of {OWED} tasks" in shown


def test_a_save_reruns_the_current_kata_alone(watch):
    reach(watch, 4, t4_1="wrong")
    watch.on_save({"ddpm_step"})
    assert watch.worker.files[4:] == [["4"]]


def test_a_save_of_an_earlier_file_reruns_all_that_builds_on_it(watch):
    reach(watch, 4, t4_1="wrong")
    watch.on_save({"q_sample", "ddim_step"})
    reach(watch, 3, t4_1="wrong")
    assert watch.worker.files[4:] == [["2"], ["3"], ["4"]]


def test_what_was_finished_is_said_once(watch, capsys):
    reach(watch, 4, t4_1="wrong", t4_2="wrong")
    watch.on_save({"ddpm_step"})
    answer(watch, t4_2="wrong")
    shown = capsys.readouterr().out
    assert "done: 4.1 ddpm_step\n" in shown
    assert "see   press s: Why can even" in shown
    watch.on_save({"ddpm_step"})
    answer(watch, t4_2="wrong")
    assert "done:" not in capsys.readouterr().out


def test_all_green(watch, capsys):
    reach(watch, 5)
    shown = capsys.readouterr().out
    assert "All done." in shown
    assert f"{OWED} of {OWED} tasks" in shown


def test_a_save_during_a_test_run_is_tested_after_it(watch):
    watch.on_save({"beta_schedule"})
    assert watch.worker.files == [["1"]]
    answer(watch, t1_1="wrong")
    assert watch.worker.files == [["1"], ["1"]]


def test_a_save_ends_a_test_run_that_does_not_come_back(watch):
    watch.since -= watch_session.PATIENCE
    watch.on_save({"beta_schedule"})
    watch.tick()
    assert watch.worker.files == [["1"], ["1"]]


def test_an_answer_to_a_question_given_up_is_not_listened_to(watch):
    reach(watch, 1, t1_1="wrong")
    watch.on_save({"beta_schedule"})
    watch.on_worker({"kind": "end", "id": watch.worker.asked - 1})
    assert watch.running == 1


def test_code_that_ends_its_process_is_a_failure_of_the_task_under_test(watch, capsys):
    told(watch, "gone", code=0)
    assert (
        "1.1 linear_beta_schedule: the code has ended the process that tested it (exit code 0)"
        in capsys.readouterr().out
    )
    watch.on_save({"beta_schedule"})
    assert watch.worker.files == [["1"], ["1"]]


def test_a_file_beside_the_five_takes_a_fresh_process(watch):
    reach(watch, 1, t1_1="wrong")
    watch.on_save({"helper"})
    assert watch.worker.stops == 1


def test_the_keys(watch, capsys):
    reach(watch, 2, t2_1="wrong")
    for key, shown in (
        ("h", "hint 1 of 3"),
        ("h", "hint 2 of 3"),
        ("l", "5.3 ddim_sample"),
        ("x", "h hint  s see  p prove"),
    ):
        capsys.readouterr()
        watch.on_key(key)
        assert shown in capsys.readouterr().out
    watch.on_key("a")
    assert watch.worker.files[-1] == ["1", "2", "3", "4", "5"]
    answer(watch, t2_1="wrong")
    assert f"{OWED - 1} of {OWED} tasks" in capsys.readouterr().out
    watch.on_key("q")
    assert not watch.going


def test_while_a_command_works_beside_a_save_is_tested_and_q_quits(watch, capsys):
    reach(watch, 2, t2_1="wrong")
    watch.on_key("p")
    assert watch.aside.ran == [("prove", "2.1")]
    watch.on_save({"q_sample"})
    assert watch.worker.files[-1] == ["2"]
    assert not watch.aside.going
    answer(watch, t2_1="wrong")
    watch.on_key("p")
    watch.on_key("q")
    assert not watch.going
    watch.end()
    assert not watch.aside.going


def test_what_a_command_beside_has_shown_is_a_page_of_its_own(watch, capsys, monkeypatch):
    opened = []
    monkeypatch.setattr(watch_session, "view", opened.append)
    reach(watch, 3, t3_1="wrong")
    assert "press s" not in capsys.readouterr().out  # nothing was done since the student began
    watch.on_key("s")
    assert watch.aside.ran == [("plot", "2")]
    watch.on_worker({"kind": "aside", "pid": 1, "shown": "forward    reports/my code/plots/forward.png\nWhere do you"})
    assert "Where do you\n\nany other key: back" in capsys.readouterr().out
    assert opened == [Path("reports/my code/plots/forward.png")]
    watch.on_key("p")
    watch.on_key("x")
    watch.on_worker({"kind": "aside", "pid": 1, "shown": "too late"})
    assert "too late" not in capsys.readouterr().out


def test_there_is_nothing_to_see_before_the_first_kata_is_done(watch):
    reach(watch, 1, t1_1="wrong")
    watch.on_key("s")
    assert watch.aside.ran == []


def test_reset_asks_first(watch, capsys):
    path = watch.folder / "q_sample.py"
    stub = path.read_text()
    path.write_text(stub.replace("raise NotImplementedError", "return NotImplementedError"))
    reach(watch, 2, t2_1="wrong")
    watch.on_key("r")
    watch.on_key("n")
    assert path.read_text() != stub
    watch.on_key("r")
    watch.on_key("y")
    assert path.read_text() == stub
    assert "the stub is back in mine/q_sample.py" in capsys.readouterr().out


def test_the_fullest_screen_fits_too(watch, capsys):
    """Something done, with a picture; remarks; and a failure that is long."""
    for module in ("beta_schedule", "q_sample", "loss"):
        with open(watch.folder / f"{module}.py", "a") as file:
            file.write("\nimport pandas, seaborn, requests\n")
    reach(watch, 1, t1_4="wrong")
    watch.on_save({"beta_schedule"})
    answer(watch)
    capsys.readouterr()
    answer(watch, t2_1="wrong" + "".join(f"\n  row {n}" for n in range(30)))
    lines = capsys.readouterr().out.splitlines()
    assert "done: 1.4 make_schedule" in lines
    assert "  ! and 7 more such lines" in lines
    assert "2.1 q_sample: wrong" in lines
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 80


def test_every_screen_fits_a_small_terminal(watch, capsys):
    reach(watch, 4, t4_1="wrong", t4_2="wrong")
    for key in ("l", "h", "r", "x"):
        capsys.readouterr()
        watch.on_key(key)
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) <= 23
        assert max(map(len, lines)) <= 80
