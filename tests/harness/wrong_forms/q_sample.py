"""What goes wrong in q_sample."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from grading.judging import closed_form
from grading.judging.closed_form import broadcast
from grading.submission.contract import NoiseSchedule
from wrong_forms import looks_like, register

EQUATION = "DDPM eq. 4"
Factor = Callable[[Tensor], Tensor]


def root(a: Tensor) -> Tensor:
    return a**0.5


def root_of_rest(a: Tensor) -> Tensor:
    return (1 - a) ** 0.5


def own(table: Tensor, t: Tensor) -> Tensor:
    return table[t]


def q(
    data: Factor = root,
    noise: Factor = root_of_rest,
    table: Callable[[NoiseSchedule], Tensor] = lambda schedule: schedule.alphas_cumprod,
    look_up: Callable[[Tensor, Tensor], Tensor] = own,
    shape: Callable[[Tensor, Tensor], Tensor] = broadcast,
) -> Callable:
    """Equation 4 with one of its parts replaced: data(a) * x0 + noise(a) * noise, a = the numbers looked up at t."""

    def wrong(x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise_: Tensor) -> Tensor:
        a = shape(look_up(table(schedule).to(x0), t), x0)
        return data(a) * x0 + noise(a) * noise_

    return lambda x0, t, schedule, noise: wrong(x0, t, schedule, noise)


FACTORS = (
    ("no_roots", "alpha_bar and 1 - alpha_bar as factors: both square roots are missing",
     q(lambda a: a, lambda a: 1 - a)),
    ("no_root_over_the_noise", "1 - alpha_bar where sqrt(1 - alpha_bar) multiplies the noise: variance for standard "
     "deviation", q(noise=lambda a: 1 - a)),
    ("no_root_over_the_data", "alpha_bar where sqrt(alpha_bar) multiplies x0", q(data=lambda a: a)),
    ("alpha_for_alpha_bar", "alpha[t] where alpha_bar[t] belongs", q(table=lambda schedule: schedule.alphas)),
    ("beta_for_alpha_bar", "beta[t] where alpha_bar[t] belongs", q(table=lambda schedule: schedule.betas)),
    ("factors_exchanged", "sqrt(1 - alpha_bar) at x0 and sqrt(alpha_bar) at the noise: the two are exchanged",
     q(root_of_rest, root)),
    ("one_minus_the_root", "1 - sqrt(alpha_bar) where sqrt(1 - alpha_bar) belongs", q(noise=lambda a: 1 - a**0.5)),
    ("rest_of_the_root", "sqrt(1 - sqrt(alpha_bar)): alpha_bar was already replaced by its root",
     q(noise=lambda a: (1 - a**0.5) ** 0.5)),
    ("amplitude_for_variance", "alpha_bar * x0 + sqrt(1 - alpha_bar^2) * noise: alpha_bar is a fraction of the "
     "variance, "
     "not of the amplitude", q(lambda a: a, lambda a: (1 - a**2) ** 0.5)),
    ("squares_for_roots", "alpha_bar^2 and (1 - alpha_bar)^2 where square roots belong",
     q(lambda a: a**2, lambda a: (1 - a) ** 2)),
    ("root_of_the_root", "a fourth root of alpha_bar where its square root belongs", q(data=lambda a: a**0.25)),
    ("one_plus", "sqrt(1 + alpha_bar) where sqrt(1 - alpha_bar) belongs", q(noise=lambda a: (1 + a) ** 0.5)),
    ("minus_for_plus", "the noise subtracted: eq. 4 adds it", q(noise=lambda a: -((1 - a) ** 0.5))),
    ("data_not_shrunk", "x0 as it is: the factor sqrt(alpha_bar) is missing", q(data=torch.ones_like)),
    ("noise_not_shrunk", "noise as it is: the factor sqrt(1 - alpha_bar) is missing", q(noise=torch.ones_like)),
    ("no_noise", "no noise at all", q(noise=torch.zeros_like)),
    ("no_data", "noise alone: x0 is missing", q(data=torch.zeros_like)),
    ("product_of_betas", "the running product of beta where that of alpha belongs",
     q(table=lambda schedule: schedule.betas.cumprod(0))),
    ("last_step_only", "sqrt(alpha_bar) * x0 + sqrt(beta) * noise: that is the noise of the last step alone", None),
    ("reciprocal", "x0 divided by sqrt(alpha_bar), where it is multiplied", q(data=lambda a: a**-0.5)),
)  # fmt: skip

INDEXING = (
    ("one_step_early", "alpha_bar[t - 1] where alpha_bar[t] belongs", q(look_up=lambda table, t: table[t - 1])),
    ("one_step_early_from_one", "alpha_bar[t - 1], and 1 at t = 0: t counts from 0 here",
     q(look_up=lambda table, t: torch.cat([torch.ones_like(table[:1]), table])[t])),
    ("one_step_early_clamped", "alpha_bar[max(t - 1, 0)] where alpha_bar[t] belongs",
     q(look_up=lambda table, t: table[(t - 1).clamp(min=0)])),
    ("one_step_late", "alpha_bar[t + 1] where alpha_bar[t] belongs: it fails at t = T - 1",
     q(look_up=lambda table, t: table[t + 1])),
    ("one_step_late_clamped", "alpha_bar[t + 1] where alpha_bar[t] belongs",
     q(look_up=lambda table, t: table[(t + 1).clamp(max=len(table) - 1)])),
    ("counted_from_the_end", "alpha_bar[T - 1 - t] where alpha_bar[t] belongs: t = 0 is the least noisy step",
     q(look_up=lambda table, t: table.flip(0)[t])),
    ("first_t_for_all", "t[0] for the whole batch: each sample has its own t",
     q(look_up=lambda table, t: table[t[0]].expand(len(t)))),
    ("mean_for_all", "one mean factor for the whole batch: each sample has its own t",
     q(look_up=lambda table, t: table[t].mean().expand(len(t)))),
    ("running_product_again", "cumprod of alphas_cumprod: it is a running product already",
     q(look_up=lambda table, t: table.cumprod(0)[t])),
)  # fmt: skip

SHAPES = (
    ("not_reshaped", "a factor of shape (B,), which torch lines up with the last dim instead of the batch: "
     "reshape it to (B, 1, ...)", q(shape=lambda a, x: a)),
    ("reshaped_for_points", "a factor of shape (B, 1), which fits (B, D) alone: x0 may have any number of dims",
     q(shape=lambda a, x: a.reshape(-1, 1))),
    ("reshaped_for_images", "a factor of shape (B, 1, 1, 1), which fits images alone: x0 may have any number of dims",
     q(shape=lambda a, x: a.reshape(-1, 1, 1, 1))),
)  # fmt: skip


def _last_step_only(x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    kept, added = (broadcast(table.to(x0)[t], x0) for table in (schedule.alphas_cumprod, schedule.betas))
    return kept**0.5 * x0 + added**0.5 * noise


for name, says, wrong in (*FACTORS, *INDEXING, *SHAPES):
    register("q_sample", name, says, EQUATION, wrong or _last_step_only)


@looks_like("q_sample", "noise drawn anew: the noise that was given must be used", EQUATION)
def noise_redrawn(x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    return closed_form.q_sample(x0, t, schedule.to(x0), torch.randn_like(x0))


@looks_like("q_sample", "x0 overwritten (an operation such as *=, += or mul_)", "inputs never change")
def x0_changed_in_place(x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    alpha_bar = broadcast(schedule.alphas_cumprod.to(x0)[t], x0)
    return x0.mul_(alpha_bar**0.5).add_((1 - alpha_bar) ** 0.5 * noise)


@looks_like("q_sample", "noise overwritten (an operation such as *=, += or mul_)", "inputs never change")
def noise_changed_in_place(x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    alpha_bar = broadcast(schedule.alphas_cumprod.to(x0)[t], x0)
    return noise.mul_((1 - alpha_bar) ** 0.5).add_(alpha_bar**0.5 * x0)


@looks_like("q_sample", "a result clipped to [-1, 1]: the data here are not pixels", EQUATION)
def clipped(x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    return closed_form.q_sample(x0, t, schedule.to(x0), noise).clamp(-1, 1)


@looks_like("q_sample", "a result squeezed: dims of size 1 belong to x0 and stay", "the shape of x0")
def squeezed(x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    return closed_form.q_sample(x0, t, schedule.to(x0), noise).squeeze()


@looks_like("q_sample", "float32 always, whatever the dtype of x0", "the dtype of x0")
def float32_always(x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    return closed_form.q_sample(x0, t, schedule.to(x0), noise).float()


@looks_like("q_sample", "float64 always, whatever the dtype of x0", "the dtype of x0")
def float64_always(x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    return closed_form.q_sample(x0, t, schedule.to(torch.float64), noise)


@looks_like("q_sample", "tensors moved to the CPU (.cpu(), .numpy())", "the device of x0")
def moved_to_the_cpu(x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    return closed_form.q_sample(x0, t.cpu(), NoiseSchedule(*(table.cpu() for table in schedule)), noise)
