"""A loop is judged by the walk that the submission's own step makes: a slip in the step costs the step's task alone."""

import pytest
import torch
from many_implementations import failures
from wrong_forms import catalogue
from wrong_forms.samplers import LOOP, NOISE
from wrong_forms.walking import sampler

from grading.judging import closed_form

SAMPLE = {"ddpm_step": "ddpm_sample", "ddim_step": "ddim_sample"}
# Name and f(right, x_t): what a wrong step makes of the right answer.
RESULTS = {
    "clipped to [-1, 1]": lambda right, x: right.clamp(-1, 1),
    "never below 0": lambda right, x: right.clamp(min=0),
    "tanh": lambda right, x: right.tanh(),
    "rounded": lambda right, x: right.mul(100).round() / 100,
    "without its mean": lambda right, x: right - right.mean(),
    "no number where x_t is negative": lambda right, x: right + 0 * x.sqrt(),
    "infinite where x_t is above 2": lambda right, x: torch.where(x > 2, torch.inf, right),
    "so large that float32 has no number for it": lambda right, x: 2 * right,
}
NOISES = {
    "x0 clipped": None,
    "noise clipped to [-1, 1]": lambda noise, x: noise.clamp(-1, 1),
    "noise squared": lambda noise, x: noise**2,
    "noise times x_t": lambda noise, x: noise * x,
    "one noise for all": lambda noise, x: noise[:1].expand_as(x),
    "no noise": lambda noise, x: 0 * noise,
}


def of_result(wrong, ddim):
    def step(x_t, t, *others, **named):
        return wrong((closed_form.ddim_step if ddim else closed_form.ddpm_step)(x_t, t, *others, **named), x_t)

    return step


def of_noise(wrong, ddim):
    def ddpm_step(x_t, t, eps, schedule, noise):
        return closed_form.ddpm_step(x_t, t, eps, schedule, wrong(noise, x_t))

    def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
        noise = None if noise is None else wrong(noise, x_t)
        return closed_form.ddim_step(x_t, t, t_prev, eps, schedule, eta, noise)

    return ddim_step if ddim else ddpm_step


def steps(function):
    """Name and wrong step."""
    ddim = function == "ddim_step"
    clipped = next(entry.wrong for entry in catalogue(function) if entry.name == "x0_clipped")
    made = {name: of_result(wrong, ddim) for name, wrong in RESULTS.items()}
    return made | {name: of_noise(wrong, ddim) if wrong else clipped for name, wrong in NOISES.items()}


def submission(function, step, **parts):
    """The functions of a submission, by name: a step, and a loop that calls it."""

    def taken(w, x, t, t_prev, eps, noise):
        if function == "ddim_step":
            return step(x, t, t_prev, eps, w.schedule, w.eta, noise)
        return step(x, t, eps, w.schedule, noise)

    return {function: step, SAMPLE[function]: sampler(SAMPLE[function], **{"step": taken, **parts})}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("function", SAMPLE)
def test_a_right_loop_is_green_whatever_its_step_is(function):
    wrong = steps(function)
    assert failures(SAMPLE[function], wrong, lambda name: submission(function, wrong[name])) == {}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("function", SAMPLE)
def test_a_wrong_loop_is_red_with_a_step_that_clips(function):
    clipped = steps(function)["clipped to [-1, 1]"]
    loops = {name: parts for name, _, parts in (*LOOP, *NOISE) if not name.startswith("clipped")}
    failed = failures(SAMPLE[function], loops, lambda name: submission(function, clipped, **loops[name]))
    assert loops.keys() == failed.keys()
