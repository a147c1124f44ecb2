"""Ctrl-C: one line, code 130, and the cursor back, whatever was going on."""

import shutil
import sys

import pytest
from pseudo_terminal import KATA, PYTEST, Program

from grading.submission.katas import ROOT

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal"),
    pytest.mark.timeout(300),
]
BARE = "    while True:\n        try:\n            while True: pass\n        except: pass\n"


@pytest.mark.parametrize(
    ("command", "when"),
    [
        ([*KATA, "--impl", "solutions"], "loading"),
        ([*KATA, "--impl", "solutions"], "testing"),
        ([*PYTEST, "--impl", "solutions", "tests/test_4_ddpm_step.py"], "testing"),
        ([*KATA, "watch", "--impl", "solutions"], "testing"),
        ([*KATA, "grade", "--impl", "solutions"], "tests"),
        ([*KATA, "doctor"], "torch"),
    ],
    ids=["kata, loading", "kata, testing", "pytest", "watch", "grade, tests", "doctor"],
)
def test_one_line_and_code_130(command, when, tmp_path):
    out = ["--out", str(tmp_path)] if "grade" in command else []
    with Program([*command, *out], ROOT) as program:
        program.until(when)
        program.type("\x03")
        seen, code = program.rest()
    assert code == 130
    assert seen.strip().endswith("stopped")
    assert seen.count("stopped") == 1
    assert "Traceback" not in seen
    assert program.shown.rfind("\x1b[?25h") >= program.shown.rfind("\x1b[?25l")


def test_code_that_catches_everything_is_stopped_too(tmp_path):
    shutil.copytree(ROOT / "solutions", tmp_path / "mine", ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "mine" / "q_sample.py"
    path.write_text(path.read_text(encoding="utf-8").replace("    return ", f"{BARE}    return "), encoding="utf-8")
    with Program([*PYTEST, "--impl", str(tmp_path / "mine"), "tests/test_2_q_sample.py", "--guide"], ROOT) as program:
        seen, code = program.rest()
    assert code == 1
    assert "no answer" in seen  # told from within where the exception slips out between two lines, else from without
    assert "mine/q_sample.py:" in seen


AT_EXIT = """
import atexit, os, signal, time
from grading.machine import interrupts
interrupts.install()
atexit.register(lambda: (os.kill(os.getpid(), signal.SIGINT), time.sleep(30)))
"""
AT_ONCE = """
import os, signal
from grading import __main__
from grading.machine import interrupts
interrupts.install = lambda: os.kill(os.getpid(), signal.SIGINT)
__main__.main()
"""


@pytest.mark.parametrize(("script", "code", "says"), [(AT_EXIT, 130, "stopped"), (AT_ONCE, -2, "")])
def test_neither_the_first_moment_nor_the_last_ends_in_a_traceback(script, code, says):
    with Program([sys.executable, "-c", script], ROOT) as program:
        seen, ended = program.rest()
    assert (seen.strip(), ended) == (says, code)
