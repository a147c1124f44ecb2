"""Kata 5. DDIM: which timesteps, one jump, and the short walk."""

import pytest
import torch
from noise_checks import NoisyWalkChecks

from grading.judging import closed_form
from grading.judging.compare import SINGLE
from grading.judging.examples import COARSE, ETAS, PAPER, SHAPES, STEPS, jumps
from grading.judging.property_tests import given, st
from grading.judging.step_rules import own_timesteps
from grading.submission.contract import schedule_from

from condition_checks import EveryCondition, EveryStep, EveryWalk
from walk_checks import QuietWalkChecks, shown_t

timesteps, step, sample = (pytest.mark.task(id) for id in ("5.1", "5.2", "5.3"))
f64 = torch.float64
EVERY_JUMP = [(9, 8), (9, 4), (5, 4), (5, 0), (1, 0), (6, -1), (0, -1)]


def inputs(kata, *shape):
    """x_t, eps and noise."""
    return kata.randn(*shape), kata.randn(*shape, seed=1), kata.randn(*shape, seed=2)


@timesteps
@pytest.mark.parametrize(("T", "S", "due"), [(10, 3, [6, 3, 0]), (1000, 50, list(range(980, -1, -20)))])
def test_the_stride_by_hand(kata, T, S, due):
    """The stride is T // S, and the list starts at 0 before it is turned round."""
    kata(T, S).gives(due, f"i * ({T} // {S})")


@timesteps
def test_the_stride_is_rounded_down(kata):
    """11 / 4 is nearer to 3 than to 2, but a stride is T // S, a whole number that never leads past the end."""
    kata(11, 4).gives([6, 4, 2, 0], "i * (11 // 4)")


@timesteps
@pytest.mark.parametrize("inference_steps", [1, 7])
def test_the_two_extremes(kata, inference_steps):
    """One step visits t = 0 alone; as many steps as there are visit them all."""
    kata(7, inference_steps).gives(list(range(inference_steps))[::-1], "i * (7 // S)")


@timesteps
@given(data=st.data())
def test_even_strides_from_zero(kata, data):
    """Whether S divides T or not."""
    total = data.draw(st.integers(1, 2000))
    chosen = data.draw(st.integers(1, total))
    kata(total, chosen).gives([i * (total // chosen) for i in reversed(range(chosen))], "i * (T // S)")


@step
def test_from_a_quarter_to_the_end_by_hand(kata):
    """t_prev = -1 is the data: alpha_bar is 1 there, and alphas_cumprod[-1] is not meant."""
    x_t = torch.ones(1, 1, dtype=f64, device=kata.device)
    schedule = kata.on(schedule_from(torch.tensor([0.25, 0.6, 1 / 6], dtype=f64)))  # alpha_bar: 0.75, 0.3, 0.25
    kata(x_t, 2, -1, 0 * x_t, schedule).gives(2 * x_t, "1 / sqrt(0.25)")


@step
@pytest.mark.parametrize("t", range(STEPS))
def test_the_end_is_x0(kata, t):
    """The last jump lands on the x0 that q_sample started from, wherever it jumps from."""
    x0, eps, schedule = kata.randn(4, 2, seed=3), kata.randn(4, 2, seed=1), kata.on(COARSE)
    x_t = closed_form.q_sample(x0, torch.full((4,), t, device=kata.device), schedule, eps)
    kata(x_t, t, -1, eps, schedule).gives(x0, "x0 as q_sample had it")


@step
@given(jump=jumps())
def test_without_eta_the_path_is_that_of_q_sample(kata, jump):
    """eta = 0 keeps x0 and eps, and only takes alpha_bar from t to t_prev."""
    (t, t_prev), schedule = jump, kata.on(COARSE)
    x0, eps = kata.randn(4, 2, seed=3), kata.randn(4, 2, seed=1)
    x_t, x_prev = (along(x0, eps, closed_form.alpha_bar_at(schedule, s)) for s in (t, t_prev))
    kata(x_t, t, t_prev, eps, schedule, eta=0.0).gives(x_prev, "DDIM eq. 12 at eta = 0 is eq. 4 at t_prev")


def along(x0, eps, alpha_bar):
    return alpha_bar**0.5 * x0 + (1 - alpha_bar) ** 0.5 * eps


@step
def test_without_eta_noise_is_ignored(kata):
    """eta = 0 is deterministic: noise may be there, and changes nothing."""
    x_t, eps, noise = inputs(kata, 5, 2)
    expected = closed_form.ddim_step(x_t, 7, 3, eps, kata.on(COARSE))
    kata(x_t, 7, 3, eps, kata.on(COARSE), 0.0, noise).gives(expected, "DDIM eq. 12 at eta = 0")


@step
@pytest.mark.parametrize("t", range(1, STEPS))
def test_eta_one_on_neighbours_has_ddpms_mean(kata, t):
    """eta = 1 from t to t - 1 is DDPM: the mean of its posterior."""
    x_t, eps, _ = inputs(kata, 4, 2)
    schedule = kata.on(COARSE)
    mean, _ = closed_form.posterior(closed_form.predict_x0(x_t, t, eps, schedule), x_t, t, schedule)
    kata(x_t, t, t - 1, eps, schedule, 1.0, torch.zeros_like(x_t)).gives(mean, "DDPM eq. 7, the mean")


@step
@pytest.mark.parametrize("t", range(1, STEPS))
def test_eta_one_on_neighbours_has_ddpms_variance(kata, t):
    """eta = 1 from t to t - 1 is DDPM: beta~_t is the variance of what is added."""
    x_t, eps, noise = inputs(kata, 4, 2)
    schedule = kata.on(COARSE)
    variance = (1 - COARSE.alphas_cumprod[t - 1]) / (1 - COARSE.alphas_cumprod[t]) * COARSE.betas[t]
    call = kata.probe(
        f"ddim_step(t={t}, t_prev={t - 1}, eta=1, noise) - the same with noise = 0",
        added(x_t, t, t - 1, eps, schedule, 1.0, noise),
    )
    call.gives(variance.to(noise) ** 0.5 * noise, "DDPM eq. 7, the variance")


def added(x_t, t, t_prev, eps, schedule, eta, noise):
    """What the noise contributes to a step."""
    return lambda f: f(x_t, t, t_prev, eps, schedule, eta, noise) - f(x_t, t, t_prev, eps, schedule, eta, 0 * noise)


@step
@pytest.mark.parametrize(("t", "t_prev"), EVERY_JUMP)
def test_half_an_eta_is_half_a_sigma(kata, t, t_prev):
    """sigma grows in proportion to eta: eta is no switch, and not squared."""
    x_t, eps, noise = inputs(kata, 4, 2)
    schedule = kata.on(COARSE)
    call = kata.probe(
        f"ddim_step(t={t}, t_prev={t_prev}, eta=0.5, noise) - the same with noise = 0",
        added(x_t, t, t_prev, eps, schedule, 0.5, noise),
    )
    call.gives(closed_form.ddim_sigma(t, t_prev, schedule, 0.5) * noise, "DDIM eq. 16, eta = 0.5")


@step
@given(jump=jumps(), eta=ETAS)
def test_the_variance_at_t_prev_is_right_for_every_eta(kata, jump, eta):
    """What fresh noise adds, the old noise gives up: the squares of the two factors add up to 1 - alpha_bar_prev."""
    (t, t_prev), schedule = jump, kata.on(COARSE)
    one = torch.ones(1, 1, dtype=f64, device=kata.device)
    x_t = (1 - schedule.alphas_cumprod[t]) ** 0.5 * one  # made of noise alone: x0 = 0, eps = 1

    def total(f):
        old = f(x_t, t, t_prev, one, schedule, eta, 0 * one)
        return old**2 + (f(x_t, t, t_prev, one, schedule, eta, one) - old) ** 2

    call = kata.probe(f"both variances after ddim_step(t={t}, t_prev={t_prev}, eta={eta:.3g})", total)
    call.gives((1 - closed_form.alpha_bar_at(schedule, t_prev)) * one, "DDIM eq. 12: variances add up")


@step
@given(shape=SHAPES, jump=jumps(), eta=ETAS)
def test_any_shape_any_jump_any_eta(kata, shape, jump, eta):
    """Equation 12 for whatever hypothesis comes up with."""
    x_t, eps, noise = inputs(kata, *shape)
    expected = closed_form.ddim_step(x_t, *jump, eps, kata.on(COARSE), eta, noise)
    kata(x_t, *jump, eps, kata.on(COARSE), eta, noise).gives(expected, "DDIM eq. 12")


@step
@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize(("t", "t_prev"), [(980, 960), (999, 998), (20, 0), (1, 0), (0, -1)])
def test_the_papers_schedule(kata, t, t_prev, eta):
    """A thousand steps: long strides and short, the first and the last."""
    x_t, eps, noise = inputs(kata, 5, 2)
    expected = closed_form.ddim_step(x_t, t, t_prev, eps, kata.on(PAPER), eta, noise)
    kata(x_t, t, t_prev, eps, kata.on(PAPER), eta, noise).gives(expected, "DDIM eq. 12")


@step
@pytest.mark.parametrize("eta", [0.0, 0.5])
def test_float32_stays_float32(kata, eta):
    """The result has the dtype of x_t."""
    x_t, eps, noise = (x.float() for x in inputs(kata, 5, 2))
    schedule = kata.on(COARSE).to(dtype=torch.float32)
    expected = closed_form.ddim_step(x_t, 6, 3, eps, schedule, eta, noise)
    kata(x_t, 6, 3, eps, schedule, eta, noise).gives(expected, "DDIM eq. 12", SINGLE)


@step
@pytest.mark.parametrize(("t", "t_prev", "eta"), [(6, 3, 0.0), (6, 3, 0.5), (0, -1, 0.0)])
def test_nothing_is_changed_in_place(kata, t, t_prev, eta):
    """The caller may keep x_t, to draw the path."""
    x_t, eps, noise = inputs(kata, 5, 2)
    kata.untouched(x_t, t, t_prev, eps, kata.on(COARSE), eta, noise).gives(
        "nothing is changed in place", "inputs never change"
    )


@step
@pytest.mark.parametrize(("t", "t_prev", "eta"), [(6, 3, 0.0), (6, 3, 0.5), (0, -1, 0.0)])
def test_works_on_a_gpu(kata, t, t_prev, eta):
    """Everything stays on the device of x_t."""
    x_t, eps, noise = inputs(kata, 5, 2, 3)
    expected = closed_form.ddim_step(x_t, t, t_prev, eps, COARSE, eta, noise)
    kata.elsewhere(x_t, t, t_prev, eps, COARSE, eta, noise).gives(expected, "the device of x_t")


@sample
class TestDdimSampleWithoutNoise(QuietWalkChecks):
    """The short walk at eta = 0: deterministic, three of ten steps."""

    steps = [6, 3, 0]
    arguments = (3,)
    eta = 0.0


@sample
class TestDdimSampleWithSomeNoise(NoisyWalkChecks):
    """The short walk at eta = 0.6: some fresh noise at each of five jumps but the last."""

    steps = [8, 6, 4, 2, 0]
    arguments = (5, 0.6)
    eta = 0.6


@sample
@pytest.mark.parametrize("inference_steps", [1, STEPS])
def test_one_step_and_all_steps(kata, inference_steps):
    """The shortest walk is one jump from t = 0; the longest visits every t."""
    expected, own = list(range(inference_steps))[::-1], own_timesteps(kata.implementation, STEPS, inference_steps)
    kata.probe(*shown_t(kata, inference_steps)).gives(expected, "ddim_timesteps(10, S)", also=[own or expected])


@sample
def test_fifty_steps_unless_told_otherwise(kata):
    """num_inference_steps is 50 by default."""
    expected, own = list(range(980, -1, -20)), own_timesteps(kata.implementation, 1000, 50)
    call = kata.probe(*shown_t(kata, schedule=PAPER))
    call.gives(expected, "ddim_timesteps(1000, 50)", also=[own or expected])


@timesteps
class TestDdimTimesteps(EveryCondition):
    due, source = staticmethod(closed_form.ddim_timesteps), "i * (T // S)"
    refused = [{"num_timesteps": 0}, *({"num_inference_steps": steps} for steps in (0, -1, 11))]


@step
class TestDdimStep(EveryStep):
    due, source = staticmethod(closed_form.ddim_step), "DDIM eq. 12"
    refused = [{"noise": None}, {"noise": None, "eta": 1.0}]


@sample
class TestEveryDdimWalk(EveryWalk):
    long, dtypes = {"num_inference_steps": 1000}, ("float32",)
    refused = [{"num_inference_steps": steps} for steps in (0, -1, 11)]
