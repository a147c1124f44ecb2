"""The suites' plain model answers in the child: the parent hears of every question all the same, in order."""

import pytest
import torch
from isolation.test_isolation import written

from grading.isolation import IsolatedImplementation
from grading.isolation.calls import Call
from grading.isolation.protocol import ProtocolError
from grading.judging.conditions.arguments import Model
from grading.judging.sampler_trace import Spy
from grading.submission.contract import linear_schedule
from grading.submission.errors import SubmissionError
from grading.submission.implementation import ROOT, Implementation

SCHEDULE = linear_schedule(1000)
X = torch.randn(64, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
HEAD = "import torch\ndef ddpm_sample(model, x_T, schedule, generator=None):\n    "
TIMES = "torch.zeros(len(x_T), dtype=torch.int64)"


def walk(impl, x_T=X):
    """What the model was asked and said, and where the walk ended."""
    spy = Spy(Model(), x_T)
    result = impl.ddpm_sample(spy, x_T.clone(), SCHEDULE, generator=torch.Generator().manual_seed(1))
    return spy, result


@pytest.fixture
def frames(monkeypatch):
    """The frames in which a child has asked."""
    seen, reply = [], Call.reply
    monkeypatch.setattr(Call, "reply", lambda call, header, body: seen.append(header) or reply(call, header, body))
    return seen


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_walk_is_seen_as_in_this_process_in_a_few_frames(dtype, frames):
    here, end = walk(Implementation(ROOT / "solutions"), X.to(dtype))
    with IsolatedImplementation(ROOT / "solutions") as isolated:
        there, far_end = walk(isolated, X.to(dtype))
    assert torch.equal(end, far_end)
    assert len(there.asked) == len(here.asked) == 1000
    for mine, other in zip(here.asked, there.asked):
        assert all(torch.equal(a, b) and a.dtype == b.dtype for a, b in zip(mine, other))
    assert 0 < len(frames) < 20


def test_a_question_that_is_odd_keeps_its_place(tmp_path):
    """In parts, with one t for all, with a t of another kind, by name, with a graph."""
    body = f"""t = {TIMES}
    for given in ((x_T, t), (x_T[:8], t[:8]), (x_T, t[:1]), (x_T, t.double()), (x_T, t + 1)): model(*given)
    model(x_t=x_T, t=t + 2)
    model(x_T.clone().requires_grad_(), t + 3)
    return model(x_T * 2, t + 4)"""
    seen = []
    for make in (Implementation, lambda folder: IsolatedImplementation(folder, sandbox="none")):
        impl = make(written(tmp_path / f"s{len(seen)}", ddpm_step=HEAD + body))
        spy, result = walk(impl)
        seen.append([*spy.asked, (result,)])
        getattr(impl, "close", lambda: None)()
    assert len(seen[0]) == len(seen[1]) == 9
    assert all(torch.equal(a, b) for mine, other in zip(*seen) for a, b in zip(mine, other))


def test_what_is_done_to_x_afterwards_was_not_asked(tmp_path):
    body = f"x = x_T.clone()\n    for _ in range(3): model(x, {TIMES}); x.mul_(2)\n    return x"
    with IsolatedImplementation(written(tmp_path / "s", ddpm_step=HEAD + body), sandbox="none") as isolated:
        spy, _ = walk(isolated)
    assert all(torch.equal(x, X * 2**i) for i, (x, _) in enumerate(spy.shown))


def test_nobody_asks_without_end(tmp_path):
    folder = written(tmp_path / "s", ddpm_step=f"{HEAD}while True: model(x_T, {TIMES})")
    with (
        IsolatedImplementation(folder, sandbox="none") as isolated,
        pytest.raises(SubmissionError, match="asked the model more than 3016 times"),
    ):
        walk(isolated)


def test_a_model_with_something_to_learn_is_asked_itself(frames):
    model = Model(torch.tensor(0.3, dtype=torch.float64, requires_grad=True))
    with IsolatedImplementation(ROOT / "solutions") as isolated:
        isolated.ddpm_sample(Spy(model, X[:2]), X[:2], linear_schedule(10))
    assert len(frames) == 10


NODE, TIME = ["tensor", "float64", [1, 64, 2], "cpu", False, None], ["tensor", "int64", [1, 64], "cpu", False, None]
LIES = {
    "of a model that is a secret": [[1, NODE, TIME]],
    "of nobody": [[2, NODE, TIME]],
    "about far more than was given": [[0, ["tensor", "float64", [1, 2200], "cpu", False, None], TIME]],
    "about no points": [[0, ["int", 1], TIME]],
    "about one number": [[0, ["tensor", "float64", [], "cpu", False, None], TIME]],
    "no list": 7,
}


@pytest.mark.parametrize("lie", LIES)
def test_questions_that_cannot_be_are_refused(lie):
    with pytest.raises((ProtocolError, TypeError)):  # the parent makes the one of the other
        told(LIES[lie])


def test_and_one_that_can_be_is_not():
    assert len(told([[0, NODE, TIME]]).asked) == 1


def told(heard):
    """The spy of a call whose child tells of these questions."""
    spy = Spy(Model(), X)
    call = Call("ddpm_sample", (spy, X, SCHEDULE, lambda x_t, t: x_t), {})
    call.message()
    call.update({"changed": [], "generators": [], "heard": heard}, memoryview(bytearray(1 << 15)))
    return spy
