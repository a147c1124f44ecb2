"""What a call may cost the grader is fixed by its arguments: each attack on its memory, at the size of a real grade."""

import os
import re
import subprocess
import sys

import pytest
import summary
import torch
from isolation.grader_memory import peak_memory, shown

from grading.grade.memory import bounded
from grading.isolation import IsolatedImplementation, Limits
from grading.isolation.budget import Budget
from grading.submission.contract import linear_schedule
from grading.submission.errors import SubmissionError
from grading.submission.implementation import ROOT

SCHEDULE = linear_schedule(1000, torch.float32)
MOST = 150.0  # MiB
SAMPLES = 6000

# What the sampler or the loss does in place of the right thing, and what is said of it.
ATTACKS = {
    "a broadcast of samples and timesteps": (
        "ddpm_loss",
        "return model(x0[:, None], torch.zeros(14_000, dtype=torch.int64)).mean()",
        r"takes x_t \(B, \*dims\) like \(6000, 2\)",
    ),
    "t in a column": (
        "ddpm_sample",
        "return model(x0, torch.zeros(len(x0), 1, dtype=torch.int64))",
        r"takes x_t \(B, \*dims\) like \(6000, 2\)",
    ),
    "x_t on its side": (
        "ddpm_loss",
        "return model(x0.t(), torch.zeros(len(x0), dtype=torch.int64)[:, None]).mean()",
        "takes x_t",
    ),
    "each question twice the last answer": (
        "ddpm_loss",
        "x = x0\n"
        "    for _ in range(16): x = torch.cat([model(x, torch.zeros(len(x), dtype=torch.int64)), x])\n"
        "    return x.mean()",
        "takes x_t|more numbers than it was given",
    ),
    "sixteen questions about all that may be asked": (
        "ddpm_loss",
        "x = torch.cat([x0, x0])\n    for _ in range(99): model(x, torch.zeros(len(x), dtype=torch.int64))",
        "asked the model more than 16 times",
    ),
    "a walk with gradients": (
        "ddpm_sample",
        "x = x0\n    for t in range(999, -1, -1): x = x - 1e-3 * model(x, torch.full((len(x),), t))\n    return x[:7]",
        "",
    ),
    "a walk that never ends": (
        "ddpm_sample",
        "while True: model(x0, torch.zeros(len(x0), dtype=torch.int64))",
        "asked the model more than 3016 times",
    ),
    "a gradient for each of many copies": (
        "ddpm_loss",
        "from grading.isolation import child\n"
        "    child.Call._gradients = lambda *a: [a[2].node(torch.ones(6000, 2)) for _ in range(40)]\n"
        "    return model(x0, t).mean()",
        "too large|gradients that match nothing",
    ),
    "the same argument changed a thousand times": (
        "ddpm_loss",
        "from grading.isolation import child\n"
        "    after = child.Call.after\n"
        "    def many(self, told, writer):\n"
        "        told, buffers = after(self, told, writer)\n"
        "        told['changed'] = [[0, ['tensor', 'uint8', [0], 'cpu', False, None]]] * 1000\n"
        "        return told, buffers\n"
        "    child.Call.after = many\n"
        "    return model(x0, t).mean()",
        "more arguments changed",
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_the_graders_memory_stays_within_its_budget(name, tmp_path):
    function, body, said = ATTACKS[name]
    folder = tmp_path / "submission"
    folder.mkdir()
    module = {"ddpm_loss": "loss", "ddpm_sample": "ddpm_step"}[function]
    head = {"ddpm_loss": "(model, x0, t, schedule, noise)", "ddpm_sample": "(model, x0, schedule, generator=None)"}
    (folder / f"{module}.py").write_text(f"import torch\ndef {function}{head[function]}:\n    {body}\n")
    network = torch.nn.Sequential(torch.nn.Linear(2, 128), torch.nn.SiLU(), torch.nn.Linear(128, 2))
    x, t = torch.randn(SAMPLES, 2), torch.zeros(SAMPLES, dtype=torch.int64)
    arguments = {"ddpm_loss": (x, t, SCHEDULE, x.clone()), "ddpm_sample": (x, SCHEDULE)}[function]
    ended = ""

    def model(x_t, t):
        return network(x_t) + 0 * t[:, None]

    model(x, t)  # what torch takes for its threads is not the attack's
    with IsolatedImplementation(folder, limits=Limits(call=60.0)) as isolated, peak_memory() as peak:
        try:
            getattr(isolated, function)(model, *arguments)
        except SubmissionError as error:
            ended = str(error)
    summary.lines.append(f"  memory      {name:<48} {'ended' if ended else 'returned':<20} {shown(peak)}")
    assert re.search(said, ended), ended
    assert bool(ended) == bool(said)
    assert peak.extra is None or peak.extra < MOST


def test_a_question_in_parts_or_about_one_sample_is_no_attack():
    x = torch.zeros(100, 2)
    budget = Budget("ddpm_sample", (None, x, SCHEDULE), {}, True)
    for rows in (1, 7, 50, 100, 200):
        for t in (torch.zeros(rows), torch.zeros(1), torch.zeros(())):
            assert budget.refusal([x[:1].expand(rows, 2), t]) == ""
    assert budget.refusal([x, 5]) == ""
    big = Budget("ddpm_sample", (None, x.expand(100, 100, 2), SCHEDULE), {}, True)
    assert big.refusal([x.expand(100, 100, 2), torch.zeros(100, 1)])


def test_asking_one_by_one_is_counted_by_what_is_asked():
    x = torch.zeros(50, 2)
    budget = Budget("ddpm_sample", (None, x, linear_schedule(10)), {}, True)
    assert not any(budget.asked_too_often([x[:1], 0]) for _ in range(50 * 10))
    assert any(budget.asked_too_often([x, 0]) for _ in range(60))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts what a process has")
def test_beyond_its_limit_the_grader_is_refused_memory_and_lives_on():
    code = """
import torch
from grading.grade.memory import bounded
with bounded(most=256 << 20):
    for take in (lambda: bytearray(1 << 30), lambda: torch.ones(1 << 28)):
        try: take()
        except (MemoryError, RuntimeError) as error: print("refused")
print(len(bytearray(1 << 29)) >> 20)
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert ended.stdout.split() == ["refused", "refused", "512"], ended.stderr


def test_where_no_limit_is_wanted_none_is_set():
    with bounded(False):
        assert len(bytearray(1 << 20)) == 1 << 20


def test_memory_that_is_refused_costs_the_call(tmp_path, monkeypatch):
    """Whatever in the grader takes it: a sentence, and the next call is answered."""
    folder = ROOT / "solutions"
    with IsolatedImplementation(folder) as isolated:
        x, t = torch.ones(2, 2), torch.tensor([0, 1])
        with monkeypatch.context() as patch:
            patch.setattr("grading.isolation.protocol.Pipe._read", refuse)
            with pytest.raises(SubmissionError, match="more memory than a grade may use"):
                isolated.q_sample(x, t, SCHEDULE, x)
        assert isolated.q_sample(x, t, SCHEDULE, x).shape == (2, 2)


def refuse(*_):
    raise MemoryError
