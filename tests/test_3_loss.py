"""Kata 3. The training loss: the mean squared error between the noise and the model's guess."""

import pytest
import torch

from grading.judging import closed_form
from grading.judging.closed_form import broadcast
from grading.judging.compare import SINGLE, Sentence
from grading.judging.examples import COARSE, SHAPES, STEPS
from grading.judging.property_tests import given
from grading.judging.sampler_trace import Spy
from grading.judging.step_rules import by_own_q_sample, x_t_of_its_own

from condition_checks import EveryCondition

pytestmark = pytest.mark.task("3.1")
f64 = torch.float64


def guess(x_t, t):
    """A model that depends on all that it is shown."""
    return 0.3 * x_t + 0.1 * broadcast(t, x_t).to(x_t)


def batch(kata, *shape, dtype=f64):
    """x0, t, schedule, noise for a batch: t runs through the whole schedule, not in order."""
    t = (7 * torch.arange(shape[0], device=kata.device) + 3) % STEPS
    x0, noise = kata.randn(*shape, dtype=dtype), kata.randn(*shape, seed=1, dtype=dtype)
    return x0, t, kata.on(COARSE).to(dtype=dtype), noise


def expected_loss(x0, t, schedule, noise):
    squares = (noise - guess(closed_form.q_sample(x0, t, schedule, noise), t)) ** 2
    return squares.sum() / squares.numel()


def also(kata, x0, t, schedule, noise):
    """The loss by the submission's own q_sample: a slip there costs its own task alone."""
    given = {"model": guess, "x0": x0, "t": t, "schedule": schedule, "noise": noise}
    own = by_own_q_sample(kata.implementation, given)
    return [] if own is None else [own]


def test_a_model_that_always_answers_zero(kata):
    """Its loss is the mean square of the noise: (1 + 9) / 2."""
    noise, t = torch.tensor([[1.0, 3.0]], dtype=f64, device=kata.device), torch.tensor([2], device=kata.device)
    call = kata(lambda x_t, t: torch.zeros_like(x_t), torch.ones_like(noise), t, kata.on(COARSE), noise)
    call.gives(torch.tensor(5.0, dtype=f64, device=kata.device), "(1 + 9) / 2")


def test_the_perfect_guess_costs_nothing(kata):
    """A model that knows the noise has loss 0."""
    x0, t, schedule, noise = batch(kata, 6, 2)
    call = kata(lambda x_t, t: noise.clone(), x0, t, schedule, noise)
    call.gives(torch.tensor(0.0, dtype=f64, device=kata.device), "noise - noise")


def test_the_model_is_shown_x_t(kata):
    """Not x0, not the noise: the mixture that your own q_sample makes of them."""
    x0, t, schedule, noise = batch(kata, 6, 2)

    def shown(f):
        spy = Spy(guess, x0)
        f(spy, x0, t, schedule, noise)
        return spy.shown[0][0] if spy.shown else Sentence("the model is never called")

    own = x_t_of_its_own(kata.implementation, x0, t, schedule, noise)
    call = kata.probe("the first argument of model(x_t, t)", shown)
    call.gives(closed_form.q_sample(x0, t, schedule, noise), "DDPM eq. 4", also=[own])


def test_the_model_is_shown_t(kata):
    """One int64 for each sample, as it came in: not divided by T, not turned into a float."""
    x0, t, schedule, noise = batch(kata, 6, 2)

    def shown(f):
        spy = Spy(guess, x0)
        f(spy, x0, t, schedule, noise)
        return spy.shown[0][1] if spy.shown else Sentence("the model is never called")

    kata.probe("the second argument of model(x_t, t)", shown).gives(t, "model(x_t, t)")


def test_the_model_is_asked_once(kata):
    """The model is nearly all of the work: a second call would double the time that training takes."""

    def calls(f):
        spy = Spy(guess, args[0])
        f(spy, *args)
        return f"the model is asked {len(spy.shown)} times"

    args = batch(kata, 6, 2)
    kata.probe("calls of model(x_t, t)", calls).gives("the model is asked 1 times", "one guess is enough")


def test_the_mean_runs_over_every_element(kata):
    """Batch and dims alike, so the loss does not grow with either."""
    args = batch(kata, 5, 3)
    kata(guess, *args).gives(expected_loss(*args), "DDPM eq. 14", also=also(kata, *args))


def test_as_many_samples_as_dims(kata):
    """B == D hides a factor that runs along the wrong axis."""
    args = batch(kata, 10, 10)
    kata(guess, *args).gives(expected_loss(*args), "DDPM eq. 14", also=also(kata, *args))


def test_a_batch_of_one(kata):
    """One sample is a batch too, and the loss is still a single number of shape ()."""
    args = batch(kata, 1, 1)
    kata(guess, *args).gives(expected_loss(*args), "DDPM eq. 14", also=also(kata, *args))


@given(shape=SHAPES)
def test_any_shape(kata, shape):
    """Equation 14 for numbers, points and images."""
    args = batch(kata, *shape)
    kata(guess, *args).gives(expected_loss(*args), "DDPM eq. 14", also=also(kata, *args))


def gradient_of(f, weight, args):
    weight.grad = None
    loss = f(lambda x_t, t: weight * x_t, *args)
    if not (isinstance(loss, torch.Tensor) and loss.requires_grad):
        return Sentence("the loss has no gradient")
    loss.backward()
    return weight.grad if weight.grad is not None else Sentence("no gradient reaches the model")


def test_the_gradient_of_a_linear_model(kata):
    """For model(x_t, t) = w x_t the gradient is the mean of -2 (noise - w x_t) x_t: training follows exactly this."""
    x0, t, schedule, noise = batch(kata, 6, 2)
    weight = torch.tensor(0.4, dtype=f64, device=kata.device, requires_grad=True)
    of_papers = closed_form.q_sample(x0, t, schedule, noise)
    own = x_t_of_its_own(kata.implementation, x0, t, schedule, noise)
    slope, own_slope = ((-2 * (noise - 0.4 * x_t) * x_t).sum() / x_t.numel() for x_t in (of_papers, own))
    call = kata.probe("the gradient of the loss at w = 0.4", lambda f: gradient_of(f, weight, (x0, t, schedule, noise)))
    call.gives(slope, "the derivative of DDPM eq. 14", also=[own_slope])


def test_float32_stays_float32(kata):
    """The loss has the dtype of x0."""
    args = batch(kata, 6, 2, dtype=torch.float32)
    kata(guess, *args).gives(expected_loss(*args), "DDPM eq. 14", SINGLE, also=also(kata, *args))


def test_nothing_is_changed_in_place(kata):
    """x0 comes round again in the next epoch."""
    kata.untouched(guess, *batch(kata, 6, 2)).gives("nothing is changed in place", "inputs never change")


def test_works_on_a_gpu(kata):
    """Everything stays on the device of x0."""
    args = batch(kata, 5, 2)
    kata.elsewhere(guess, *args).gives(expected_loss(*args), "the device of x0", also=also(kata, *args))


class TestLoss(EveryCondition):
    due, source = staticmethod(closed_form.ddpm_loss), "DDPM eq. 14"
