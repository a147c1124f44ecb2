"""What goes wrong in ddpm_step: its mean, its sigma, and the edge t = 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from grading.judging import closed_form
from grading.submission.contract import NoiseSchedule
from wrong_forms import looks_like, register


class Letters:
    """What a step may read, in the paper's letters: x (x_t), eps, z (the noise), t, and tables at t and t - 1."""

    def __init__(self, x_t: Tensor, t: int, eps: Tensor, schedule: NoiseSchedule, noise: Tensor) -> None:
        self.x, self.t, self.eps, self.z = x_t, t, eps, noise
        self.tables = schedule.to(x_t)
        self.last = t == 0
        self.beta, self.alpha, self.bar = (table[t] for table in self.tables)
        self.bar_prev = closed_form.alpha_bar_at(self.tables, t - 1)
        self.tilde = (1 - self.bar_prev) / (1 - self.bar) * self.beta
        self.x0 = (x_t - (1 - self.bar) ** 0.5 * eps) / self.bar**0.5


Part = Callable[[Any], Any]


def mean(a: Any) -> Tensor:
    return (a.x - a.beta / (1 - a.bar) ** 0.5 * a.eps) / a.alpha**0.5


def sigma(a: Any) -> Tensor:
    return a.tilde**0.5


def step(mean: Part = mean, sigma: Part = sigma, then: Part = lambda x: x) -> Callable:
    """then(mean + sigma * noise), with one of its parts replaced."""

    def wrong(x_t: Tensor, t: int, eps: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
        a = Letters(x_t, t, eps, schedule, noise)
        return then(mean(a) + sigma(a) * noise)

    return wrong


def but_last(sigma: Part) -> Part:
    """No noise at t = 0."""
    return lambda a: 0.0 if a.last else sigma(a)


def wrapped(a: Any) -> Tensor:
    """alphas_cumprod[t - 1], which is the last entry at t = 0."""
    return a.tables.alphas_cumprod[a.t - 1]


def posterior(a: Any, x0: Tensor, bar_prev: Tensor | None = None) -> Tensor:
    """DDPM eq. 7, the mean."""
    prev = a.bar_prev if bar_prev is None else bar_prev
    return (prev**0.5 * a.beta * x0 + a.alpha**0.5 * (1 - prev) * a.x) / (1 - a.bar)


MEANS = (
    ("alpha_bar_under_the_fraction", "1 / sqrt(alpha_bar) where 1 / sqrt(alpha) belongs",
     lambda a: (a.x - a.beta / (1 - a.bar) ** 0.5 * a.eps) / a.bar**0.5),
    ("no_root_of_alpha", "1 / alpha where 1 / sqrt(alpha) belongs",
     lambda a: (a.x - a.beta / (1 - a.bar) ** 0.5 * a.eps) / a.alpha),
    ("alpha_for_alpha_bar", "sqrt(1 - alpha) where sqrt(1 - alpha_bar) belongs",
     lambda a: (a.x - a.beta / (1 - a.alpha) ** 0.5 * a.eps) / a.alpha**0.5),
    ("no_root_of_the_rest", "1 - alpha_bar where sqrt(1 - alpha_bar) belongs",
     lambda a: (a.x - a.beta / (1 - a.bar) * a.eps) / a.alpha**0.5),
    ("root_of_alpha_bar_below_beta", "beta / sqrt(alpha_bar) where beta / sqrt(1 - alpha_bar) belongs",
     lambda a: (a.x - a.beta / a.bar**0.5 * a.eps) / a.alpha**0.5),
    ("root_of_beta", "sqrt(beta) where beta belongs",
     lambda a: (a.x - a.beta**0.5 / (1 - a.bar) ** 0.5 * a.eps) / a.alpha**0.5),
    ("alpha_for_beta", "alpha / sqrt(1 - alpha_bar) where (1 - alpha) / sqrt(1 - alpha_bar) belongs",
     lambda a: (a.x - a.alpha / (1 - a.bar) ** 0.5 * a.eps) / a.alpha**0.5),
    ("factor_missing", "eps with factor 1: beta / sqrt(1 - alpha_bar) is missing",
     lambda a: (a.x - a.eps) / a.alpha**0.5),
    ("beta_alone", "beta * eps: the division by sqrt(1 - alpha_bar) is missing",
     lambda a: (a.x - a.beta * a.eps) / a.alpha**0.5),
    ("all_noise_removed", "sqrt(1 - alpha_bar) * eps removed: that is the noise of all steps, not of one",
     lambda a: (a.x - (1 - a.bar) ** 0.5 * a.eps) / a.alpha**0.5),
    ("plus_for_minus", "eps added: it is to be removed",
     lambda a: (a.x + a.beta / (1 - a.bar) ** 0.5 * a.eps) / a.alpha**0.5),
    ("eps_kept", "x_t / sqrt(alpha): the predicted noise is not removed", lambda a: a.x / a.alpha**0.5),
    ("divided_by_root_of_the_rest", "1 / sqrt(1 - alpha_bar) where 1 / sqrt(alpha) belongs",
     lambda a: (a.x - a.beta / (1 - a.bar) ** 0.5 * a.eps) / (1 - a.bar) ** 0.5),
    ("not_divided", "no division by sqrt(alpha)", lambda a: a.x - a.beta / (1 - a.bar) ** 0.5 * a.eps),
    ("multiplied", "a multiplication by sqrt(alpha) where a division belongs",
     lambda a: (a.x - a.beta / (1 - a.bar) ** 0.5 * a.eps) * a.alpha**0.5),
    ("bracket_missing", "x_t / sqrt(alpha) - beta / sqrt(1 - alpha_bar) * eps: 1 / sqrt(alpha) multiplies the whole "
     "bracket",
     lambda a: a.x / a.alpha**0.5 - a.beta / (1 - a.bar) ** 0.5 * a.eps),
    ("one_step_early", "alpha_bar[t - 1] where alpha_bar[t] belongs, in the mean",
     lambda a: (a.x - a.beta / (1 - wrapped(a)) ** 0.5 * a.eps) / a.alpha**0.5),
    ("jump_to_x0", "x0 returned as the mean: one step leads to x_{t-1} only", lambda a: a.x0),
    ("wrapped_posterior", "alphas_cumprod[t - 1] at t = 0, which is the last entry: alpha_bar is 1 there",
     lambda a: posterior(a, a.x0, wrapped(a))),
    ("posterior_of_eps", "eps in the place of x0 in eq. 7", lambda a: posterior(a, a.eps)),
    ("posterior_of_bar", "sqrt(alpha_bar[t]) where sqrt(alpha_bar[t - 1]) belongs in eq. 7",
     lambda a: (a.bar**0.5 * a.beta * a.x0 + a.alpha**0.5 * (1 - a.bar_prev) * a.x) / (1 - a.bar)),
    ("posterior_without_root", "alpha_bar[t - 1] where its square root belongs in eq. 7",
     lambda a: (a.bar_prev * a.beta * a.x0 + a.alpha**0.5 * (1 - a.bar_prev) * a.x) / (1 - a.bar)),
    ("posterior_of_bar_at_x_t", "sqrt(alpha_bar) where sqrt(alpha) multiplies x_t in eq. 7",
     lambda a: (a.bar_prev**0.5 * a.beta * a.x0 + a.bar**0.5 * (1 - a.bar_prev) * a.x) / (1 - a.bar)),
    ("posterior_of_alpha", "alpha where sqrt(alpha) belongs in eq. 7",
     lambda a: (a.bar_prev**0.5 * a.beta * a.x0 + a.alpha * (1 - a.bar_prev) * a.x) / (1 - a.bar)),
    ("posterior_exchanged", "x0 and x_t exchanged in eq. 7",
     lambda a: (a.bar_prev**0.5 * a.beta * a.x + a.alpha**0.5 * (1 - a.bar_prev) * a.x0) / (1 - a.bar)),
    ("x0_clipped", "x0 clipped to [-1, 1]: the data here are not pixels", lambda a: posterior(a, a.x0.clamp(-1, 1))),
)  # fmt: skip

SIGMAS = (
    ("beta_as_variance", "sigma^2 = beta_t, which is legal in the paper; this kata asks for the posterior variance "
     "beta~_t",
     but_last(lambda a: a.beta**0.5)),
    ("beta_as_variance_to_the_end", "sigma^2 = beta_t, and noise at t = 0 too: this kata asks for beta~_t, and for "
     "the mean alone at t = 0",
     lambda a: a.beta**0.5),
    ("noise_at_the_end", "noise at t = 0, as much as beta_0: the last step is the mean alone",
     lambda a: a.beta**0.5 if a.last else a.tilde**0.5),
    ("variance_for_deviation", "the variance beta~_t where its square root multiplies the noise", lambda a: a.tilde),
    ("beta_for_deviation", "beta_t where the square root of beta~_t multiplies the noise", but_last(lambda a: a.beta)),
    ("beta_for_deviation_to_the_end", "beta_t as sigma, at t = 0 too", lambda a: a.beta),
    ("wrapped_at_the_end", "alphas_cumprod[t - 1] at t = 0, which is the last entry: alpha_bar is 1 there",
     lambda a: ((1 - wrapped(a)) / (1 - a.bar) * a.beta) ** 0.5),
    ("no_noise_at_one", "no noise at t = 1: t counts from 0 here, so t = 0 is the only quiet step",
     lambda a: 0.0 if a.t <= 1 else a.tilde**0.5),
    ("beta_and_no_noise_at_one", "sigma^2 = beta_t, and no noise at t = 1: t counts from 0 here",
     lambda a: 0.0 if a.t <= 1 else a.beta**0.5),
    ("quiet_at_one_instead", "no noise at t = 1 alone: the quiet step is t = 0",
     lambda a: 0.0 if a.t == 1 else ((1 - wrapped(a)) / (1 - a.bar) * a.beta) ** 0.5),
    ("quiet_at_the_start", "no noise at t = T - 1: the quiet step is t = 0",
     lambda a: 0.0 if a.t == len(a.tables.betas) - 1 else ((1 - wrapped(a)) / (1 - a.bar) * a.beta) ** 0.5),
    ("noise_only_at_the_end", "noise at t = 0 alone: the condition is turned round",
     lambda a: a.beta**0.5 if a.last else 0.0),
    ("never_noise", "no noise at any step", lambda a: 0.0),
    ("plain_noise", "noise with factor 1: sigma is missing", but_last(lambda a: 1.0)),
    ("sigma_of_alphas", "alpha where alpha_bar belongs, in beta~_t: that makes it beta[t - 1]",
     but_last(lambda a: ((1 - a.tables.alphas[a.t - 1]) / (1 - a.alpha) * a.beta) ** 0.5)),
    ("fraction_upside_down", "(1 - alpha_bar[t]) / (1 - alpha_bar[t - 1]) upside down, in beta~_t",
     but_last(lambda a: ((1 - a.bar) / (1 - a.bar_prev) * a.beta) ** 0.5)),
    ("beta_forgotten", "(1 - alpha_bar[t - 1]) / (1 - alpha_bar[t]) without beta, in beta~_t",
     lambda a: ((1 - a.bar_prev) / (1 - a.bar)) ** 0.5),
    ("beta_outside_the_root", "the root of the fraction alone: beta stands outside of it",
     lambda a: ((1 - a.bar_prev) / (1 - a.bar)) ** 0.5 * a.beta),
    ("fraction_outside_the_root", "the root of beta alone: the fraction stands outside of it",
     lambda a: (1 - a.bar_prev) / (1 - a.bar) * a.beta**0.5),
    ("fraction_of_alpha_bars", "alpha_bar[t - 1] / alpha_bar[t] where 1 - alpha_bar belongs, above and below, in "
     "beta~_t",
     but_last(lambda a: (a.bar_prev / a.bar * a.beta) ** 0.5)),
    ("beta_of_the_step_before", "beta[t - 1] where beta[t] belongs, in beta~_t",
     but_last(lambda a: ((1 - a.bar_prev) / (1 - a.bar) * a.tables.betas[a.t - 1]) ** 0.5)),
    ("all_noise_again", "sqrt(1 - alpha_bar[t]) as sigma: that is the noise of all steps, not of one",
     but_last(lambda a: (1 - a.bar) ** 0.5)),
    ("all_noise_before", "sqrt(1 - alpha_bar[t - 1]) as sigma: that is the noise of all steps, not of one",
     lambda a: (1 - a.bar_prev) ** 0.5),
    ("exponential_without_logarithm", "exp(beta~_t / 2): that needs the logarithm of beta~_t",
     but_last(lambda a: (0.5 * a.tilde).exp())),
    ("quarter_for_half", "the square root of sigma: a root too many", lambda a: a.tilde**0.25),
    ("divided_by_root_of_alpha", "sigma * noise inside the bracket that is divided by sqrt(alpha)",
     lambda a: (a.tilde / a.alpha) ** 0.5),
    ("noise_subtracted", "the noise subtracted: it is added", lambda a: -(a.tilde**0.5)),
)  # fmt: skip

for name, says, part in MEANS:
    register("ddpm_step", name, says, "DDPM eq. 11", step(mean=part))
for name, says, part in SIGMAS:
    register("ddpm_step", name, says, "DDPM eq. 7", step(sigma=part))


@looks_like("ddpm_step", "the tables at t - 1 where those at t belong: t counts from 0 here", "DDPM algorithm 2")
def step_before(x_t: Tensor, t: int, eps: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    return step()(x_t, max(t - 1, 0), eps, schedule, noise)


@looks_like(
    "ddpm_step", "the tables at t - 1, and so the last entry at t = 0: t counts from 0 here", "DDPM algorithm 2"
)
def step_before_wrapped(x_t: Tensor, t: int, eps: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    tables = NoiseSchedule(*(table.roll(1) for table in schedule.to(x_t)))
    return step(sigma=lambda a: 0.0 if a.last else ((1 - wrapped(a)) / (1 - a.bar) * a.beta) ** 0.5)(
        x_t, t, eps, tables, noise
    )


@looks_like("ddpm_step", "the tables at t + 1 where those at t belong: it fails at t = T - 1", "DDPM algorithm 2")
def step_after(x_t: Tensor, t: int, eps: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    return step()(x_t, t + 1, eps, schedule, noise)


@looks_like("ddpm_step", "noise drawn anew: the noise that was given must be used", "DDPM algorithm 2")
def noise_redrawn(x_t: Tensor, t: int, eps: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    return step()(x_t, t, eps, schedule, torch.randn_like(x_t))


@looks_like("ddpm_step", "x_t overwritten (an operation such as -=, /= or mul_)", "inputs never change")
def changed_in_place(x_t: Tensor, t: int, eps: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    return x_t.copy_(step()(x_t, t, eps, schedule, noise))


@looks_like("ddpm_step", "eps overwritten (an operation such as *=, /= or mul_)", "inputs never change")
def eps_changed_in_place(x_t: Tensor, t: int, eps: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    after = step()(x_t, t, eps, schedule, noise)
    eps.mul_(2)
    return after


@looks_like("ddpm_step", "noise overwritten (an operation such as *=, /= or mul_)", "inputs never change")
def noise_changed_in_place(x_t: Tensor, t: int, eps: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    after = step()(x_t, t, eps, schedule, noise)
    noise.mul_(2)
    return after


@looks_like("ddpm_step", "x_t returned as it came at t = 0: the last step has a mean too", "DDPM algorithm 2")
def last_step_left_out(x_t: Tensor, t: int, eps: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    return step()(x_t, t, eps, schedule, noise) if t > 0 else 1 * x_t


@looks_like("ddpm_step", "tensors moved to the CPU (.cpu(), .numpy())", "the device of x_t")
def moved_to_the_cpu(x_t: Tensor, t: int, eps: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    return step()(x_t.cpu(), t, eps.cpu(), schedule, noise.cpu())


register("ddpm_step", "clipped", "a result clipped to [-1, 1]: the data here are not pixels", "DDPM eq. 7",
         step(then=lambda x: x.clamp(-1, 1)))  # fmt: skip
register("ddpm_step", "float32_always", "float32 always, whatever the dtype of x_t", "the dtype of x_t",
         step(then=lambda x: x.float()))  # fmt: skip
register("ddpm_step", "float64_always", "float64 always, whatever the dtype of x_t", "the dtype of x_t",
         step(then=lambda x: x.double()))  # fmt: skip
