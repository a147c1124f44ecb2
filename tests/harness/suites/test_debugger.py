"""`breakpoint()` in a student's function, on a terminal and where there is none."""

import shutil
import subprocess
import sys

import pytest
from pseudo_terminal import KATA, PYTEST, Program

from grading.submission.katas import ROOT

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal"),
    pytest.mark.timeout(300),
]
STOPS = "    breakpoint()\n    return "


@pytest.fixture
def mine(tmp_path):
    shutil.copytree(ROOT / "solutions", tmp_path / "mine", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "mine"


def stopping(folder, wrong):
    path = folder / "q_sample.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("    return ", f"{STOPS}{'-' * wrong}"), encoding="utf-8")


@pytest.mark.parametrize("command", [[*PYTEST, "--task", "2.1"], KATA], ids=["pytest", "kata"])
def test_it_stops_once_in_the_students_frame_of_the_failing_call(mine, command):
    stopping(mine, wrong=True)
    with Program([*command, "--impl", str(mine)], ROOT) as program:
        seen = program.until("(Pdb) ")
        assert "2.1 q_sample: wrong" in seen
        assert "q_sample.py" in seen
        assert "-> return -" in seen
        program.type("p x0.shape\n")
        assert "torch.Size" in program.until("(Pdb) ")
        program.type("c\n")
        seen, _ = program.rest()
    assert "(Pdb)" not in seen  # the checker's own calls
    assert "2.1 q_sample: wrong" in seen


def test_q_leaves_at_once(mine):
    stopping(mine, wrong=True)
    with Program([*PYTEST, "--impl", str(mine), "--task", "2.1"], ROOT) as program:
        program.until("(Pdb) ")
        program.type("q\n")
        seen, code = program.rest()
    assert code == 130
    assert seen.split() == ["q", "stopped"]


def test_where_all_is_right_it_stops_in_the_first_call(mine):
    stopping(mine, wrong=False)
    with Program([*PYTEST, "--impl", str(mine), "--task", "2.1"], ROOT) as program:
        assert "All is right" in program.until("(Pdb) ")
        program.type("c\n")
        assert program.rest()[1] == 0


def test_without_a_terminal_it_is_said_how_to_get_there(mine):
    stopping(mine, wrong=True)
    command = [*PYTEST, "--impl", str(mine), "--task", "2.1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", stdin=subprocess.DEVNULL)
    assert "breakpoint cannot stop here; in a terminal of its own: pytest --impl" in done.stdout
    assert "(Pdb)" not in done.stdout
