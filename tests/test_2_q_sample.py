"""Kata 2. The forward process: sqrt(alpha_bar) of the data, sqrt(1 - alpha_bar) of the noise."""

import pytest
import torch

from grading.judging import closed_form
from grading.judging.compare import SINGLE
from grading.judging.examples import COARSE, PAPER, SHAPES, STEPS
from grading.judging.property_tests import given, st
from grading.submission.contract import schedule_from

from condition_checks import EveryCondition

pytestmark = pytest.mark.task("2.1")
f64 = torch.float64


def every_t(kata) -> torch.Tensor:
    return torch.arange(STEPS, device=kata.device)


def test_the_result_looks_like_x0(kata):
    """One x_t for each x0, of the same shape, with another t for each sample."""
    x0, noise, t = kata.randn(10, 2), kata.randn(10, 2, seed=1), every_t(kata)
    kata(x0, t, kata.on(COARSE), noise).gives(closed_form.q_sample(x0, t, kata.on(COARSE), noise), "DDPM eq. 4")


def test_a_quarter_left_means_half_the_amplitude(kata):
    """alpha_bar is a fraction of the variance; what multiplies x0 is its square root."""
    quarter = kata.on(schedule_from(torch.tensor([0.75], dtype=f64)))
    x0, t = (
        torch.full((1, 1), 2.0, dtype=f64, device=kata.device),
        torch.zeros(1, dtype=torch.int64, device=kata.device),
    )
    kata(x0, t, quarter, torch.zeros_like(x0)).gives(torch.ones_like(x0), "sqrt(0.25) * 2")


def test_the_noise_gets_the_rest_of_the_variance(kata):
    """alpha_bar = 0.36 leaves 0.64 of the variance to the noise, 0.8 of its amplitude."""
    schedule = kata.on(schedule_from(torch.tensor([0.64, 0.5], dtype=f64)))
    noise, t = torch.ones(1, 1, dtype=f64, device=kata.device), torch.zeros(1, dtype=torch.int64, device=kata.device)
    kata(torch.zeros_like(noise), t, schedule, noise).gives(0.8 * noise, "sqrt(1 - 0.36)")


def test_the_squared_factors_add_up_to_one(kata):
    """Data of variance 1 keeps variance 1 at every t: that is why the factors are square roots."""
    one, t = torch.ones(STEPS, 1, dtype=f64, device=kata.device), every_t(kata)
    schedule = kata.on(COARSE)

    def squares(f):
        return f(one, t, schedule, 0 * one) ** 2 + f(0 * one, t, schedule, one) ** 2

    kata.probe("q_sample(1, t, schedule, 0)^2 + q_sample(0, t, schedule, 1)^2", squares).gives(one, "variances add up")


def test_one_jump_equals_many_small_steps(kata):
    """Repeating x_t = sqrt(1 - beta_t) x_{t-1} + sqrt(beta_t) noise (DDPM eq. 2) keeps and adds as much as one jump."""
    kept, variance, expected = 1.0, 0.0, []
    for beta in COARSE.betas.tolist():
        kept, variance = kept * (1 - beta) ** 0.5, (1 - beta) * variance + beta
        expected.append([kept, variance**0.5])
    one, t = torch.ones(STEPS, 1, dtype=f64, device=kata.device), every_t(kata)

    def factors(f):
        return torch.cat([f(one, t, kata.on(COARSE), 0 * one), f(0 * one, t, kata.on(COARSE), one)], dim=1)

    call = kata.probe("what q_sample makes of (x0 = 1, noise = 0) and of (x0 = 0, noise = 1)", factors)
    call.gives(torch.tensor(expected, dtype=f64, device=kata.device), "ten steps of DDPM eq. 2")


def test_it_is_linear_in_data_and_noise(kata):
    """Twice the data and thrice the noise give twice what data alone and thrice what noise alone would give."""
    x0, noise, t, schedule = kata.randn(10, 2), kata.randn(10, 2, seed=1), every_t(kata), kata.on(COARSE)

    def gap(f):
        return f(2 * x0, t, schedule, 3 * noise) - 2 * f(x0, t, schedule, 0 * noise) - 3 * f(0 * x0, t, schedule, noise)

    call = kata.probe("q_sample(2 x0, 3 noise) - 2 q_sample(x0, 0) - 3 q_sample(0, noise)", gap)
    call.gives(torch.zeros_like(x0), "a sum of two terms")


def test_each_sample_uses_its_own_t(kata):
    """t may come in any order, with repeats: each sample reads its own entry of alphas_cumprod."""
    x0, noise = kata.randn(6, 3), kata.randn(6, 3, seed=1)
    t = torch.tensor([9, 0, 4, 4, 1, 7], device=kata.device)
    kata(x0, t, kata.on(COARSE), noise).gives(closed_form.q_sample(x0, t, kata.on(COARSE), noise), "DDPM eq. 4")


def test_as_many_samples_as_dims(kata):
    """B == D hides a factor of shape (B,) that runs along the wrong axis: no error, wrong numbers."""
    x0, noise, t = kata.randn(10, 10), kata.randn(10, 10, seed=1), every_t(kata)
    kata(x0, t, kata.on(COARSE), noise).gives(closed_form.q_sample(x0, t, kata.on(COARSE), noise), "DDPM eq. 4")


@pytest.mark.parametrize("dims", [(1,), (3, 4), (1, 3, 2)], ids=str)
def test_any_number_of_dims(kata, dims):
    """Numbers, points or images: the factor belongs to the whole sample."""
    x0, noise = kata.randn(4, *dims), kata.randn(4, *dims, seed=1)
    t = torch.tensor([8, 2, 0, 5], device=kata.device)
    kata(x0, t, kata.on(COARSE), noise).gives(closed_form.q_sample(x0, t, kata.on(COARSE), noise), "DDPM eq. 4")


def test_noise_at_the_last_step_is_almost_pure(kata):
    """After a thousand steps of the paper's schedule 4e-5 of the variance is left, at the first step all but 1e-4."""
    x0, noise = kata.randn(4, 2), kata.randn(4, 2, seed=1)
    t = torch.tensor([999, 0, 1, 500], device=kata.device)
    kata(x0, t, kata.on(PAPER), noise).gives(closed_form.q_sample(x0, t, kata.on(PAPER), noise), "DDPM eq. 4")


@given(shape=SHAPES, data=st.data())
def test_any_shape_and_any_t(kata, shape, data):
    """Equation 4 for whatever hypothesis comes up with."""
    t = data.draw(st.lists(st.integers(0, STEPS - 1), min_size=shape[0], max_size=shape[0]))
    x0, noise, t = kata.randn(*shape), kata.randn(*shape, seed=1), torch.tensor(t, device=kata.device)
    kata(x0, t, kata.on(COARSE), noise).gives(closed_form.q_sample(x0, t, kata.on(COARSE), noise), "DDPM eq. 4")


def test_float32_stays_float32(kata):
    """The result has the dtype of x0."""
    x0, noise, t = kata.randn(10, 2).float(), kata.randn(10, 2, seed=1).float(), every_t(kata)
    schedule = kata.on(COARSE).to(dtype=torch.float32)
    kata(x0, t, schedule, noise).gives(closed_form.q_sample(x0, t, schedule, noise), "DDPM eq. 4", SINGLE)


def test_nothing_is_changed_in_place(kata):
    """The caller still needs x0 and noise: the loss compares with them."""
    kata.untouched(kata.randn(10, 2), every_t(kata), kata.on(COARSE), kata.randn(10, 2, seed=1)).gives(
        "nothing is changed in place", "inputs never change"
    )


def test_works_on_a_gpu(kata):
    """Everything stays on the device of x0."""
    x0, noise, t = kata.randn(5, 2, 3), kata.randn(5, 2, 3, seed=1), torch.tensor([4, 0, 9, 2, 2])
    kata.elsewhere(x0, t, COARSE, noise).gives(closed_form.q_sample(x0, t, COARSE, noise), "the device of x0")


class TestQSample(EveryCondition):
    due, source = staticmethod(closed_form.q_sample), "DDPM eq. 4"
