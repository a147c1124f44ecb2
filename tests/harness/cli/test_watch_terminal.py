"""kata watch for real: its child process, and the whole on a pseudo-terminal and without one."""

import os
import queue
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grading.cli.watching.worker import Worker
from grading.submission.implementation import ROOT
from grading.submission.katas import katas, required
from grading.submission.stubs import write_stubs

OWED = len(required())


def test_the_worker_answers_again_after_a_loop_that_never_ends(tmp_path):
    shutil.copytree(ROOT / "solutions", tmp_path / "mine", ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "mine" / "loss.py"
    right = path.read_text()
    path.write_text("print('noise on the pipe')\n" + right.replace("    return", "    while True: pass\n    return"))
    heard: queue.Queue = queue.Queue()
    worker = Worker(heard.put)
    try:
        worker.ask(str(tmp_path / "mine"), ["test_2_q_sample.py", "test_3_loss.py"], "--guide")
        message = heard.get(timeout=60)
        while message["done"] < 17:
            message = heard.get(timeout=60)
        hung = worker.process
        path.write_text(right)
        worker.ask(str(tmp_path / "mine"), ["test_3_loss.py"], "--guide")
        assert hung.poll() is not None
        messages = [heard.get(timeout=60)]
        while messages[-1]["kind"] == "outcome":
            messages.append(heard.get(timeout=60))
    finally:
        worker.stop()
    ours = [message for message in messages if message["id"] == worker.asked]
    assert ours[-1]["kind"] == "end"
    assert {message["outcome"]["status"] for message in ours[:-1]} == {"passed"}
    assert {message["outcome"]["task"] for message in ours[:-1]} == {"3.1"}


class Terminal:
    """A pseudo-terminal with `kata watch` in it."""

    def __init__(self, folder):
        import fcntl
        import pty
        import struct
        import termios

        self.ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(self.theirs)
        command = [sys.executable, "-c", "from grading.cli import main; main()", "watch", "--impl", str(folder)]
        ends = dict.fromkeys(("stdin", "stdout", "stderr"), self.theirs)
        self.process = subprocess.Popen(command, **ends, start_new_session=True)

    def until(self, text: str) -> str:
        """Everything shown until a text comes."""
        import select

        seen, deadline = "", time.monotonic() + 60
        while text not in seen:
            assert time.monotonic() < deadline, seen
            if select.select([self.ours], [], [], 0.2)[0]:
                seen += os.read(self.ours, 65536).decode(errors="replace")
        return seen

    def restored(self) -> bool:
        import termios

        return termios.tcgetattr(self.theirs) == self.before


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_terminal_from_stub_to_done(tmp_path):
    write_stubs(tmp_path / "mine")
    terminal = Terminal(tmp_path / "mine")
    try:
        assert "1.1 linear_beta_schedule: not written yet" in terminal.until("q quit")
        assert not terminal.restored()
        shutil.copy(ROOT / "solutions" / "beta_schedule.py", tmp_path / "new")
        os.replace(tmp_path / "new", tmp_path / "mine" / "beta_schedule.py")  # as editors save
        assert "2.1 q_sample: not written yet" in terminal.until(f"{len(katas()[0].tasks)} of {OWED} tasks")
        os.write(terminal.ours, b"\x1b[A\x1bOP\x1b[15~q")  # arrows and function keys are no letters, and hide none
        assert terminal.process.wait(20) == 0
        assert terminal.restored()
    finally:
        terminal.process.kill()
        terminal.process.wait()


def command_line(pid: str) -> str:
    """What a process runs; nothing where it has ended."""
    path = Path(f"/proc/{pid}/cmdline")
    return path.read_text() if path.exists() else ""


def below(pid: str) -> list[str]:
    """The processes that a process has started, and they."""
    children = [one for path in Path(f"/proc/{pid}/task").glob("*/children") for one in path.read_text().split()]
    return [*children, *(one for child in children for one in below(child))]


@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform != "linux", reason="needs a pseudo-terminal, and /proc")
def test_tests_of_ones_own_that_never_end_stop_nothing_else(tmp_path):
    """Saving goes on, and q leaves no process behind."""
    write_stubs(tmp_path / "mine")
    (tmp_path / "mine" / "tests").mkdir()
    (tmp_path / "mine" / "tests" / "test_1_1.py").write_text("while True:\n    pass\n")
    terminal = Terminal(tmp_path / "mine")
    try:
        terminal.until("q quit")
        os.write(terminal.ours, b"p")
        while not (own := [one for one in below(terminal.process.pid) if "proving.session" in command_line(one)]):
            terminal.until("running your tests, ")
        (tmp_path / "mine" / "loss.py").touch()
        terminal.until("q quit")
        assert "".join(map(command_line, own)) == ""
        os.write(terminal.ours, b"q")
        assert terminal.process.wait(20) == 0
        assert terminal.restored()
    finally:
        terminal.process.kill()
        terminal.process.wait()


def test_without_a_terminal_there_are_no_keys_and_no_escapes(tmp_path):
    shutil.copytree(ROOT / "solutions", tmp_path / "mine", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-c", "from grading.cli import main; main()", "watch", "--impl", str(tmp_path / "mine")]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True) as process:
        shown = []
        for line in process.stdout:
            shown.append(line)
            if "saved files are tested at once" in line:
                process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    assert f"{OWED} of {OWED} tasks" in "".join(shown)
    assert "\x1b" not in "".join(shown)
