"""A submission's own tests in its grade: judged in the sandbox by their answers alone, worth what a rubric says."""

from dataclasses import replace

import pytest
from made_results import FULL

from grading.grade.proofs import proofs
from grading.grade.result import Result
from grading.grade.rubric import load_rubric
from grading.grade.worth import worth
from grading.proving.run import file_of, provable
from grading.reports.parts import parts
from grading.submission.errors import UsageError
from grading.submission.implementation import ROOT
from grading.submission.katas import task

HERE = ROOT / "tests" / "harness" / "proving"
COMPLETE = {one.id: (HERE / "complete" / file_of(HERE, one).name).read_text() for one in provable()}
FORGED = """
import gc, socket, json, struct

def test_a(q_sample, schedule_of):
    pipe = next(held for held in gc.get_objects() if isinstance(held, socket.socket))
    for status in ("passed", "failed"):
        told = {"kind": "outcome", "test": "test_b", "status": status, "line": 1, "calls": 1, "implementation": 0}
        text = json.dumps({"told": told}).encode()
        pipe.sendall(struct.pack("!4sII", b"kata", len(text), 0) + text)
    assert q_sample
"""


@pytest.fixture
def graded(tmp_path):
    def judged(texts, tier="namespaces", **how):
        for id, text in texts.items():
            path = file_of(tmp_path, task(id))
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return {one.id: one for one in proofs(tmp_path, tier, **how)}

    return judged


@pytest.mark.timeout(300)
@pytest.mark.parametrize("id", ["1.4", "3.1", "4.2", "5.2"])
def test_a_complete_set_is_complete_behind_the_pipe(graded, id):
    """Changed arguments, gradients, models of the test's own, generators: all of it crosses."""
    proof = graded({id: COMPLETE[id]})[id]
    assert (proof.problem, proof.refusals) == ("", [])
    assert (proof.accepted, proof.caught) == (proof.rights, proof.wrongs)
    assert proof.rights


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("import os\nos._exit(0)\n", "ends the process"),
        ("def test_a(q_sample:\n", "cannot be read: line 1"),
        ("", "has no tests yet"),
    ],
)
def test_a_file_that_is_no_test_earns_nothing(graded, text, problem):
    proof = graded({"2.1": text})["2.1"]
    assert problem in proof.problem
    assert proof.caught == 0


@pytest.mark.timeout(300)
def test_nothing_outside_can_be_read_or_written(graded):
    text = "def test_a(q_sample):\n    open('{}')\n"
    assert "test_a breaks" in graded({"2.1": text.format(ROOT / "solutions" / "q_sample.py")})["2.1"].refusals[0]


@pytest.mark.timeout(300)
def test_forged_outcomes_tell_no_right_one_from_a_wrong_one(graded):
    """What a process claims is the same for each implementation, since it does not know which one it has."""
    proof = graded({"2.1": FORGED})["2.1"]
    assert proof.caught == 0


def test_without_a_sandbox_nothing_is_run(graded):
    proof = graded({"2.1": COMPLETE["2.1"]}, "none (in this process)")["2.1"]
    assert proof.problem == "not run: tests of a submission are run in a sandbox only"


def test_only_a_rubric_that_wants_them_asks_for_tests(graded):
    assert graded({}) == {}
    wanted = graded({}, wanted=True)
    assert [*wanted] == [one.id for one in provable()]
    assert {one.problem for one in wanted.values() if one.id == "2.1"} == {"there is no tests/test_2_1.py"}


def test_points_are_the_rubrics(graded):
    """Two tasks share ten points; one catches three of five."""
    two = [*graded({}, wanted=True).values()][:2]
    two = [replace(one, problem="", caught=caught, wrongs=5, rights=6) for one, caught in zip(two, (3, 0))]
    measured = replace(FULL, proofs=two)
    before = worth(measured, load_rubric())
    after = worth(measured, replace(load_rubric(), prove=10.0))
    assert (before.points, before.max_points) == (FULL.points, FULL.max_points)
    assert (after.points - before.points, after.max_points - before.max_points) == (3, 10)
    assert Result.from_json(after.to_json()) == after
    assert [part.points for part in parts(after)][-2:] == [3, 0]


def test_the_rubrics_row_is_a_number(tmp_path):
    rubric = tmp_path / "rubric.toml"
    rubric.write_text("prove = 10\n")
    assert load_rubric(rubric).prove == 10
    assert load_rubric().prove == 0
    rubric.write_text('prove = "ten"\n')
    with pytest.raises(UsageError, match=r"prove must be a number from 0"):
        load_rubric(rubric)
