"""The experiment with a recipe of seconds: reproducible to the bit, whole whatever the submission does."""

from dataclasses import replace

import pytest
import torch

from grading.bench.bugs import BUGS, Bug
from grading.experiment.networks import training
from grading.experiment.networks.training import Recipe, draw_batch, timestep_cdf
from grading.experiment.stages import Setting, run_experiment
from grading.experiment.watched_network import Watched
from grading.submission.contract import linear_schedule
from grading.submission.errors import UsageError

SCHEDULE = linear_schedule(1000, torch.float32, "cpu")


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """Both recipes, 30 steps each."""
    for name, recipe in list(training.RECIPES.items()):
        monkeypatch.setitem(training.RECIPES, name, replace(recipe, steps=30, batch=32, width=16, depth=2))


def run(impl=BUGS["none"], **options):
    return run_experiment(impl, num_points=64, num_inference_steps=10, **options)


@pytest.mark.parametrize("recipe", ["kata", "course"])
def test_the_same_seed_gives_the_same_numbers_bit_for_bit(recipe):
    first, again, other = run(recipe=recipe), run(recipe=recipe), run(recipe=recipe, seed=1)
    assert first.losses == again.losses != other.losses
    assert torch.equal(first.ddpm.samples, again.ddpm.samples)
    assert torch.equal(first.ddim.samples, again.ddim.samples)
    assert (first.ddpm.chamfer, first.ddim.chamfer) == (again.ddpm.chamfer, again.ddim.chamfer)
    assert {"python", "torch", "numpy", "scipy"} <= set(first.versions)


def test_the_global_generator_stays_where_it_was():
    before = torch.get_rng_state()
    run()
    assert torch.equal(before, torch.get_rng_state())


def wrong(*_, **__):
    raise RuntimeError("out of ideas")


@pytest.mark.parametrize(
    ("loss", "part"),
    [
        (wrong, "out of ideas"),
        (lambda model, x0, t, schedule, noise: 1.0, "it returned float"),
        (lambda model, x0, t, schedule, noise: model(x0, t), "it returned shape (32, 2)"),
        (lambda model, x0, t, schedule, noise: model(x0, t).mean().detach(), "no gradient"),
        (lambda model, x0, t, schedule, noise: model(x0, t).mean() * torch.nan, "must be finite"),
    ],
)
def test_a_loss_that_cannot_be_trained_with_is_a_sentence(loss, part):
    made = run(Bug("loss", ddpm_loss=loss))
    assert part in made.training_failure
    assert made.ddpm.chamfer is None
    assert "no trained network" in made.ddpm.failure
    assert made.floor > 0


@pytest.mark.parametrize(
    ("sampler", "part"),
    [
        (wrong, "out of ideas"),
        (lambda model, x_T, schedule, generator: x_T.numpy(), "it returned ndarray"),
        (lambda model, x_T, schedule, generator: x_T[:5], "it returned (5, 2)"),
        (lambda model, x_T, schedule, generator: x_T / 0, "must return finite points"),
        (lambda model, x_T, schedule, generator: model(x_T, torch.full((len(x_T),), 1000)), "1000 ... 1000"),
        (lambda model, x_T, schedule, generator: model(x_T, 3), "given int"),
    ],
)
def test_a_sampler_that_fails_is_a_sentence_and_the_other_still_runs(sampler, part):
    made = run(Bug("sampler", ddpm_sample=sampler))
    assert part in made.ddpm.failure
    assert made.ddpm.chamfer is None
    assert made.ddim.failure is None
    assert made.ddim.chamfer > 0


def test_a_model_remembers_that_it_was_asked_about_a_wrong_t():
    """On a GPU the look comes later than the question: what was asked in between is not forgotten."""
    watched = Watched(lambda x, t: x, 10, "ddpm", 5, None)
    watched(torch.zeros(2, 2), torch.tensor([0, 9]))
    watched.check_timesteps()
    watched.least, watched.most = torch.tensor(-1), torch.tensor(9)
    with pytest.raises(ValueError, match=r"-1 \.\.\. 9"):
        watched(torch.zeros(2, 2), torch.tensor([3, 3]))


def drawn(**changes):
    """t and noise of one batch, on DDPM's own schedule."""
    recipe = Recipe("kata", 8, 1, 1, learning_rate=1e-3, stratified=True, **changes)
    cdf = timestep_cdf(SCHEDULE, recipe)
    return draw_batch(torch.zeros(7, 2), cdf, recipe, torch.Generator().manual_seed(0))[1:]


def test_a_stratified_batch_has_one_t_in_each_slice():
    t, noise = drawn(batch=100)
    assert (t // 10).tolist() == list(range(100))
    assert noise.shape == (100, 2)


def test_a_power_above_one_draws_more_of_the_small_t():
    t, _ = drawn(batch=10_000, t_power=2.0)
    assert abs((t < 250).float().mean().item() - 0.5) < 0.01
    assert t.max() == 999


def test_less_noise_than_sigma_min_is_drawn_as_seldom_as_its_errors_weigh_more():
    """By sigma^2 / (sigma^2 + sigma_min^2), sigma^2 = (1 - alpha_bar) / alpha_bar, up to one factor for all t."""
    counts = torch.bincount(drawn(batch=1_000_000, sigma_min=0.2)[0], minlength=1000).double()
    alpha_bar = SCHEDULE.alphas_cumprod.double()
    due = (1 - alpha_bar) / (1 - alpha_bar + 0.2**2 * alpha_bar)
    assert torch.allclose(counts / counts.sum(), due / due.sum(), rtol=0, atol=3e-6)


def test_one_huge_loss_does_not_throw_a_clipped_network_off():
    """Adam's step is as long as ever where a gradient is cut; uncut, its memory of one that was huge stops it."""
    asked = []

    def loss(*args):
        asked.append(None)
        return BUGS["none"].ddpm_loss(*args) * (1e6 if len(asked) == 5 else 1)

    def last(clip):
        asked.clear()
        recipe = replace(training.RECIPES["kata"], learning_rate=1e-2, clip=clip)
        made = training.train(Bug("loss", ddpm_loss=loss), torch.tensor([[2.0, 0.0], [-2.0, 0.0]]), SCHEDULE, recipe, 0)
        return sum(made.losses[-5:]) / 5

    assert last(clip=0.1) < 0.5 * last(clip=0.0)


@pytest.mark.parametrize(
    "options",
    [{"dataset": "spiral"}, {"recipe": "best"}, {"seed": -1}, {"num_points": 0}, {"num_inference_steps": 1001}],
)
def test_a_wrong_setting_is_one_sentence(options):
    with pytest.raises(UsageError) as caught:
        Setting(**options)
    assert "\n" not in str(caught.value)
