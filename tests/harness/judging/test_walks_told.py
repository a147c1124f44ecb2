"""What is said of a walk, or of a loss, holds for it: nothing is called clipped, dropped or moved that is not."""

import pytest
import torch

from grading.judging.diagnosis import diagnose
from grading.submission.implementation import ROOT, Implementation, Replaced

SOLUTION = Implementation(ROOT / "solutions")


def told(function, wrong):
    found = diagnose(Replaced(ROOT / "solutions", {function: wrong}), function)
    return [text for label, text in found.lines if label == "measured"] if found else []


def ddpm(start=lambda x: x, shown=lambda x: x, guess=lambda eps, t: eps, then=lambda x: x, end=lambda x: x):
    """ddpm_sample with something else in one of its places."""

    def sample(model, x_T, schedule, generator=None):
        x = start(x_T)
        with torch.no_grad():
            for t in reversed(range(len(schedule.betas))):
                eps = guess(model(shown(x), torch.full((len(x),), t)), t)
                noise = torch.randn(x.shape, generator=generator, dtype=x.dtype)
                x = then(SOLUTION.ddpm_step(x, t, eps, schedule, noise))
        return end(x)

    return sample


LEADS = "the step at t=9 does not lead where your ddpm_step leads from there"
DDPM = {
    "an answer that one step does not use": (
        {"guess": lambda eps, t: eps if t else 0 * eps},
        ["at the end: eps is not used"],
    ),
    "x divided by its spread": ({"then": lambda x: x / x.std()}, [LEADS]),
    "x divided by its largest entry": ({"then": lambda x: x / x.abs().max()}, [LEADS]),
    "x clipped": (
        {"then": lambda x: x.clamp(-3, 3)},
        ["x is clipped, at every step, to 3: the data here are not pixels"],
    ),
    "another x shown than is walked on": (
        {"shown": lambda x: x / 2},
        ["the model is first shown 0.5 * x_T: x_T is due"],
    ),
    "a start that is a little off": (
        {"start": lambda x: x + 0.1},
        ["the model is first shown another x than x_T: up to 0.1 from it"],
    ),
    "an end of another size": (
        {"end": lambda x: x / x.std()},
        ["x_0 is not where your ddpm_step leads from the last x_t"],
    ),
}


@pytest.mark.parametrize("title", DDPM)
def test_of_a_ddpm_walk_is_said_what_holds(title):
    changed, says = DDPM[title]
    assert told("ddpm_sample", ddpm(**changed))[:1] == says


def test_a_start_of_another_size_is_told_once():
    says = "the model is first shown 0.5 * x_T: x_T is due"
    assert told("ddpm_sample", ddpm(start=lambda x: x / 2)) == [says]


def test_noise_that_the_pixels_of_a_channel_share_is_found():
    (line,) = told("ddim_sample", ddim(noisy=lambda z, eta: z[..., :1, :1].expand_as(z) if z.ndim == 4 else z))
    says = "the noise is shared by the dims of a sample: each entry needs its own"
    assert line == f"with 4 samples of shape (3, 2, 2): {says}"


def test_a_step_from_the_other_end_of_the_tables_is_not_said_to_be_made_one_earlier():
    def wrong(model, x_T, schedule, generator=None):
        x, T = x_T, len(schedule.betas)
        with torch.no_grad():
            for t in reversed(range(T)):
                noise = torch.randn(x.shape, generator=generator, dtype=x.dtype)
                x = SOLUTION.ddpm_step(x, t or T - 1, model(x, torch.full((len(x),), t)), schedule, noise * (t > 0))
        return x

    assert told("ddpm_sample", wrong) == ["x_0 is not where your ddpm_step leads from the last x_t"]


def test_a_model_asked_twice_in_a_step_is_not_said_to_have_no_noise():
    def heun(model, x_T, schedule, generator=None):
        x = x_T
        with torch.no_grad():
            for t in reversed(range(len(schedule.betas))):
                eps = model(x, torch.full((len(x),), t))
                ahead = SOLUTION.ddpm_step(x, t, eps, schedule, 0 * x)
                eps = (eps + model(ahead, torch.full((len(x),), max(t - 1, 0)))) / 2
                noise = torch.randn(x.shape, generator=generator, dtype=x.dtype)
                x = SOLUTION.ddpm_step(x, t, eps, schedule, noise)
        return x

    (line,) = told("ddpm_sample", heun)
    assert line.startswith("t runs through [9, 8, 8, ")


def ddim(steps=SOLUTION.ddim_timesteps, step=SOLUTION.ddim_step, noisy=lambda z, eta: z, last=True):
    """ddim_sample with something else in one of its places."""

    def sample(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
        x, ts = x_T, steps(len(schedule.betas), num_inference_steps)
        with torch.no_grad():
            for t, t_prev in zip(ts, [*ts[1:], -1]):
                eps = model(x, torch.full((len(x),), t))
                noise = noisy(torch.randn(x.shape, generator=generator, dtype=x.dtype), eta) if eta else None
                after = step(x, t, t_prev, eps, schedule, eta, noise)
                x = after if last or t_prev >= 0 else x
        return x

    return sample


def without_sigma(x_t, t, t_prev, eps, schedule, eta, noise):
    """A step written out in the loop, whose direction takes no account of sigma."""
    quiet = SOLUTION.ddim_step(x_t, t, t_prev, eps, schedule, 0.0)
    zero = torch.zeros_like(x_t)
    return quiet if noise is None else quiet + SOLUTION.ddim_step(zero, t, t_prev, zero, schedule, eta, noise)


def test_a_step_whose_direction_lacks_sigma_is_said_to_lead_where_eta_0_leads():
    mean, noise, *_ = told("ddim_sample", ddim(step=without_sigma))
    assert mean == "the step leads where eta = 0 leads, not 0.625: is it handed on?"
    assert noise.endswith("* noise: where such a step leads, none is added")


def test_a_last_step_that_is_dropped_is_not_said_to_go_to_0():
    (line,) = told("ddim_sample", ddim(last=False))
    assert line.endswith("t_prev is 0 after the last timestep, not -1, or the step's result is dropped")


def test_a_list_that_is_wrong_where_it_does_not_divide_is_found():
    says = "in 3 steps of 10: t runs through [9, 6, 3, 0]: [6, 3, 0] is due"
    assert told("ddim_sample", ddim(steps=lambda T, S: list(range(0, T, T // S))[::-1])) == [says]


def test_a_walk_that_is_wrong_at_eta_1_alone_is_found():
    (line,) = told("ddim_sample", ddim(noisy=lambda z, eta: 2 * z if eta > 0.9 else z))
    assert line.startswith("at eta = 1: what steps add, over their sigma, has mean ")


def loss(counted):
    def wrong(model, x0, t, schedule, noise):
        return counted(noise, model(SOLUTION.q_sample(x0, t, schedule, noise), t))

    return wrong


def one_by_one(model, x0, t, schedule, noise):
    x_t = SOLUTION.q_sample(x0, t, schedule, noise)
    each = [(noise[i : i + 1] - model(x_t[i : i + 1], t[i : i + 1])).square().mean() for i in range(len(x0))]
    return torch.stack(each).mean()


def test_of_a_loss_is_said_what_holds():
    divided = told("ddpm_loss", loss(lambda noise, eps: (noise - eps / eps.std()).square().mean()))
    assert divided == ["the loss is not a number where the model's answer is 0, or nearly"]
    assert told("ddpm_loss", one_by_one) == ["the model is asked 7 times: it is asked once"]
