"""What goes wrong in ddim_step: alpha_bar at t_prev, the guess of x0, sigma, and the way back towards x_t."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from grading.judging import closed_form
from wrong_forms import looks_like, register
from wrong_forms.jumping import Part, bar_prev, sigma, step, towards, x0


def at_the_end(number: Part) -> Callable:
    """alpha_bar of the data, right everywhere but after the last timestep."""
    return step(bar_prev=lambda a: number(a) if a.last else bar_prev(a))


def _fraction(a: Any) -> Tensor:
    return (1 - a.bar_prev) / (1 - a.bar)


def _growth(a: Any) -> Tensor:
    return 1 - a.bar / a.bar_prev


def _sigma_of_alphas(a: Any) -> Any:
    here, there = a.tables.alphas[a.t], a.tables.alphas[a.prev]
    return 0.0 if a.last else a.eta * ((1 - there) / (1 - here) * (1 - here / there).abs()) ** 0.5


def _only_with_eta(sigma: Part) -> Part:
    """sigma worked out only where eta is above 0: 0 * nan is nan."""
    return lambda a: sigma(a) if a.eta > 0 else 0.0


PREV = (
    ("step_before_for_next", "alpha_bar[t - 1] where alpha_bar[t_prev] belongs",
     step(bar_prev=lambda a: closed_form.alpha_bar_at(a.tables, -1 if a.last else a.t - 1))),
    ("step_before_to_the_end", "alpha_bar[t - 1] where alpha_bar[t_prev] belongs, after the last timestep too",
     step(bar_prev=lambda a: closed_form.alpha_bar_at(a.tables, a.t - 1))),
    ("wrapped_at_the_end", "alphas_cumprod[-1], the noisiest entry, at t_prev = -1: alpha_bar is 1 there",
     at_the_end(lambda a: a.tables.alphas_cumprod[-1])),
    ("wrapped_at_the_end_with_eta", "alphas_cumprod[-1], the noisiest entry, at t_prev = -1: alpha_bar is 1 there",
     step(bar_prev=lambda a: a.tables.alphas_cumprod[a.prev], sigma=_only_with_eta(sigma))),
    ("first_at_the_end", "alphas_cumprod[0] at t_prev = -1: alpha_bar is 1 there",
     at_the_end(lambda a: a.tables.alphas_cumprod[0])),
    ("end_at_zero", "alpha_bar = 1 at t_prev = 0: that is so only at t_prev = -1",
     step(bar_prev=lambda a: closed_form.alpha_bar_at(a.tables, a.prev if a.prev > 0 else -1))),
    ("alphas_for_both", "alpha where alpha_bar belongs, at t and at t_prev",
     step(bar=lambda a: a.tables.alphas[a.t],
     bar_prev=lambda a: a.tables.alphas[a.prev] if a.prev >= 0 else 0 * a.bar + 1)),
    ("alpha_at_t_prev", "alpha[t_prev] where alpha_bar[t_prev] belongs",
     step(bar_prev=lambda a: a.tables.alphas[a.prev] if a.prev >= 0 else 0 * a.bar + 1)),
    ("one_late_at_t_prev", "alpha_bar[t_prev + 1] where alpha_bar[t_prev] belongs",
     step(bar_prev=lambda a: a.tables.alphas_cumprod[a.prev + 1])),
    ("one_early_at_both", "alpha_bar[t - 1] and alpha_bar[t_prev - 1]: t counts from 0 here",
     step(bar=lambda a: closed_form.alpha_bar_at(a.tables, a.t - 1),
     bar_prev=lambda a: closed_form.alpha_bar_at(a.tables, a.prev - 1))),
    ("exchanged_with_eta", "alpha_bar[t] and alpha_bar[t_prev] exchanged",
     step(bar=bar_prev, bar_prev=lambda a: a.tables.alphas_cumprod[a.t], sigma=_only_with_eta(sigma))),
    ("root_taken_of_a_number", "torch.sqrt of the Python number 1.0 at t_prev = -1: torch.sqrt takes Tensors",
     at_the_end(lambda a: torch.sqrt(1.0))),  # type: ignore[arg-type]
)  # fmt: skip

X0 = (
    ("x0_not_divided", "no division by sqrt(alpha_bar) in x0", step(x0=lambda a: a.x - (1 - a.bar) ** 0.5 * a.eps)),
    ("x0_without_root_below", "a division by alpha_bar where sqrt(alpha_bar) belongs, in x0",
     step(x0=lambda a: (a.x - (1 - a.bar) ** 0.5 * a.eps) / a.bar)),
    ("x0_without_root_above", "1 - alpha_bar where sqrt(1 - alpha_bar) belongs, in x0",
     step(x0=lambda a: (a.x - (1 - a.bar) * a.eps) / a.bar**0.5)),
    ("x0_without_roots", "both square roots missing in x0", step(x0=lambda a: (a.x - (1 - a.bar) * a.eps) / a.bar)),
    ("x0_plus", "eps added in x0: it is to be removed",
     step(x0=lambda a: (a.x + (1 - a.bar) ** 0.5 * a.eps) / a.bar**0.5)),
    ("x0_multiplied", "a multiplication by sqrt(alpha_bar) where a division belongs, in x0",
     step(x0=lambda a: (a.x - (1 - a.bar) ** 0.5 * a.eps) * a.bar**0.5)),
    ("x0_bracket_missing", "x_t - sqrt(1 - alpha_bar) * eps / sqrt(alpha_bar): the bracket is missing in x0",
     step(x0=lambda a: a.x - (1 - a.bar) ** 0.5 * a.eps / a.bar**0.5)),
    ("x0_bracket_ends_early", "x_t / sqrt(alpha_bar) - sqrt(1 - alpha_bar) * eps: the whole bracket is divided, in x0",
     step(x0=lambda a: a.x / a.bar**0.5 - (1 - a.bar) ** 0.5 * a.eps)),
    ("x0_from_eps_alone", "eps with factor 1 in x0: sqrt(1 - alpha_bar) is missing",
     step(x0=lambda a: (a.x - a.eps) / a.bar**0.5)),
    ("x0_of_alpha", "alpha where alpha_bar belongs, in x0",
     step(x0=lambda a: (a.x - (1 - a.tables.alphas[a.t]) ** 0.5 * a.eps) / a.tables.alphas[a.t] ** 0.5)),
    ("x0_of_t_prev", "alpha_bar[t_prev] where alpha_bar[t] belongs, in x0",
     step(x0=lambda a: (a.x - (1 - a.bar_prev) ** 0.5 * a.eps) / a.bar_prev**0.5)),
    ("x0_clipped", "x0 clipped to [-1, 1]: the data here are not pixels", step(x0=lambda a: x0(a).clamp(-1, 1))),
    ("x_t_for_x0", "x_t where x0 belongs", step(x0=lambda a: a.x)),
    ("x0_with_factor_of_t", "sqrt(alpha_bar[t]) * x0 where sqrt(alpha_bar[t_prev]) * x0 belongs",
     step(shrunk=lambda a: a.bar**0.5 * a.x0)),
    ("x0_without_root", "alpha_bar[t_prev] * x0 where sqrt(alpha_bar[t_prev]) * x0 belongs",
     step(shrunk=lambda a: a.bar_prev * a.x0)),
    ("x0_not_shrunk", "x0 with factor 1 where sqrt(alpha_bar[t_prev]) * x0 belongs", step(shrunk=lambda a: a.x0)),
    ("x0_returned", "x0 returned at every jump: only the last one ends there",
     step(shrunk=lambda a: a.x0, towards=lambda a: 0.0, fresh=lambda a: 0.0)),
)  # fmt: skip

SIGMAS = (
    ("eta_ignored", "sigma = 0 always: eta is not used", step(sigma=lambda a: 0.0)),
    ("eta_squared", "eta^2 where eta belongs, in sigma", step(sigma=lambda a: a.eta * sigma(a))),
    ("eta_as_switch", "eta used as a switch: sigma is proportional to it",
     step(sigma=lambda a: (a.eta > 0) * sigma(a) / (a.eta or 1))),
    ("eta_under_the_root", "eta under the square root of sigma", step(sigma=lambda a: sigma(a) / (a.eta or 1) ** 0.5)),
    ("variance_for_deviation", "a variance for sigma: the square root is missing",
     step(sigma=lambda a: a.eta * _fraction(a) * _growth(a))),
    ("second_root_missing", "sqrt((1 - alpha_bar_prev) / (1 - alpha_bar)) * (1 - alpha_bar / alpha_bar_prev): the "
     "second "
     "square root is missing in sigma", step(sigma=lambda a: a.eta * _fraction(a) ** 0.5 * _growth(a))),
    ("first_root_missing", "(1 - alpha_bar_prev) / (1 - alpha_bar) * sqrt(...): the first square root is missing in "
     "sigma",
     step(sigma=lambda a: a.eta * _fraction(a) * _growth(a) ** 0.5)),
    ("fraction_upside_down", "(1 - alpha_bar) / (1 - alpha_bar_prev) upside down, in sigma",
     step(sigma=lambda a: a.eta * ((1 - a.bar) / (1 - a.bar_prev) * _growth(a)) ** 0.5)),
    ("growth_upside_down", "1 - alpha_bar_prev / alpha_bar, which is negative, where 1 - alpha_bar / alpha_bar_prev "
     "belongs",
     step(sigma=lambda a: a.eta * (_fraction(a) * (1 - a.bar_prev / a.bar)) ** 0.5)),
    ("growth_upside_down_with_eta", "1 - alpha_bar_prev / alpha_bar, negative, where 1 - alpha_bar / alpha_bar_prev "
     "belongs", step(sigma=_only_with_eta(lambda a: a.eta * (_fraction(a) * (1 - a.bar_prev / a.bar)) ** 0.5))),
    ("growth_turned_round", "alpha_bar_prev / alpha_bar - 1 where 1 - alpha_bar / alpha_bar_prev belongs",
     step(sigma=lambda a: a.eta * (_fraction(a) * (a.bar_prev / a.bar - 1)) ** 0.5)),
    ("fraction_missing", "eta * sqrt(1 - alpha_bar / alpha_bar_prev): a factor is missing in sigma",
     step(sigma=lambda a: a.eta * _growth(a) ** 0.5)),
    ("growth_missing", "eta * sqrt((1 - alpha_bar_prev) / (1 - alpha_bar)): a factor is missing in sigma",
     step(sigma=lambda a: a.eta * _fraction(a) ** 0.5)),
    ("beta_for_growth", "beta[t] where 1 - alpha_bar / alpha_bar_prev belongs: the same only if t_prev = t - 1",
     step(sigma=lambda a: a.eta * (_fraction(a) * a.tables.betas[a.t]) ** 0.5)),
    ("ddpms_sigma", "the sigma of one DDPM step from t to t - 1: a jump to t_prev adds more",
     step(sigma=lambda a: a.eta * closed_form.ddim_sigma(a.t, a.t - 1, a.tables, 1.0))),
    ("beta_as_variance", "sigma = eta * sqrt(beta_t)",
     step(sigma=lambda a: 0.0 if a.last else a.eta * a.tables.betas[a.t] ** 0.5)),
    ("sigma_of_alphas", "alpha where alpha_bar belongs, in sigma", step(sigma=_sigma_of_alphas)),
    ("eta_for_sigma", "eta itself as sigma", step(sigma=lambda a: 0.0 if a.last else a.eta)),
    ("noise_forgotten", "eta > 0 without fresh noise: sigma * noise is missing", step(fresh=lambda a: 0.0)),
    ("no_noise_at_zero", "no fresh noise on the jump to t_prev = 0: it ends at t_prev = -1 only",
     step(fresh=lambda a: a.sigma * a.z if a.eta > 0 and a.prev > 0 else 0.0)),
    ("eta_times_noise", "eta * noise where sigma * noise belongs",
     step(fresh=lambda a: a.eta * a.z if a.eta > 0 else 0.0)),
    ("sigma_squared_times_noise", "sigma^2 * noise where sigma * noise belongs",
     step(fresh=lambda a: a.sigma**2 * a.z if a.eta > 0 else 0.0)),
    ("noise_subtracted", "the fresh noise subtracted: it is added",
     step(fresh=lambda a: -a.sigma * a.z if a.eta > 0 else 0.0)),
    ("larger_noise", "the larger sigma^ of the paper's appendix for the noise, which is legal there; this kata asks "
     "for eq. 12",
     step(fresh=lambda a: _growth(a) ** 0.5 * a.z if a.eta > 0 and not a.last else 0.0)),
)  # fmt: skip

TOWARDS = (
    ("sigma_not_taken_off", "sqrt(1 - alpha_bar_prev) * eps: sigma^2 is missing under the root",
     step(towards=lambda a: (1 - a.bar_prev) ** 0.5 * a.eps)),
    ("sigma_not_squared", "1 - alpha_bar_prev - sigma, where sigma^2 belongs",
     step(towards=lambda a: (1 - a.bar_prev - a.sigma) ** 0.5 * a.eps)),
    ("sigma_added", "1 - alpha_bar_prev + sigma^2: it is taken off",
     step(towards=lambda a: (1 - a.bar_prev + a.sigma**2) ** 0.5 * a.eps)),
    ("sigma_outside_the_root", "sqrt(1 - alpha_bar_prev) - sigma: sigma^2 belongs under the root",
     step(towards=lambda a: ((1 - a.bar_prev) ** 0.5 - a.sigma) * a.eps)),
    ("root_missing", "(1 - alpha_bar_prev - sigma^2) * eps: the square root is missing",
     step(towards=lambda a: (1 - a.bar_prev - a.sigma**2) * a.eps)),
    ("alpha_bar_of_t", "1 - alpha_bar[t] - sigma^2 where 1 - alpha_bar[t_prev] - sigma^2 belongs",
     step(towards=lambda a: (1 - a.bar - a.sigma**2) ** 0.5 * a.eps)),
    ("root_of_alpha_bar", "alpha_bar_prev - sigma^2 where 1 - alpha_bar_prev - sigma^2 belongs",
     step(towards=lambda a: (a.bar_prev - a.sigma**2) ** 0.5 * a.eps)),
    ("eta_taken_off", "1 - alpha_bar_prev - eta^2 where sigma^2 belongs",
     step(towards=lambda a: (1 - a.bar_prev - a.eta**2) ** 0.5 * a.eps)),
    ("direction_missing", "no way back towards x_t: sqrt(1 - alpha_bar_prev - sigma^2) * eps is missing",
     step(towards=lambda a: 0.0)),
    ("direction_subtracted", "eps subtracted where it is added, on the way back towards x_t",
     step(towards=lambda a: -towards(a))),
    ("direction_not_divided", "x_t - sqrt(alpha_bar) * x0 where eps belongs: it is still to be divided by "
     "sqrt(1 - alpha_bar)", step(towards=lambda a: towards(a) * (1 - a.bar) ** 0.5)),
    ("direction_of_x_t", "x_t where eps belongs, on the way back towards x_t",
     step(towards=lambda a: (1 - a.bar_prev - a.sigma**2).clamp(min=0) ** 0.5 * a.x)),
)  # fmt: skip

for name, says, wrong in (*PREV, *X0, *TOWARDS):
    register("ddim_step", name, says, "DDIM eq. 12", wrong)
for name, says, wrong in SIGMAS:
    register("ddim_step", name, says, "DDIM eq. 16", wrong)


@looks_like("ddim_step", "x_t returned as it came at t_prev = -1: the last jump leads to x0", "DDIM eq. 12")
def last_jump_left_out(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    return 1 * x_t if t_prev < 0 else step()(x_t, t, t_prev, eps, schedule, eta, noise)


@looks_like("ddim_step", "noise drawn anew: the noise that was given must be used", "DDIM eq. 12")
def noise_redrawn(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    return step()(x_t, t, t_prev, eps, schedule, eta, torch.randn_like(x_t))


@looks_like("ddim_step", "x_t overwritten (an operation such as -=, /= or mul_)", "inputs never change")
def changed_in_place(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    return x_t.copy_(step()(x_t, t, t_prev, eps, schedule, eta, noise))


@looks_like("ddim_step", "eps overwritten (an operation such as *=, /= or mul_)", "inputs never change")
def eps_changed_in_place(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    after = step()(x_t, t, t_prev, eps, schedule, eta, noise)
    eps.mul_(2)
    return after


@looks_like("ddim_step", "tensors moved to the CPU (.cpu(), .numpy())", "the device of x_t")
def moved_to_the_cpu(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    return step()(x_t.cpu(), t, t_prev, eps, schedule, eta, noise)


for name, says, then in (
    ("clipped", "a result clipped to [-1, 1]: the data here are not pixels", lambda x: x.clamp(-1, 1)),
    ("float32_always", "float32 always, whatever the dtype of x_t", lambda x: x.float()),
    ("float64_always", "float64 always, whatever the dtype of x_t", lambda x: x.double()),
):
    register("ddim_step", name, says, "x_t's dtype" if "float" in name else "DDIM eq. 12", step(then=then))
