"""Whatever a loss or a sampler returns, and whenever the time is over, a grade has a result and a sentence."""

import shutil
from dataclasses import replace

import pytest
import torch

from grading.experiment.networks import training
from grading.experiment.stages import Setting, sample_stage, train_stage
from grading.grade.deadline_soak import soak
from grading.submission.implementation import ROOT, Implementation, Replaced

SETTING = Setting(num_points=64)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Training takes 60 steps."""
    monkeypatch.setitem(training.RECIPES, "kata", replace(training.RECIPES["kata"], steps=60))


def right(model, x0, t, schedule, noise):
    bars = schedule.alphas_cumprod[t][:, None]
    return (model(bars**0.5 * x0 + (1 - bars) ** 0.5 * noise, t) - noise).square().mean()


class Gradient(torch.autograd.Function):
    """The loss as it is, with another gradient."""

    @staticmethod
    def forward(ctx, loss, wrong):
        ctx.wrong = wrong
        return loss.clone()

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.wrong, None


LOSSES = {
    "a root at 0": lambda *a: right(*a) + (0 * right(*a)).sqrt(),
    "a gradient that is NaN": lambda *a: Gradient.apply(right(*a), float("nan")),
    "a gradient that is infinite": lambda *a: Gradient.apply(right(*a), float("inf")),
    "NaN": lambda *a: right(*a) * float("nan"),
    "infinite": lambda *a: right(*a) / 0,
    "a tensor on meta": lambda *a: right(*a).to("meta"),
    "complex": lambda *a: right(*a) * 1j,
    "a batch": lambda *a: right(*a)[None],
    "an integer": lambda *a: right(*a).long(),
    "no gradient": lambda *a: right(*a).detach(),
    "nothing": lambda *a: None,
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_that_cannot_be_trained_with_is_named(name):
    trained, said = train_stage(Replaced(ROOT / "solutions", {"ddpm_loss": LOSSES[name]}), SETTING)
    assert trained is None
    assert "ddpm_loss" in said
    part = sample_stage(Implementation(ROOT / "solutions"), "ddpm", trained, SETTING)
    assert part.failure == "not run: there is no trained network to sample with"


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), 1e30])
@pytest.mark.parametrize("sampler", ["ddpm", "ddim"])
def test_a_network_that_is_beyond_use_is_the_losss_fault_and_not_the_samplers(weight, sampler):
    trained, _ = train_stage(Implementation(ROOT / "solutions"), SETTING)
    for parameter in trained.network.parameters():
        parameter.fill_(weight)
    part = sample_stage(Implementation(ROOT / "solutions"), sampler, trained, SETTING)
    assert part.chamfer is None
    assert part.failure == "ddpm_loss: the network that it trained answers with numbers beyond all bounds"


ODD = {
    "None": lambda x: None,
    "a list": lambda x: x.tolist(),
    "NaN": lambda x: x * float("nan"),
    "infinite": lambda x: x / 0,
    "huge": lambda x: x * 1e38,
    "no points": lambda x: x[:0],
    "another shape": lambda x: x[None],
    "another dtype": lambda x: x.double(),
    "complex": lambda x: x * 1j,
    "on meta": lambda x: x.to("meta"),
    "sparse": lambda x: x.to_sparse(),
    "with a gradient": lambda x: x.clone().requires_grad_() * 2,
    "one point": lambda x: x[:1].expand(len(x), 2),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("sampler", ["ddpm", "ddim"])
def test_whatever_a_sampler_returns_there_is_a_sentence(name, sampler):
    trained, _ = train_stage(Implementation(ROOT / "solutions"), SETTING)
    solutions = Implementation(ROOT / "solutions")
    walk = getattr(solutions, f"{sampler}_sample")
    wrong = Replaced(ROOT / "solutions", {f"{sampler}_sample": lambda *a, **k: ODD[name](walk(*a, **k))})
    part = sample_stage(wrong, sampler, trained, SETTING)
    assert part.failure or part.unlawful


@pytest.mark.timeout(900)
def test_whenever_the_time_is_over_there_is_a_result(tmp_path):
    """Six ends at random; `python -m grading.grade.deadline_soak` runs hundreds."""
    folder = shutil.copytree(ROOT / "solutions", tmp_path / "submission")
    crashes = soak(folder, runs=6, seed=1)
    assert crashes == []
