"""Where a function is wrong is said as it was measured: for which samples, at which edge, in which call."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from grading.judging.diagnosis import diagnose
from grading.judging.diagnosis.search.powers import product
from grading.submission.implementation import ROOT, Implementation, Replaced

SOLUTION = Implementation(ROOT / "solutions")


def told(function, wrong):
    """Every line of what is found."""
    found = diagnose(Replaced(ROOT / "solutions", {function: wrong}), function)
    return [f"{label} {text}" for label, text in found.lines] if found else []


def q_sample(of_answer=lambda right, x0: right, of_noise=lambda noise: noise, when=lambda schedule: True):
    """q_sample with another answer, or with other noise, for some schedules."""

    def wrong(x0, t, schedule, noise):
        right = SOLUTION.q_sample(x0, t, schedule, of_noise(noise) if when(schedule) else noise)
        return of_answer(right, x0) if when(schedule) else right

    return wrong


def ddim_step(when, term=lambda eps, noise: 0.1 * eps):
    """ddim_step with one term more, now and then."""

    def wrong(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
        right = SOLUTION.ddim_step(x_t, t, t_prev, eps, schedule, eta, noise)
        is_last = t == len(schedule.betas) - 1
        given = SimpleNamespace(T=len(schedule.betas), t=t, prev=t_prev, eta=eta, noise=noise, is_last=is_last)
        return right + term(eps, noise) if when(given) else right

    return wrong


SAMPLES = {
    "the last one left as it was": (
        q_sample(of_answer=lambda right, x0: torch.cat([right[:-1], x0[-1:]])),
        ["measured of a batch of 5 sample 4 is wrong (the first is 0), and one sample alone: the others are right"],
    ),
    "noise less its mean over the batch": (
        q_sample(of_noise=lambda noise: noise - noise.mean(0)),
        ["measured one sample's noise changes the answer of another: each sample has a sum of its own"],
    ),
    "noise less its mean over everything": (
        q_sample(of_noise=lambda noise: noise - noise.mean()),
        [
            "measured one entry of noise changes other entries of the answer: every entry has its own sum "
            "(no mean, norm or product of tensors)"
        ],
    ),
    "the first one's noise for all": (
        q_sample(of_noise=lambda noise: noise[:1] + 0 * noise),
        [
            "measured right for one sample alone, and for no batch",
            "and what is wrong there is the term of noise",
            "and one sample's noise changes the answer of another: each sample has a sum of its own",
        ],
    ),
}


@pytest.mark.parametrize("title", SAMPLES)
def test_of_a_batch_is_said_which_samples_are_wrong(title):
    wrong, lines = SAMPLES[title]
    assert told("q_sample", wrong) == lines


def test_one_factor_that_is_the_first_samples_for_all_is_no_fault_of_the_batch():
    def wrong(x0, t, schedule, noise):
        alpha_bar = schedule.alphas_cumprod.to(x0)[t].reshape(-1, *[1] * (x0.ndim - 1))
        return alpha_bar.sqrt() * x0 + (1 - alpha_bar[:1]).sqrt() * noise

    says = "the factor of noise: every sample is given the factors of t[0]: each has its own t"
    assert told("q_sample", wrong) == [f"measured {says}"]


EDGES = {
    "eta = 0": lambda at: at.eta == 0 and at.noise is not None,
    "t_prev = -1": lambda at: at.prev == -1,
    "t_prev = -1 and eta > 0": lambda at: at.prev == -1 and at.eta > 0,
    "t_prev = 0": lambda at: at.prev == 0,
    "t = T - 1": lambda at: at.is_last and at.T > 1,
    "t = 0": lambda at: at.t == 0,
    "T = 1": lambda at: at.T == 1,
    "T = 1000": lambda at: at.T == 1000,
}


@pytest.mark.parametrize("edge", EDGES)
def test_an_edge_is_that_at_which_all_is_wrong_and_nothing_else_is(edge):
    when = EDGES[edge]
    lines = told("ddim_step", ddim_step(when))
    assert lines[0] == f"measured right elsewhere; at {edge} eps has the wrong factor"
    assert not any(line.startswith("and ") for line in lines)


def test_a_step_that_fails_without_noise_alone_is_said_to():
    lines = told("ddim_step", ddim_step(lambda at: True, lambda eps, noise: 0 * noise))
    assert len(lines) == 1
    assert lines[0].startswith("measured right elsewhere; at noise = None it fails: TypeError")


def test_a_formula_is_told_once_however_many_edges_it_holds_at():
    def wrong(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
        return SOLUTION.ddim_step(x_t, t, max(t_prev, 0), eps, schedule, eta, noise)

    lines = told("ddim_step", wrong)
    assert [line for line in lines if "alpha_bar[0]" in line] == ["yours is alpha_bar[0] where alpha_bar_prev belongs"]
    assert not any(line.startswith("and ") for line in lines)


def test_what_is_wrong_at_some_places_of_an_edge_is_not_said_of_all():
    def late(x0, t, schedule, noise):
        return SOLUTION.q_sample(x0, t, schedule, noise * (2 if (t > 800).any() else 1))

    def clipped(x_t, t, eps, schedule, noise):
        right = SOLUTION.ddpm_step(x_t, t, eps, schedule, noise)
        return right.clamp(-1, 1) if t == 2 else right

    assert told("q_sample", late)[0] == ("measured right elsewhere; at T = 1000 noise has the wrong factor, not always")
    assert told("ddpm_step", clipped) == [
        "measured the answer is clipped to [-1, 1]: right for small numbers, not for large ones",
        "and not everywhere: at t=2, T=13",
    ]


def test_chance_at_an_edge_is_no_wrong_factor():
    def wrong(x0, t, schedule, noise):
        return SOLUTION.q_sample(x0, t, schedule, torch.randn_like(noise) if (t == 0).any() else noise)

    says = "at t = 0 the answer is not a sum of numbers times x0, noise"
    assert told("q_sample", wrong) == [f"measured right elsewhere; {says}"]


def test_entries_with_factors_of_their_own_are_not_called_squared_or_clipped():
    def wrong(x0, t, schedule, noise):
        return torch.cat([noise[..., :1], SOLUTION.q_sample(x0, t, schedule, noise)[..., 1:]], -1)

    says = "the entries of one sample have different factors: all are to have the same"
    assert told("q_sample", wrong) == [f"measured {says}"]


def test_the_sign_of_a_sum_stands_before_its_bracket():
    ab = np.linspace(0.2, 0.8, 5)
    assert product(ab - 1, {"ab": ab, "1 - ab": 1 - ab}) == "-(1 - ab)"


def test_a_line_of_two_wrong_factors_is_not_shown_with_one_of_them():
    def wrong(x0, t, schedule, noise):
        alpha_bar = schedule.alphas_cumprod.to(x0)[t].reshape(-1, *[1] * (x0.ndim - 1))
        return alpha_bar * x0 + 2 * (1 - alpha_bar**2).sqrt() * noise

    yours = [line for line in told("q_sample", wrong) if line.startswith("yours is")]
    assert yours == [
        "yours is alpha_bar_t, the factor of x0",
        "yours is 2 * sqrt(1 - alpha_bar_t^2), the factor of noise",
    ]


def test_an_argument_in_the_place_of_another_is_said_as_that():
    def swapped(x_t, t, eps, schedule, noise):
        return SOLUTION.ddpm_step(x_t, t, noise, schedule, eps)

    def once(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
        return SOLUTION.ddim_step(x_t, t, t_prev, eps if noise is None else noise, schedule, eta, noise)

    assert "yours has eps and noise exchanged" in told("ddpm_step", swapped)
    assert "yours has noise where eps belongs, throughout" in told("ddim_step", once)


def test_an_eta_made_whole_is_named():
    def wrong(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
        return SOLUTION.ddim_step(x_t, t, t_prev, eps, schedule, float(round(eta)), noise)

    assert any(line.startswith("yours is sigma = round(eta) * ") for line in told("ddim_step", wrong))


def test_a_loss_weighted_by_t_is_not_said_to_leave_a_sample_out():
    def wrong(model, x0, t, schedule, noise):
        gap = (model(SOLUTION.q_sample(x0, t, schedule, noise), t) - noise).square()
        return (t.to(gap).reshape(-1, *[1] * (x0.ndim - 1)) * gap).mean()

    assert told("ddpm_loss", wrong) == ["measured samples are weighted by t: eq. 14 weighs all alike"]


def test_a_walk_in_random_order_has_no_remarks_on_its_noise():
    def wrong(model, x_T, schedule, generator=None):
        x = x_T
        with torch.no_grad():
            for t in random.sample(range(len(schedule.betas)), len(schedule.betas)):
                eps = model(x, torch.full((len(x),), t))
                noise = torch.randn(x.shape, generator=generator, dtype=x.dtype)
                x = SOLUTION.ddpm_step(x, t, eps, schedule, noise)
        return x

    (line,) = told("ddpm_sample", wrong)
    assert "], and in the same walk once more through [" in line.replace(" (10 entries)", "")


def test_a_short_walk_that_is_wrong_alone_is_said_to_be():
    def wrong(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
        right = SOLUTION.ddim_sample(model, x_T, schedule, num_inference_steps, eta, generator)
        return right if num_inference_steps > 1 or len(schedule.betas) == 1 else x_T.clone()

    lines = told("ddim_sample", wrong)
    assert lines
    assert all(line.startswith("measured in a single step: ") for line in lines)


def sampler(when):
    """ddim_sample with a model that is shown x_T at every step, now and then."""

    def wrong(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
        shown = (lambda x, t: model(x_T, t)) if when(x_T, eta, generator) else model
        return SOLUTION.ddim_sample(shown, x_T, schedule, num_inference_steps, eta, generator)

    return wrong


SELDOM = {
    "": lambda x_T, eta, generator: len(x_T) > 1000,
    "with 4 samples of 2 dims: ": lambda x_T, eta, generator: len(x_T) < 1000,
    "at eta = 0: ": lambda x_T, eta, generator: eta == 0,
    "without a generator: ": lambda x_T, eta, generator: generator is None,
}


@pytest.mark.parametrize("walk", SELDOM)
def test_a_walk_is_wrong_where_it_was_seen_to_be(walk):
    says = "the model is shown its first x again, at t=6, 4, 2, 0: it must see the current x_t"
    assert told("ddim_sample", sampler(SELDOM[walk]))[0] == f"measured {walk}{says}"


ELSEWHERE = {
    "linear_beta_schedule": (
        lambda T, start=1e-4, end=0.02: SOLUTION.linear_beta_schedule(T, start, end).clamp(max=0.5),
        "linear_beta_schedule(6, 0.3, 0.95) is [0.3, 0.43, 0.5, 0.5, 0.5, 0.5], and "
        "[0.3, 0.43, 0.56, 0.69, 0.82, 0.95] is due",
    ),
    "ddim_timesteps": (
        lambda T, S: SOLUTION.ddim_timesteps(T, S) if S > 1 else [T - 1],
        "ddim_timesteps(9, 1) is [8], and [0] is due",
    ),
    "make_schedule": (
        lambda betas: SimpleNamespace(
            betas=betas, alphas=1 - betas, alphas_cumprod=(1 - betas).cumprod(0).clamp(min=0.01)
        ),
        "alphas_cumprod of 200 betas of 0.05 is [0.95, 0.9025, 0.8574, ..., 0.01, 0.01] (200 entries), and "
        "[0.95, 0.9025, 0.8574, ..., 3.69e-05, 3.505e-05] (200 entries) is due",
    ),
}


@pytest.mark.parametrize("function", ELSEWHERE)
def test_a_list_that_is_wrong_in_a_rare_call_alone_is_shown_there(function):
    wrong, says = ELSEWHERE[function]
    assert told(function, wrong) == [f"measured right elsewhere; {says}"]


def test_a_schedule_with_chance_in_it_is_called_that():
    def wrong(T, start=1e-4, end=0.02):
        betas = SOLUTION.linear_beta_schedule(T, start, end)
        return betas * (1 + 0.01 * torch.rand(len(betas)))

    assert told("linear_beta_schedule", wrong) == ["measured the same call gives another answer each time"]
