"""A whole class: the right verdict in each row, whatever the submissions are, and whenever the run was killed."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import class_of_twenty as twenty
import pytest
import summary
from class_of_twenty import FILES, put, terms
from made_results import HOSTILE, made

from grading.classroom.collect import Submission
from grading.classroom.feedback import feedback
from grading.classroom.gradebook import gradebook, launch
from grading.classroom.gradebook.answer import Answer, Lost, receive
from grading.classroom.gradebook.record import record
from grading.classroom.gradebook.rows import Row, to_csv
from grading.classroom.overview import class_page
from grading.grade.rubric import load_rubric
from grading.submission.implementation import ROOT


def no_run(submissions, terms):
    raise AssertionError("everything is graded already")


def grader_processes(mark: str) -> list[str]:
    """Processes of ours: those with the mark in their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):  # empty where there is no /proc
        if int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if mark in command:
                found.append(command)
    return found


def wait_until(true, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(true())


@pytest.mark.timeout(400)
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_class_gets_the_right_rows_before_and_after_a_kill(tmp_path, monkeypatch):
    submissions, out, scratch = tmp_path / "class", tmp_path / "out", tmp_path / "scratch"
    twenty.build(submissions)
    scratch.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("TMPDIR", str(scratch))
    command = [sys.executable, twenty.__file__, str(submissions), str(out)]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    some = wait_until(lambda: len(list(out.glob("measured/*.json"))) >= 3 or first.poll() is not None, 300)
    first.send_signal(signal.SIGKILL)
    assert some
    assert first.wait() == -signal.SIGKILL, first.stderr.read().decode()
    kept = {path: path.stat().st_mtime_ns for path in out.glob("measured/*.json")}
    early = json.loads((out / "gradebook.json").read_text())["rows"]
    assert wait_until(lambda: not grader_processes(str(scratch)), 20), grader_processes(str(scratch))

    began = time.monotonic()
    ran: list[Row] = []
    *rows, aside = gradebook(submissions, out, terms(), told=lambda row, *_: ran.append(row))
    assert [twenty.wrong(row) for row in rows] == [""] * len(rows)
    assert [row.name for row in rows] == sorted([*twenty.EARNS_NOTHING, *twenty.REFUSED], key=str.casefold)
    assert (aside.name, aside.status) == ("roster.csv", "aside")
    assert list(scratch.iterdir()) == []  # nothing is left of either run
    assert len(rows) == 20
    assert len(kept) >= 3
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    by_name = {row["name"]: row for row in read_csv(out)}
    for row in early:
        if row["status"] not in ("waiting", "aside"):
            assert float(by_name[row["name"]]["total"]) == row["total"], row

    *again, _ = gradebook(submissions, out, terms(), no_run)
    assert [twenty.wrong(row) for row in again] == [""] * len(rows)
    summary.lines.append(f"gradebook: {len(rows)} submissions, killed after {len(kept)}, ended {len(rows)} right rows")
    for row in rows:
        shown = f"{row.points:5.0f}" if row.result else "    -"
        summary.lines.append(f"  {row.name:<22} {row.status:<8} {shown}  {row.message[:70]}")
    summary.lines.append(f"  the second run took {time.monotonic() - began:.0f} s")


def read_csv(out: Path) -> list[dict]:
    with open(out / "gradebook.csv", newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    return [row | {"name": row["name"].removeprefix("'")} for row in rows]


# -- what comes back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("kill -9 $$", "killed (SIGKILL)"),
        ("echo 'out of luck' >&2; exit 3", "ended with code 3: out of luck"),
        ("exit 0", "ended with code 0"),
        ("exec sleep 1000", "no result within 0.5 seconds"),
        ("trap '' TERM; while :; do sleep 1; done", "no result within 0.5 seconds"),
        ("echo '{' > $3/answer-0.json", "is no measurement"),
        ("""echo '{"points": 100}' > $3/answer-0.json""", "is no measurement"),
    ],
)
def test_a_process_that_dies_hangs_or_lies_is_a_sentence(script, says, tmp_path, monkeypatch):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(launch, "OVERTIME", 0.0)
    monkeypatch.setattr(launch, "GRACE", 0.2)
    put(tmp_path / "class" / "ada", FILES)
    rows = gradebook(tmp_path / "class", tmp_path / "out", terms(deadline=0.5))
    assert (rows[0].status, rows[0].points) == ("failed", 0)
    assert says in rows[0].message
    assert not list((tmp_path / "out").glob("measured/*.json"))  # the next run tries again


def test_a_run_that_is_interrupted_leaves_no_process(tmp_path, monkeypatch):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nmkdir {tmp_path}/first && exit 3\nwhile :; do sleep 0.1; done\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(launch, "GRACE", 0.2)
    for name in ("ada", "bo", "cy"):
        put(tmp_path / "class" / name, {"loss.py": f"# {name}"})

    def interrupt(row, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gradebook(tmp_path / "class", tmp_path / "out", terms(train="each"), told=interrupt)
    assert wait_until(lambda: not grader_processes(str(python)), 5)
    rows = json.loads((tmp_path / "out" / "gradebook.json").read_text())["rows"]
    assert sorted(row["status"] for row in rows) == ["failed", "waiting", "waiting"]


LIES = {
    "a task less": lambda data: data["tasks"].pop(),
    "a sampler twice": lambda data: data["samplers"].append(data["samplers"][0]),
    "a negative distance": lambda data: data["samplers"][0].update(chamfer=-1.0),
    "a distance in words": lambda data: data["samplers"][0].update(chamfer="near"),
    "nearer than it is": lambda data: data["samplers"][0].update(counted=0.1),
    "counted without a distance": lambda data: data["samplers"][0].update(chamfer=None),
    "a test that half passes": lambda data: data["tasks"][0]["cases"][0].update(status="half"),
    "another setting": lambda data: data["settings"].update(seed=7),
    "another form": lambda data: data.update(format=0),
}
NOTHING_DRAWN = {"clouds": {}, "loss": "", "player": ""}


def on_terms():
    return terms(rubric=load_rubric())


def answer(result) -> str:
    return Answer(result, NOTHING_DRAWN, b"").to_json()


def honest(message="", passing=None):
    result = made(message, passing=not message if passing is None else passing)
    result.settings.clear()
    result.settings.update(on_terms().setting)
    return result


def test_an_honest_answer_is_taken():
    measured, proved = receive(answer(honest()), on_terms())
    assert (measured.result, proved) == (honest(), None)


@pytest.mark.parametrize("lie", LIES)
def test_an_answer_that_cannot_be_is_refused(lie):
    data = json.loads(answer(honest()))
    result = json.loads(data["result"])
    LIES[lie](result)
    with pytest.raises(Lost, match="is no measurement"):
        receive(json.dumps(data | {"result": json.dumps(result)}), on_terms())


def test_the_points_of_an_answer_do_not_count(tmp_path):
    """What a measurement is worth is worked out here, from its tests and distances."""
    result = json.loads(honest("wrong").to_json())
    for task in result["tasks"]:
        task.update(points=400.0, max_points=400.0, status="done")
    data = json.loads(answer(honest())) | {"result": json.dumps(result)}
    put(tmp_path / "class" / "ada", FILES)

    def run(submissions, terms):
        for submission in submissions:
            yield submission, json.dumps(data)

    (row,) = gradebook(tmp_path / "class", tmp_path / "out", on_terms(), run)
    assert row.points == 20  # the two samplers'
    assert {task.status for task in row.result.tasks} == {"wrong"}


# -- what is shown ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-1", "@x", "\t=1", " =1", "\uff1d1", "\r\n=1"])
def test_no_name_is_a_formula(name):
    (row,) = csv.DictReader(to_csv([Row(name, "refused", message=name)]).removeprefix("\ufeff").splitlines())
    for text in (row["name"], row["message"]):
        assert text.startswith("'")
        assert "\n" not in text


def test_hostile_text_stays_text_in_the_table():
    who = Submission("<script>alert(1)</script>", "x", notes=(HOSTILE,), section="<b>", files={"loss.py": b""})
    row = Row(who.name, "waiting", submission=who, thumbnail=b"png", report='x"><img/report.html').regraded(
        honest(HOSTILE)
    )
    page = class_page([row], record([row], on_terms(), {"date": "today"}))
    page.encode()
    to_csv([row]).encode()
    feedback(row).encode()
    assert page.count("<script") == 1
    assert "<img/" not in page
    assert page.count("<img ") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
