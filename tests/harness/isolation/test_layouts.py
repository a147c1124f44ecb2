"""However a right answer lays out its tensors, it passes in this process and behind the pipe alike, bit for bit."""

import random
import re
from pathlib import Path

import pytest
import summary
import torch

from grading.isolation import IsolatedImplementation, Limits
from grading.judging.sampler_trace import walk
from grading.submission.contract import linear_schedule
from grading.submission.implementation import Implementation

STYLES = 200
SCHEDULE = linear_schedule(6)

# The same values in another layout: what may be done to any tensor x ...
LAYOUTS = {
    "as it is": "x",
    "a copy": "x.clone()",
    "every second of a larger one": "spread(x)",
    "a column of a larger one": "torch.stack([x, -x], dim=-1)[..., 0]",
    "turned round twice": "x.flip(0).flip(0)",
    "transposed memory": "x.mT.contiguous().mT if x.ndim > 1 else x",
    "the first dim innermost": "x.movedim(0, -1).contiguous().movedim(-1, 0)",
    "a window of its storage": "torch.cat([x[:1], x, x[:1]])[1:-1]",
    "with a gradient": "x.clone().requires_grad_() if x.is_floating_point() else x",
    "a view with one dim more, and back": "x[None].expand(3, *x.shape)[1]",
    "as_strided": "torch.as_strided(x.contiguous(), x.shape, x.contiguous().stride())",
    "a parameter": "torch.nn.Parameter(x.clone(), requires_grad=False).data if x.is_floating_point() else x",
    "a negative view": "torch.complex(x, -x).conj().imag if x.is_floating_point() else x",
}
# ... and the ways to give one t for each of n samples.
TIMES = {
    "full": "torch.full((n,), t)",
    "expand of a 0-dim tensor": "torch.tensor(t).expand(n)",
    "expand of one entry": "torch.tensor([t]).expand(n)",
    "broadcast_to": "torch.broadcast_to(torch.tensor(t), (n,))",
    "a row of a matrix": "torch.full((3, n), t)[1]",
    "a column of a matrix": "torch.full((n, 3), t)[:, 1]",
    "every second of more": "torch.full((2 * n,), t)[::2]",
    "repeat": "torch.tensor([t]).repeat(n)",
    "an expanded column": "torch.tensor([[t]]).expand(n, 3)[:, 0]",
    "a list": "torch.tensor([t] * n)",
    "zeros and t": "torch.zeros(n, dtype=torch.int64) + t",
    "new_full": "x.new_full((n,), t, dtype=torch.int64)",
    "arange times 0": "0 * torch.arange(n) + t",
    "one number": "torch.tensor(t).expand(n).contiguous()",
}
SOURCE = """
import torch
def spread(x):
    large = torch.zeros(2 * len(x), *x.shape[1:], dtype=x.dtype)
    large[::2] = x
    return large[::2]
def asked(x): return {asked}
def returned(x): return {returned}
def times(t, n, x): return {times}
def q_sample(x0, t, schedule, noise):
    a = asked(schedule.alphas_cumprod)[t].reshape(-1, *[1] * (x0.ndim - 1))
    return returned((a**0.5 * asked(x0) + (1 - a) ** 0.5 * noise).detach())
"""
LOSS = """
import torch
from .q_sample import asked, q_sample, returned
def ddpm_loss(model, x0, t, schedule, noise):
    return (model(asked(q_sample(x0, t, schedule, noise)), asked(t)) - returned(noise)).square().mean()
"""
WALK = """
import torch
from .q_sample import asked, returned, times
@torch.no_grad()
def ddim_sample(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    x, bars = x_T, torch.cat([schedule.alphas_cumprod, torch.ones(1, dtype=x_T.dtype)])
    for t in range(len(schedule.betas) - 1, -1, -1):
        eps = model(asked(x).detach(), times(t, len(x), x))
        x0 = (x - (1 - bars[t]) ** 0.5 * eps) / bars[t] ** 0.5
        x = bars[t - 1] ** 0.5 * x0 + (1 - bars[t - 1]) ** 0.5 * eps
    return returned(x).detach()
"""


def written(folder: Path, rng: random.Random) -> tuple[str, str, str]:
    """A submission in a style drawn at random; says which."""
    chosen = rng.choice([*LAYOUTS]), rng.choice([*LAYOUTS]), rng.choice([*TIMES])
    folder.mkdir()
    source = SOURCE.format(asked=LAYOUTS[chosen[0]], returned=LAYOUTS[chosen[1]], times=TIMES[chosen[2]])
    (folder / "q_sample.py").write_text(source)
    (folder / "loss.py").write_text(LOSS)
    (folder / "ddim_step.py").write_text(WALK)
    return chosen


def seen(impl, shape: tuple[int, ...]) -> list:
    """All that a suite could see of a submission: values, what the model was shown, gradients."""
    draw = torch.Generator().manual_seed(3)
    x, noise = (torch.randn(shape, generator=draw, dtype=torch.float64) for _ in range(2))
    t = torch.randint(0, 6, shape[:1], generator=draw)
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)
    shown = []

    def model(x_t, t):
        shown.append((x_t.detach().clone(), t.clone(), x_t.dtype, t.dtype, t.shape))
        return weight * x_t * (1 + t.reshape(-1, *[1] * (x_t.ndim - 1)))

    mixed = impl.q_sample(x, t, SCHEDULE, noise)
    loss = impl.ddpm_loss(model, x, t, SCHEDULE, noise)
    loss.backward()
    path = walk(impl.ddim_sample, lambda x_t, t: 0.1 * x_t, x, SCHEDULE)
    return [mixed.detach(), mixed.requires_grad, loss.detach(), weight.grad, shown, path.timesteps, path.states]


def alike(a, b) -> bool:
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(alike, a, b))
    return torch.equal(a, b) and a.dtype == b.dtype if isinstance(a, torch.Tensor) else a == b


@pytest.mark.timeout(600)
def test_two_hundred_styles_of_layout_are_the_same_on_both_sides_of_the_pipe(tmp_path):
    rng, differ = random.Random(15), []
    for i in range(STYLES):
        folder = tmp_path / f"s{i}"
        style = written(folder, rng)
        shape = rng.choice([(4, 2), (1, 2), (3,), (1,), (2, 3, 2), (7, 1), (1, 1)])
        here = seen(Implementation(folder), shape)
        with IsolatedImplementation(folder, sandbox="none") as isolated:
            there = seen(isolated, shape)
        if not alike(here, there):
            differ.append((style, shape))
    summary.lines.append(f"styles of layout alike in process and isolated {STYLES - len(differ)}/{STYLES}")
    assert not differ


COMPILED = """
import torch
@torch.compile
def mixed(a, x0, noise): return a**0.5 * x0 + (1 - a) ** 0.5 * noise
@torch.compile(fullgraph=True)
def again(x): return x
def q_sample(x0, t, schedule, noise):
    return again(mixed(schedule.alphas_cumprod[t].reshape(-1, *[1] * (x0.ndim - 1)), x0, noise))
"""


def test_a_compiled_function_runs_eagerly_in_the_sandbox_and_says_so(tmp_path, capsys):
    folder = tmp_path / "compiled"
    folder.mkdir()
    (folder / "q_sample.py").write_text(COMPILED)
    x = torch.ones(2, 2, dtype=torch.float64)
    with IsolatedImplementation(folder, limits=Limits(call=20.0)) as isolated:
        value = isolated.q_sample(x, torch.tensor([0, 5]), SCHEDULE, x)
    a = SCHEDULE.alphas_cumprod[[0, 5]][:, None]
    assert torch.equal(value, a**0.5 * x + (1 - a) ** 0.5 * x)
    assert re.search("torch.compile is left out in the sandbox: this runs eagerly", capsys.readouterr().out)


@pytest.mark.parametrize("strides", [(1, 1 << 30), (0, 0), (1 << 39, 1)])
def test_a_layout_with_gaps_takes_no_more_memory_than_its_numbers(strides):
    from grading.isolation.values import Reader

    node = ["tensor", "float64", [2, 2], "cpu", False, list(strides)]
    value = Reader(memoryview(bytearray(32))).value(node)
    assert value.untyped_storage().nbytes() <= 32
