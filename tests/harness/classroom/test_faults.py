"""A gradebook's folder when things go wrong: two runs, a full disk, a killed run, the wrong class."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from class_of_twenty import put
from test_regrading import TERMS, Grader, a_class

from grading.classroom.gradebook import gradebook
from grading.machine.files import scratch_folder, sweep
from grading.submission.errors import UsageError
from grading.submission.implementation import ROOT

HERE = Path(__file__).parents[1]


def test_two_runs_at_once_are_told_apart(tmp_path):
    a_class(tmp_path / "class")

    def told(*_):
        with pytest.raises(UsageError, match="another run is writing there"):
            gradebook(tmp_path / "class", tmp_path / "out", TERMS, Grader())

    assert len(gradebook(tmp_path / "class", tmp_path / "out", TERMS, Grader(), told)) == 4
    assert len(gradebook(tmp_path / "class", tmp_path / "out", TERMS, Grader())) == 4  # the lock is gone


def test_another_section_does_not_overwrite_the_first(tmp_path):
    gradebook(a_class(tmp_path / "a" / "class"), tmp_path / "out", TERMS, Grader())
    before = (tmp_path / "out" / "gradebook.csv").read_bytes()
    with pytest.raises(UsageError, match="holds the gradebook of"):
        gradebook(a_class(tmp_path / "b" / "class"), tmp_path / "out", TERMS, Grader())
    assert (tmp_path / "out" / "gradebook.csv").read_bytes() == before


def test_a_disk_that_is_full_midway_is_a_sentence_and_loses_nothing(tmp_path, monkeypatch):
    a_class(tmp_path / "class")
    from grading.classroom.gradebook import shelf

    write, room = shelf.write_whole, [14]

    def until_full(path, content):
        room[0] -= 1
        if room[0] < 0:
            raise OSError(28, "No space left on device", str(path))
        write(path, content)

    monkeypatch.setattr(shelf, "write_whole", until_full)
    with pytest.raises(UsageError, match=r"No space left on device.*run again") as told:
        gradebook(tmp_path / "class", tmp_path / "out", TERMS, Grader())
    assert "\n" not in str(told.value)
    kept = len(list((tmp_path / "out" / "measured").iterdir()))
    assert kept >= 1
    monkeypatch.undo()
    grader = Grader()
    rows = gradebook(tmp_path / "class", tmp_path / "out", TERMS, grader)
    assert {row.status for row in rows} == {"graded"}
    assert len(grader.asked) == 3 - kept


ON_A_SMALL_DISK = """
import json, sys
from pathlib import Path
from test_regrading import TERMS, Grader, a_class
from grading.classroom.gradebook import gradebook
from grading.submission.errors import UsageError

disk = Path(sys.argv[1])
folder, out = a_class(Path(sys.argv[2])), disk / "out"
(disk / "ballast").write_bytes(bytes(int(sys.argv[3])))
try:
    gradebook(folder, out, TERMS, Grader())
    sys.exit("it had room enough")
except UsageError as error:
    told = str(error)
assert "No space left on device" in told and "run again when there is room" in told and "\\n" not in told, told
kept = list(out.glob("measured/*.json"))
for path in [*kept, *out.glob("gradebook.json"), *out.glob("students/*/result.json")]:
    json.loads(path.read_text())
assert not list(out.rglob(".*.part")), list(out.rglob(".*.part"))
(disk / "ballast").unlink()
grader = Grader()
rows = gradebook(folder, out, TERMS, grader)
assert {row.status for row in rows} == {"graded"}, rows
assert len(grader.asked) == 3 - len(kept), (grader.asked, kept)
print(len(kept))
"""


@pytest.mark.timeout(180)
@pytest.mark.skipif(not shutil.which("bwrap"), reason="a small disk is made by bubblewrap, which is not installed")
def test_a_disk_that_is_really_full_is_a_sentence_and_loses_nothing(tmp_path):
    """A tmpfs with room for nothing at all, and for some of the measurements."""
    disk, size = tmp_path / "disk", 1 << 20
    disk.mkdir()
    small = ["bwrap", "--dev-bind", "/", "/", "--size", str(size), "--tmpfs", str(disk)]
    if subprocess.run([*small, "true"], check=False, capture_output=True).returncode:
        pytest.skip("bubblewrap may not mount anything here")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *map(str, (HERE, HERE / "classroom"))])}
    kept = set()
    for room in (40_000, 130_000):
        code = [sys.executable, "-c", ON_A_SMALL_DISK, str(disk), str(tmp_path / str(room)), str(size - room)]
        made = subprocess.run([*small, *code], env=environment, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr
        kept.add(int(made.stdout))
    assert len(kept) > 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes anywhere")
def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "out").mkdir(mode=0o500)
    with pytest.raises(UsageError, match="cannot be written there"):
        gradebook(a_class(tmp_path / "class"), tmp_path / "out", TERMS, Grader())


def test_what_a_killed_run_left_is_swept_away_and_a_living_one_s_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    alive = scratch_folder()
    gone = tmp_path / alive.name.replace(f"-{os.getpid()}-", "-99999999-")
    (gone / "work").mkdir(parents=True)
    (tmp_path / "kata-of-somebody").mkdir()
    sweep()
    assert {path.name for path in tmp_path.iterdir()} == {alive.name, "kata-of-somebody"}


@pytest.mark.skipif(sys.platform != "linux", reason="needs bubblewrap or the portable tier of Linux")
def test_a_grader_that_is_killed_leaves_nothing_once_another_has_run(tmp_path):
    """kill -9 while the sandbox's server is up: no process of it survives, and the next one removes its folder."""
    code = "import time; from grading.isolation import server; server(); print('up', flush=True); time.sleep(600)"
    environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    run = [sys.executable, "-c", code]
    first = subprocess.Popen(run, env=environment, stdout=subprocess.PIPE, text=True)
    assert first.stdout.readline() == "up\n"
    left = {path.name for path in tmp_path.iterdir() if path.name.startswith("kata-")}
    first.kill()
    first.wait()
    assert left
    end = time.monotonic() + 20
    while any(processes(name) for name in left) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(processes(name) for name in left)
    subprocess.run(
        [sys.executable, "-c", "from grading.machine.files import sweep; sweep()"], env=environment, check=True
    )
    assert not [path for path in tmp_path.iterdir() if path.name in left]


def processes(mark: str) -> list[str]:
    """Command lines with a mark in them."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if mark in command:
            found.append(command)
    return found


def test_half_written_files_are_swept_away(tmp_path):
    a_class(tmp_path / "class")
    put(tmp_path / "out" / "students" / "ada", {".report.html.x1.part": "half"})
    gradebook(tmp_path / "class", tmp_path / "out", TERMS, Grader())
    assert not list((tmp_path / "out").rglob("*.part"))
