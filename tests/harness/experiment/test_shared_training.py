"""One training for many: a right loss, however it is written, gets the network that it would have trained itself."""

import dataclasses
from types import SimpleNamespace

import pytest
import torch
from torch.nn.functional import mse_loss

from grading.experiment.networks.shared_training import load, share
from grading.experiment.networks.training import RECIPES
from grading.experiment.stages import Setting, sample_stage, train_stage
from grading.judging.closed_form import q_sample
from grading.submission.implementation import ROOT, Implementation


@pytest.fixture(scope="module")
def shared():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RECIPES, "kata", dataclasses.replace(RECIPES["kata"], steps=60, width=32, depth=2))
        yield share(Setting())


def of(loss):
    return SimpleNamespace(ddpm_loss=loss)


def right(model, x0, t, schedule, noise):
    return mse_loss(model(q_sample(x0, t, schedule, noise), t), noise)


def in_float64(model, x0, t, schedule, noise):
    x_t = q_sample(x0.double(), t, schedule.to(torch.float64), noise.double()).float()
    return ((noise.double() - model(x_t, t)) ** 2).mean().float()


def one_by_one(model, x0, t, schedule, noise):
    guess = model(q_sample(x0, t, schedule, noise), t)
    return torch.stack([(a - b).square().sum() for a, b in zip(noise, guess)]).sum() / noise.numel()


@pytest.mark.parametrize("loss", [right, in_float64, one_by_one])
def test_a_right_loss_gets_the_network(loss, shared):
    assert shared.network_for(of(loss)) is shared.trained


def test_the_network_is_the_one_that_the_reference_trains(shared):
    trained, failure = train_stage(Implementation(ROOT / "solutions"), shared.setting)
    assert failure is None
    for name, weight in trained.network.state_dict().items():
        assert torch.equal(weight, shared.trained.network.state_dict()[name]), name
    assert trained.losses == pytest.approx(shared.trained.losses, rel=1e-5)


def at_small_t(model, x0, t, schedule, noise):
    return right(model, x0, t, schedule, noise) + (0.01 * x0.mean() if (t < 5).any() else 0)


def without_gradient_through_x(model, x0, t, schedule, noise):
    """The value is right, the gradient is half of what is due."""
    loss = right(model, x0, t, schedule, noise)
    return (loss + loss.detach()) / 2


WRONG = {
    "sum over dims": lambda *given: 2 * right(*given),
    "a hundredth more": lambda *given: 1.001 * right(*given),
    "x0 as the target": lambda model, x0, t, s, e: mse_loss(model(q_sample(x0, t, s, e), t), x0),
    "half a gradient": without_gradient_through_x,
    "some t": at_small_t,
    "now and then": lambda m, x0, t, s, e: right(m, x0, t, s, e) * (1.1 if float(x0[0, 0]) > 0 else 1),
    "no number": lambda *given: right(*given) * float("nan"),
    "no gradient": lambda *given: right(*given).detach(),
    "no tensor": lambda *given: 1.0,
    "an error": lambda *given: 1 / 0,
}


@pytest.mark.parametrize("name", WRONG)
def test_another_loss_is_trained_by_itself(name, shared):
    assert shared.network_for(of(WRONG[name])) is None


def test_it_is_the_same_from_a_file(shared, tmp_path):
    shared.save(tmp_path / "shared.pt")
    again = load(tmp_path / "shared.pt", shared.setting)
    assert again.network_for(of(right)) is again.trained
    assert again.network_for(of(WRONG["half a gradient"])) is None
    assert torch.equal(
        again.trained.network.state_dict()["last.weight"], shared.trained.network.state_dict()["last.weight"]
    )
    (tmp_path / "shared.pt").write_bytes(b"no such thing")
    assert load(tmp_path / "shared.pt", shared.setting) is None
    assert load(tmp_path / "nowhere.pt", shared.setting) is None


def test_the_report_says_so_with_the_bound(shared):
    assert "60 of 60 steps drawn in secret" in shared.says
    assert "one in" in shared.says


def test_who_walks_alike_walks_to_the_same_points_with_half_the_work(shared):
    """The second walk asks what the first has asked."""
    asked, network = [], shared.remembered.network
    handle = network.register_forward_hook(lambda *_: asked.append(1))
    trained = dataclasses.replace(shared.trained, network=shared.remembered)
    solutions, setting = Implementation(ROOT / "solutions"), dataclasses.replace(shared.setting, num_points=64)
    parts = [sample_stage(solutions, "ddim", trained, setting) for _ in range(2)]
    handle.remove()
    plain = sample_stage(solutions, "ddim", shared.trained, setting)
    assert len(asked) == setting.num_inference_steps
    assert all(torch.equal(part.samples, plain.samples) and part.chamfer == plain.chamfer for part in parts)
    assert not any(part.unlawful for part in parts)
