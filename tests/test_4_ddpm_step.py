"""Kata 4. DDPM: one step of the posterior, and the walk of T steps."""

import pytest
import torch
from noise_checks import NoisyWalkChecks

from grading.judging import closed_form
from grading.judging.compare import SINGLE
from grading.judging.examples import COARSE, PAPER, SHAPES, STEPS
from grading.judging.property_tests import given, st
from grading.submission.contract import schedule_from

from condition_checks import EveryStep, EveryWalk

step, sample = pytest.mark.task("4.1"), pytest.mark.task("4.2")
f64 = torch.float64


def inputs(kata, *shape):
    """x_t, eps and noise."""
    return kata.randn(*shape), kata.randn(*shape, seed=1), kata.randn(*shape, seed=2)


@step
def test_a_step_without_noise_by_hand(kata):
    """beta = 1/2 twice, eps = 0, noise = 0: x_t is divided by sqrt(alpha) = sqrt(1/2)."""
    schedule, one = (
        kata.on(schedule_from(torch.tensor([0.5, 0.5], dtype=f64))),
        torch.ones(1, 1, dtype=f64).to(kata.device),
    )
    kata(one, 1, 0 * one, schedule, 0 * one).gives(2**0.5 * one, "1 / sqrt(0.5)")


@step
def test_the_predicted_noise_is_taken_away_by_hand(kata):
    """beta_t / sqrt(1 - alpha_bar_t) of eps: 0.5 / sqrt(0.75), then divided by sqrt(0.5)."""
    schedule, one = (
        kata.on(schedule_from(torch.tensor([0.5, 0.5], dtype=f64))),
        torch.ones(1, 1, dtype=f64).to(kata.device),
    )
    kata(0 * one, 1, one, schedule, 0 * one).gives(-one * 0.5 / 0.75**0.5 / 0.5**0.5, "DDPM eq. 11")


@step
@pytest.mark.parametrize("t", range(STEPS))
def test_the_mean_is_the_posterior_mean_of_a_known_x0(kata, t):
    """If eps is the noise that made x_t, the mean of the step is what Bayes' rule says about x_{t-1} (DDPM eq. 7)."""
    x0, schedule = kata.randn(4, 2, seed=3), kata.on(COARSE)
    eps = kata.randn(4, 2, seed=1)
    x_t = closed_form.q_sample(x0, torch.full((4,), t, device=kata.device), schedule, eps)
    expected, _ = closed_form.posterior(x0, x_t, t, schedule)
    kata(x_t, t, eps, schedule, torch.zeros_like(x_t)).gives(expected, "DDPM eq. 7, the mean")


@step
@pytest.mark.parametrize("t", range(1, STEPS))
def test_the_noise_has_the_posterior_variance(kata, t):
    """beta~_t = (1 - alpha_bar_{t-1}) / (1 - alpha_bar_t) * beta_t is a variance: its root multiplies the noise."""
    x_t, eps, noise = inputs(kata, 4, 2)
    schedule = kata.on(COARSE)

    def added(f):
        return f(x_t, t, eps, schedule, noise) - f(x_t, t, eps, schedule, torch.zeros_like(noise))

    variance = (1 - COARSE.alphas_cumprod[t - 1]) / (1 - COARSE.alphas_cumprod[t]) * COARSE.betas[t]
    call = kata.probe(f"ddpm_step(..., t={t}, noise) - ddpm_step(..., t={t}, 0)", added)
    call.gives(variance.to(noise) ** 0.5 * noise, "DDPM eq. 7, the variance")


@step
def test_no_noise_at_the_end(kata):
    """At t = 0 the posterior has no width: the answer is x0 itself, whatever the noise."""
    x_t, eps, noise = inputs(kata, 5, 2)
    schedule = kata.on(COARSE)
    kata(x_t, 0, eps, schedule, noise).gives(closed_form.predict_x0(x_t, 0, eps, schedule), "DDPM algorithm 2, line 3")


@step
def test_a_schedule_of_one_step(kata):
    """T = 1: the only step is the last one."""
    x_t, eps, noise = inputs(kata, 5, 2)
    schedule = kata.on(schedule_from(torch.tensor([0.3], dtype=f64)))
    kata(x_t, 0, eps, schedule, noise).gives(closed_form.predict_x0(x_t, 0, eps, schedule), "DDPM algorithm 2")


@step
@pytest.mark.parametrize("t", [0, 1, 2, 500, 999])
def test_the_papers_schedule(kata, t):
    """A thousand steps: the first, the last, and those beside them."""
    x_t, eps, noise = inputs(kata, 5, 2)
    expected = closed_form.ddpm_step(x_t, t, eps, kata.on(PAPER), noise)
    kata(x_t, t, eps, kata.on(PAPER), noise).gives(expected, "DDPM eq. 7")


@step
@given(shape=SHAPES, t=st.integers(0, STEPS - 1))
def test_any_shape_and_any_t(kata, shape, t):
    """Equation 7 for whatever hypothesis comes up with."""
    x_t, eps, noise = inputs(kata, *shape)
    expected = closed_form.ddpm_step(x_t, t, eps, kata.on(COARSE), noise)
    kata(x_t, t, eps, kata.on(COARSE), noise).gives(expected, "DDPM eq. 7")


@step
@pytest.mark.parametrize("std", [0.0, 0.5, 1.0, 2.0])
def test_gaussian_data_keep_their_moments_through_the_chain(kata, std):
    """For data from N(1.5, std^2) the law of eps given x_t is known; with it, x_{t-1} is spread as q_sample has it.

    The step is linear, so its answers to x_t = 1, eps = 1 and noise = 1 are all that the moments need.
    """
    one, schedule = torch.ones(1, 1, dtype=f64, device=kata.device), kata.on(COARSE)
    units = [(one, 0 * one, 0 * one), (0 * one, one, 0 * one), (0 * one, 0 * one, one)]
    predict = closed_form.GaussianDenoiser(1.5, std, schedule)

    def moments(f):
        (mean, variance), seen = marginal(1.5, std, schedule, STEPS - 1), []
        for t in reversed(range(STEPS)):
            by_x, by_eps, by_noise = (f(x, t, eps, schedule, noise) for x, eps, noise in units)
            at_zero, at_one = (predict(x, torch.full((1,), t, device=kata.device)) for x in (0 * one, one))
            slope = (
                at_one - at_zero
            )  # E[eps | x_t] = at_zero + slope x_t; its variance is 1 - sqrt(1 - alpha_bar) slope
            left_open = 1 - (1 - schedule.alphas_cumprod[t]) ** 0.5 * slope
            mean = (by_x + by_eps * slope) * mean + by_eps * at_zero
            variance = (by_x + by_eps * slope) ** 2 * variance + by_eps**2 * left_open + by_noise**2
            seen.append(torch.cat([mean, variance], dim=1))
        return torch.cat(seen)

    expected = torch.cat([torch.cat(marginal(1.5, std, schedule, t), dim=1) for t in range(STEPS - 2, -2, -1)])
    kata.probe("mean and variance of x_{t-1} for t = 9 ... 0", moments).gives(expected, "the moments of DDPM eq. 4")


def marginal(mean, std, schedule, t):
    """Mean and variance of x_t."""
    alpha_bar = closed_form.alpha_bar_at(schedule, t).reshape(1, 1)
    return alpha_bar**0.5 * mean, alpha_bar * std**2 + 1 - alpha_bar


@step
def test_float32_stays_float32(kata):
    """The result has the dtype of x_t."""
    x_t, eps, noise = (x.float() for x in inputs(kata, 5, 2))
    schedule = kata.on(COARSE).to(dtype=torch.float32)
    kata(x_t, 4, eps, schedule, noise).gives(closed_form.ddpm_step(x_t, 4, eps, schedule, noise), "DDPM eq. 7", SINGLE)


@step
@pytest.mark.parametrize("t", [0, 4])
def test_nothing_is_changed_in_place(kata, t):
    """The caller may keep x_t, to draw the path."""
    x_t, eps, noise = inputs(kata, 5, 2)
    kata.untouched(x_t, t, eps, kata.on(COARSE), noise).gives("nothing is changed in place", "inputs never change")


@step
@pytest.mark.parametrize("t", [0, 4])
def test_works_on_a_gpu(kata, t):
    """Everything stays on the device of x_t."""
    x_t, eps, noise = inputs(kata, 5, 2, 3)
    expected = closed_form.ddpm_step(x_t, t, eps, COARSE, noise)
    kata.elsewhere(x_t, t, eps, COARSE, noise).gives(expected, "the device of x_t")


@sample
class TestDdpmSample(NoisyWalkChecks):
    """The whole walk: T steps of DDPM."""

    steps = list(range(STEPS - 1, -1, -1))
    arguments = ()
    eta = None


@step
class TestDdpmStep(EveryStep):
    due, source = staticmethod(closed_form.ddpm_step), "DDPM eq. 7 and 11"


@sample
class TestEveryDdpmWalk(EveryWalk):
    pass
