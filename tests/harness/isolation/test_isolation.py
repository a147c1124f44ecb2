"""Behind the pipe all is as in this process, in every sandbox that this machine has; one that it lacks is refused.

Numbers are compared bit for bit.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from grading.experiment.data import make_dataset
from grading.experiment.networks.training import Recipe, train
from grading.isolation import TIERS, IsolatedImplementation, Limits, server
from grading.submission.contract import linear_schedule
from grading.submission.errors import SubmissionError, UsageError
from grading.submission.implementation import ROOT, Implementation
from grading.suites.runner import run_suites

SCHEDULE = linear_schedule(20, torch.float32)
ODD = """
import torch
from .q_sample import q_sample
stash = []
def ddpm_loss(model, x0, t, schedule, noise):
    stash.append(len(stash))
    x_t = q_sample(x0, t, schedule, noise)
    twice = (model(x_t, t) + model(x_t, t)) / 2
    weight = torch.nn.Parameter(torch.ones(()))
    loss = (twice - noise).square().mean() * weight + 0 * stash[-1]
    torch.autograd.grad(loss, weight, retain_graph=True)
    return loss
"""


@pytest.fixture(scope="module", params=TIERS)
def tier(request):
    """Each sandbox in turn, where this machine has it."""
    try:
        server(request.param)
    except UsageError as error:
        pytest.skip(str(error))
    return request.param


@pytest.fixture
def both(tier):
    """The solutions in this process, and behind the pipe."""
    with IsolatedImplementation(ROOT / "solutions", sandbox=tier) as isolated:
        yield Implementation(ROOT / "solutions"), isolated


def written(folder: Path, **modules: str) -> Path:
    folder.mkdir()
    for name in ("beta_schedule", "q_sample", "loss", "ddpm_step", "ddim_step"):
        (folder / f"{name}.py").write_text(modules.get(name) or (ROOT / "solutions" / f"{name}.py").read_text())
    return folder


def batch(seed=0, size=16):
    draw = torch.Generator().manual_seed(seed)
    x0, noise = (torch.randn(size, 2, generator=draw) for _ in range(2))
    return x0, torch.randint(0, 20, (size,), generator=draw), SCHEDULE, noise


# -- the same numbers --------------------------------------------------------------------------------------------------


def trained(impl):
    recipe = Recipe("kata", 16, 1, 20, 32, 1e-3, ema=0.9)
    result = train(impl, make_dataset("moons", 500, 0), SCHEDULE, recipe, 0)
    return result.losses, [p.tolist() for p in result.network.parameters()]


def test_training_gives_the_same_weights(both):
    here, there = both
    assert trained(here) == trained(there)


def test_odd_losses_train_the_same_way(tier, tmp_path):
    """State between calls, two questions, a parameter and a backward pass of its own."""
    folder = written(tmp_path / "odd", loss=ODD)
    with IsolatedImplementation(folder, sandbox=tier) as isolated:
        assert trained(Implementation(folder)) == trained(isolated)


@pytest.mark.parametrize("global_state", [False, True])
def test_samplers_draw_the_same_noise_and_give_the_generator_back(both, global_state):
    found = []
    for impl in both:
        draw = None if global_state else torch.Generator().manual_seed(3)
        args = (lambda x_t, t: x_t * 0.1, torch.ones(8, 2), SCHEDULE)
        torch.manual_seed(3)
        ddpm = impl.ddpm_sample(*args, generator=draw)
        torch.manual_seed(3)
        ddim = impl.ddim_sample(*args, 5, 0.5, generator=draw)
        found.append((ddpm, ddim, torch.zeros(1) if draw is None else draw.get_state()))
    assert all(torch.equal(here, there) for here, there in zip(*found))


def test_dtype_layout_and_gradients_cross_the_pipe(both):
    x0, t, _, noise = batch()
    found = []
    for impl in both:
        leaf = noise.double().t().contiguous().t().requires_grad_()
        value = impl.ddpm_loss(lambda x_t, t: x_t.detach() * x_t.detach(), x0.double(), t, linear_schedule(20), leaf)
        value.backward()
        found.append((value.detach(), leaf.grad))
        assert leaf.grad.stride() == leaf.stride()
    assert all(torch.equal(here, there) for here, there in zip(*found))


def test_what_the_model_raises_comes_out_again(both):
    def model(x_t, t):
        raise IndexError("no such t")

    messages = []
    for impl in both:
        with pytest.raises(SubmissionError, match="IndexError: no such t") as raised:
            impl.ddpm_loss(model, *batch())
        messages.append((raised.value.kind, str(raised.value), len(raised.value.frames)))
    assert messages[0] == messages[1]


def test_an_argument_changed_in_place_is_changed_here_too(tier, tmp_path):
    source = "def q_sample(x0, t, schedule, noise):\n    x0.data.mul_(2); schedule.betas[0] = 9; return x0"
    with IsolatedImplementation(written(tmp_path / "s", q_sample=source), sandbox=tier) as isolated:
        x0, schedule = torch.ones(2, 2), linear_schedule(3)
        assert isolated.q_sample(x0, torch.tensor([0, 1]), schedule, x0.clone()) is x0
    assert x0.tolist() == [[2, 2], [2, 2]]
    assert schedule.betas[0] == 9


def test_the_suites_end_the_same_way():
    outcomes = run_suites("solutions", "--isolated")
    assert {outcome.status for outcome in outcomes} == {"passed"}


def test_isolated_stubs_are_still_to_be_written():
    outcomes = run_suites("exercises", "--isolated", "--all", files=[ROOT / "tests" / "test_2_q_sample.py"])
    assert {(outcome.status, outcome.kind) for outcome in outcomes} == {("failed", "todo")}


# -- what holds in every sandbox -------------------------------------------------------------------------------------

HOSTILE = """
def q_sample(x0, t, schedule, noise):
    import os, time
    {line}
    return x0
"""


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("while True: pass", "timeout"),
        ("os._exit(0)", "gone"),
        ("os.kill(os.getpid(), 11)", "gone"),
        ("print('x' * 10**7); raise ValueError", "crash"),
        ("time.sleep(10**6) if os.fork() == 0 and os.setsid() and os.fork() == 0 else os._exit(7)", "gone"),
    ],
)
def test_the_tree_is_dead_and_nothing_is_left(tier, tmp_path, line, kind):
    """Also where nothing forbids a child to fork twice and to leave its session."""
    kinds = {kind} if tier == "none" or kind == "timeout" else {kind, "crash"}
    box = server(tier).folder / "box"
    before = set(box.iterdir())
    with IsolatedImplementation(
        written(tmp_path / "s", q_sample=HOSTILE.format(line=line)), sandbox=tier, limits=Limits(call=1.0)
    ) as isolated:
        with pytest.raises(SubmissionError) as raised:
            isolated.q_sample(*batch())
        assert raised.value.kind in kinds
        assert torch.equal(isolated.ddpm_step(torch.ones(2, 2), 0, torch.zeros(2, 2), SCHEDULE, None)[0], ONE_STEP)
    assert descendants(server(tier).process.pid) <= (2 if tier == "namespaces" else 0)
    assert set(box.iterdir()) == before  # with bubblewrap the box is a file system of its own, and gone with it


ONE_STEP = torch.ones(2) / SCHEDULE.alphas[0].sqrt()


def descendants(pid: int) -> int:
    """How many processes live below one."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
            except OSError:
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    below, found = [pid], 0
    while below:
        children = parents.get(below.pop(), [])
        below, found = below + children, found + len(children)
    return found


def test_an_endless_loop_is_told_with_its_line_and_costs_its_own_function(tier, tmp_path):
    """The child has a clock of its own; the parent's, which knows no line, is for who does not listen to that one."""
    folder = written(tmp_path / "s", q_sample=HOSTILE.format(line="\n    while True: three = 3"))
    with IsolatedImplementation(folder, sandbox=tier, limits=Limits(call=2.0)) as isolated:
        for again in range(3):
            with pytest.raises(SubmissionError) as raised:
                isolated.q_sample(*batch())
            assert raised.value.kind == "timeout"
            assert bool(raised.value.frames) == (again < 2), "the third time it is not asked"
            assert all("while True" in frame.source for frame in raised.value.frames)
        assert torch.equal(isolated.ddpm_step(torch.ones(2, 2), 0, torch.zeros(2, 2), SCHEDULE, None)[0], ONE_STEP)


def test_all_calls_together_have_a_limit(tier, tmp_path):
    source = HOSTILE.format(line="time.sleep(0.3)")
    folder = written(tmp_path / "s", q_sample=source)
    with IsolatedImplementation(folder, sandbox=tier, limits=Limits(call=1.0, total=0.5)) as isolated:
        isolated.q_sample(*batch())
        with pytest.raises(SubmissionError, match="no answer in time"):
            isolated.q_sample(*batch())
        with pytest.raises(SubmissionError, match=r"the 0\.5 seconds for all calls are used up"):
            isolated.ddpm_step(torch.ones(2, 2), 0, torch.zeros(2, 2), SCHEDULE, None)


def test_matplotlib_can_be_imported_and_finds_nothing_of_an_earlier_submission(tier, tmp_path):
    """Its cache seems to be writable there, and is empty: the grader promises no library but torch, and breaks none."""
    source = """
def q_sample(x0, t, schedule, noise):
    import os
    found = os.listdir(os.environ["MPLCONFIGDIR"])
    import matplotlib.pyplot as plt
    plt.figure()
    return x0 + len(found)
"""
    folder = written(tmp_path / "s", q_sample=source)
    for _ in range(2):
        with IsolatedImplementation(folder, sandbox=tier, limits=Limits(call=30.0)) as isolated:
            assert torch.equal(isolated.q_sample(*batch()), batch()[0])


def test_a_sandbox_that_is_not_to_be_had_is_refused_in_one_sentence():
    environment = {**os.environ, "PATH": "/nonexistent"}
    command = [sys.executable, "-m", "pytest", "--isolated", "--sandbox", "namespaces", "--impl", "solutions", "-q"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    said = ended.stdout + ended.stderr
    assert "--sandbox namespaces is not to be had on this machine" in said
    assert "bubblewrap (bwrap) is not installed" in said
    assert "Traceback" not in said
    assert ended.returncode != 0


def test_a_question_about_a_million_points_is_refused(tier, tmp_path):
    """The model's memory is ours."""
    source = "import torch\ndef ddpm_loss(model, x0, t, schedule, noise):\n    return model(torch.ones(100_000, 2), t)"
    with (
        IsolatedImplementation(written(tmp_path / "s", loss=source), sandbox=tier) as isolated,
        pytest.raises(SubmissionError, match="a question about more numbers than it was given"),
    ):
        isolated.ddpm_loss(lambda x_t, t: x_t, *batch())
