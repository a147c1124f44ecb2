"""Many calls in one frame end as they would one by one; what a child may answer to them is as limited as ever."""

import pytest
import torch
from isolation.test_isolation import written

from grading.isolation import IsolatedImplementation, Limits
from grading.isolation.many_calls import ManyCalls
from grading.isolation.protocol import ProtocolError
from grading.submission.contract import linear_schedule
from grading.submission.errors import SubmissionError
from grading.submission.implementation import ROOT

SCHEDULE = linear_schedule(20)
X = torch.randn(6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
SHARED = {"x_t": X, "eps": X.flip(0), "schedule": SCHEDULE, "noise": X.flip(1)}
NUMBERS = [{"t": t, "t_prev": t - 1, "eta": eta} for t in range(20) for eta in (0.0, 0.3, 1.0)]
STEP = "def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):\n    "


def step(tmp_path, body: str, **limits):
    """Each of an isolated ddim_step with this body."""
    folder = written(tmp_path / "s", ddim_step=STEP + body)
    return IsolatedImplementation(folder, sandbox="none", limits=Limits(**limits))


def test_they_give_the_numbers_of_single_calls():
    with IsolatedImplementation(ROOT / "solutions") as isolated:
        together = isolated.ddim_step.each(SHARED, NUMBERS)
        single = [isolated.ddim_step(**SHARED, **numbers) for numbers in NUMBERS]
    assert len(together) == len(single) == len(NUMBERS)
    assert all(torch.equal(*pair) and pair[0].dtype == torch.float64 for pair in zip(together, single))


def test_numbers_arrive_as_what_they_are(tmp_path):
    body = "assert (type(t), type(eta)) == (int, float)\n    return x_t[0, 0].clone().fill_(10 * t + eta)"
    with step(tmp_path, body) as isolated:
        numbers = [{"t": 3, "t_prev": 2, "eta": 0.1}, {"t": 2, "t_prev": -1, "eta": 1.0}]
        assert [float(a) for a in isolated.ddim_step.each(SHARED, numbers)] == [30.1, 21.0]


def test_an_error_and_an_odd_answer_stand_in_their_own_places(tmp_path):
    body = """if t == 5: raise IndexError("no such t")
    if t == 7: return None
    if t == 8: return x_t[:2]
    if t == 9: return x_t.requires_grad_() * 2
    return x_t + t"""
    with step(tmp_path, body) as isolated:
        answers = isolated.ddim_step.each(SHARED, [{"t": t, "t_prev": -1} for t in range(20)])
    assert [type(answers[t]).__name__ for t in (4, 5, 6, 7)] == ["Tensor", "SubmissionError", "Tensor", "NoneType"]
    assert answers[5].kind == "crash"
    assert "no such t" in answers[5].message
    assert answers[5].frames[-1].line == 2
    assert answers[8].shape == (2, 2)
    assert answers[9].requires_grad
    assert all(torch.equal(answers[t].detach(), X + t) for t in range(20) if t not in (5, 7, 8, 9))


def test_what_they_change_in_place_is_changed_here_too(tmp_path):
    with step(tmp_path, "x_t.data.add_(1); return x_t.sum()") as isolated:
        x_t = torch.zeros(2, 2)
        answers = isolated.ddim_step.each(SHARED | {"x_t": x_t}, [{"t": t, "t_prev": -1} for t in range(3)])
    assert [float(a) for a in answers] == [4, 8, 12]
    assert x_t.tolist() == [[3, 3], [3, 3]]


def test_slow_calls_have_the_time_of_a_single_one_each(tmp_path):
    with step(tmp_path, "import time; time.sleep(0.1); return x_t + t", call=1.5) as isolated:
        answers = isolated.ddim_step.each(SHARED, [{"t": t, "t_prev": -1} for t in range(20)])
    assert all(torch.equal(answer, X + t) for t, answer in enumerate(answers))


@pytest.mark.parametrize(
    ("line", "kind"), [("while True: pass", "timeout"), ("__import__('os')._exit(0)", "gone"), ("x = nowhere", "crash")]
)
def test_who_does_not_answer_one_of_them_is_asked_no_further(tmp_path, line, kind):
    """But for an error, after which the next call has its turn."""
    with step(tmp_path, f"if t == 2:\n        {line}\n    return x_t", call=2.0) as isolated:
        if kind == "crash":
            answers = isolated.ddim_step.each(SHARED, [{"t": t, "t_prev": -1} for t in range(4)])
            assert [isinstance(answer, SubmissionError) for answer in answers] == [False, False, True, False]
            return
        with pytest.raises(SubmissionError) as raised:
            isolated.ddim_step.each(SHARED, [{"t": t, "t_prev": -1} for t in range(4)])
    assert raised.value.kind == kind


STACK, PLAIN = ["tensor", "uint8", [3, 2], "cpu", False, None], {"changed": [], "generators": [], "remarks": []}
ERROR = {"error": "crash", "message": "", "frames": []}
LIES = {
    "no answer": {},
    "more answers than calls": {"alike": STACK},
    "as many, and an error beside": {"alike": ["tensor", "uint8", [2, 2], "cpu", False, None], **ERROR},
    "as many, and a value beside": {"alike": ["tensor", "uint8", [2, 2], "cpu", False, None], "value": ["int", 1]},
    "answers that are no tensor": {"alike": ["list", ["int", 1], ["int", 2]]},
    "one number for all": {"alike": ["tensor", "uint8", [], "cpu", False, None]},
    "none of many": {"alike": ["tensor", "uint8", [0, 2], "cpu", False, None]},
    "a graph": {"alike": ["tensor", "float32", [1, 1], "cpu", True, None]},
}


@pytest.mark.parametrize("lie", LIES)
def test_answers_that_match_no_call_are_refused(lie):
    call = ManyCalls("ddim_step", SHARED, NUMBERS[:2])
    call.message()
    header, body = PLAIN | LIES[lie], memoryview(bytearray(6))
    with pytest.raises(ProtocolError):
        call.update(header, body) if "error" in header else call.result(header, body)


def test_a_longer_answer_than_they_all_can_need_is_not_read():
    call = ManyCalls("ddim_step", SHARED, NUMBERS)
    call.message()
    assert 8 * X.numel() * len(NUMBERS) < call.most_bytes < 1 << 23
