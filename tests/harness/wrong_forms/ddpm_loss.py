"""What goes wrong in ddpm_loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from grading.judging.closed_form import broadcast, q_sample
from grading.submission.contract import NoiseSchedule
from wrong_forms import looks_like, register

EQUATION = "DDPM eq. 14"


def mean_square(gap: Tensor) -> Tensor:
    return (gap**2).mean()


def a_bar(a: Any) -> Tensor:
    return broadcast(a.schedule.alphas_cumprod[a.t], a.x0)


class Letters:
    """What a loss may read: x0, t, schedule, noise, x_t."""

    def __init__(self, x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor, forward: Callable) -> None:
        self.x0, self.t, self.schedule, self.noise = x0, t, schedule.to(x0), noise
        self.x_t = forward(x0, t, self.schedule, noise)


def loss(
    shown: Callable[[Any], tuple] = lambda a: (a.x_t, a.t),
    target: Callable[[Any], Tensor] = lambda a: a.noise,
    reduce: Callable[[Tensor], Any] = mean_square,
    guess: Callable[[Tensor], Tensor] = lambda eps: eps,
    weight: Callable[[Any], Any] = lambda a: 1.0,
    forward: Callable = q_sample,
) -> Callable:
    """Equation 14 with one of its parts replaced: reduce(weight * (target - guess(model(*shown))))."""

    def wrong(model: Any, x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Any:
        a = Letters(x0, t, schedule, noise, forward)
        return reduce(weight(a) * (target(a) - guess(model(*shown(a)))))

    return wrong


REDUCED = (
    ("sum_for_mean", "the sum of the squares, where their mean is asked for", lambda gap: (gap**2).sum()),
    ("mean_of_sums", "the sum over the dims, then the mean over the batch", lambda gap: (gap**2).sum() / len(gap)),
    ("sum_of_means", "the mean over the dims, then the sum over the batch",
     lambda gap: (gap**2).sum() * len(gap) / gap.numel()),
    ("mean_of_samples", "one loss for each sample, (B,): the mean over the batch is missing",
     lambda gap: (gap**2).reshape(len(gap), -1).mean(1)),
    ("mean_over_the_batch", "a mean over the batch alone: the dims are left", lambda gap: (gap**2).mean(0)),
    ("no_mean", "the squares themselves: the mean is missing", lambda gap: gap**2),
    ("kept_dims", "a loss of shape (1,): a single number has shape ()", lambda gap: mean_square(gap).reshape(1)),
    ("absolute_for_square", "the mean of |noise - guess|, where squares are asked for", lambda gap: gap.abs().mean()),
    ("not_squared", "the mean of noise - guess: the square is missing", lambda gap: gap.mean()),
    ("squared_after_the_mean", "the square of the mean, where the mean of the squares belongs",
     lambda gap: gap.mean() ** 2),
    ("root_of_the_mean", "the root of the mean square", lambda gap: mean_square(gap) ** 0.5),
    ("half_the_mean", "half the mean square", lambda gap: mean_square(gap) / 2),
    ("half_the_sum", "half the sum of the squares, where their mean is asked for", lambda gap: (gap**2).sum() / 2),
    ("sum_of_absolutes", "the sum of |noise - guess|", lambda gap: gap.abs().sum()),
    ("length_of_the_gap", "norm(noise - guess): a root of a sum of squares", lambda gap: (gap**2).sum() ** 0.5),
    ("mean_length", "the mean of the lengths |noise - guess| of the samples",
     lambda gap: (gap**2).reshape(len(gap), -1).sum(1).sqrt().mean()),
    ("mean_square_length", "the mean of the lengths, squared",
     lambda gap: (gap**2).reshape(len(gap), -1).sum(1).sqrt().mean() ** 2),
    ("smooth_l1", "smooth_l1_loss or huber_loss, where squares are asked for",
     lambda gap: functional.smooth_l1_loss(gap, torch.zeros_like(gap))),
    ("divided_by_one_less", "a division by the number of elements less one",
     lambda gap: (gap**2).sum() / (gap.numel() - 1)),
    ("negative", "the loss with its sign turned: it would be maximised", lambda gap: -mean_square(gap)),
    ("a_python_number", "a Python number (.item(), float()): no gradient can reach the model",
     lambda gap: float(mean_square(gap).detach())),
    ("float32_always", "float32 always, whatever the dtype of x0", lambda gap: mean_square(gap).float()),
    ("float64_always", "float64 always, whatever the dtype of x0", lambda gap: mean_square(gap).double()),
    ("moved_to_the_cpu", "a loss moved to the CPU", lambda gap: mean_square(gap).cpu()),
)  # fmt: skip

OTHERS = (
    ("target_x0", "a model that is to guess x0: here it guesses the noise", loss(target=lambda a: a.x0)),
    ("target_x_t", "a model that is to guess x_t: it guesses the noise", loss(target=lambda a: a.x_t)),
    ("target_added_noise", "sqrt(1 - alpha_bar) * noise as the target: the noise itself is asked for",
     loss(target=lambda a: (1 - a_bar(a)) ** 0.5 * a.noise)),
    ("target_difference", "x_t - x0 as the target: the noise itself is asked for", loss(target=lambda a: a.x_t - a.x0)),
    ("target_v", "v-prediction: sqrt(alpha_bar) * noise - sqrt(1 - alpha_bar) * x0 as the target",
     loss(target=lambda a: a_bar(a) ** 0.5 * a.noise - (1 - a_bar(a)) ** 0.5 * a.x0)),
    ("target_score", "the score, -noise / sqrt(1 - alpha_bar), as the target",
     loss(target=lambda a: -a.noise / (1 - a_bar(a)) ** 0.5)),
    ("target_flow", "noise - x0 as the target, as in flow matching", loss(target=lambda a: a.noise - a.x0)),
    ("plus_for_minus", "noise + guess where noise - guess belongs", loss(guess=lambda eps: -eps)),
    ("no_guess", "a loss that does not use the model's guess", loss(guess=lambda eps: 0 * eps)),
    ("guess_detached", "a guess cut off from the graph (detach, no_grad): the model cannot learn",
     loss(guess=lambda eps: eps.detach())),
    ("weighted", "the weights of eq. 12: the simple loss of eq. 14 drops them", loss(weight=lambda a: broadcast(
        a.schedule.betas[a.t] / (2 * a.schedule.alphas[a.t] * (1 - a.schedule.alphas_cumprod[a.t])), a.x0) ** 0.5)),
    ("error_of_x0", "the error of x0, not that of the noise",
     loss(weight=lambda a: ((1 - a_bar(a)) / a_bar(a)) ** 0.5)),
    ("model_shown_x0", "model(x0, t) where model(x_t, t) belongs", loss(shown=lambda a: (a.x0, a.t))),
    ("model_shown_noise", "model(noise, t) where model(x_t, t) belongs", loss(shown=lambda a: (a.noise, a.t))),
    ("model_not_shown_t", "model(x_t): t is missing", loss(shown=lambda a: (a.x_t,))),
    ("arguments_exchanged", "model(t, x_t): x_t comes first", loss(shown=lambda a: (a.t, a.x_t))),
    ("t_divided_by_T", "t / T given to the model: it is asked with t itself, int64",
     loss(shown=lambda a: (a.x_t, a.t.to(a.x0) / len(a.schedule.betas)))),
    ("t_divided_by_1000", "t / 1000 given to the model: it is asked with t itself, int64",
     loss(shown=lambda a: (a.x_t, a.t / 1000))),
    ("t_as_int32", "t given to the model as int32: it is asked with int64", loss(shown=lambda a: (a.x_t, a.t.int()))),
    ("t_as_float", "t given to the model as float: it is asked with int64",
     loss(shown=lambda a: (a.x_t, a.t.to(a.x0)))),
    ("t_as_float32", "t given to the model as float32: it is asked with int64",
     loss(shown=lambda a: (a.x_t, a.t.float()))),
    ("t_as_column", "t given to the model as (B, 1): it is asked with (B,)",
     loss(shown=lambda a: (a.x_t, a.t[:, None]))),
    ("t_of_the_first", "t[0] given to the model for the whole batch",
     loss(shown=lambda a: (a.x_t, a.t[0].expand(len(a.t))))),
    ("t_as_scalar", "t[0], shape (), given to the model", loss(shown=lambda a: (a.x_t, a.t[0]))),
    ("t_plus_one", "t + 1 given to the model: t counts from 0", loss(shown=lambda a: (a.x_t, a.t + 1))),
    ("t_minus_one", "t - 1 given to the model: t counts from 0", loss(shown=lambda a: (a.x_t, a.t - 1))),
    ("t_from_the_end", "T - 1 - t given to the model", loss(shown=lambda a: (a.x_t, len(a.schedule.betas) - 1 - a.t))),
    ("alpha_bar_for_t", "alpha_bar[t] given to the model where t belongs",
     loss(shown=lambda a: (a.x_t, a.schedule.alphas_cumprod[a.t]))),
    ("noise_redrawn_for_x_t", "x_t made with noise of its own: the model must guess the noise that was given",
     loss(forward=lambda x0, t, schedule, noise: q_sample(x0, t, schedule, torch.randn_like(x0)))),
    ("noise_redrawn_for_the_target", "a target drawn anew: the model must guess the noise that made x_t",
     loss(target=lambda a: torch.randn_like(a.x0))),
)  # fmt: skip

for name, says, reduce in REDUCED:
    register("ddpm_loss", name, says, EQUATION, loss(reduce=reduce))
for name, says, wrong in OTHERS:
    register("ddpm_loss", name, says, EQUATION, wrong)


@looks_like("ddpm_loss", "noise drawn anew: the noise that was given must be used", EQUATION)
def noise_redrawn(model: Any, x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    return loss()(model, x0, t, schedule, torch.randn_like(noise))


@looks_like("ddpm_loss", "t drawn anew: the t that was given must be used", EQUATION)
def t_redrawn(model: Any, x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    return loss()(model, x0, torch.randint(0, len(schedule.betas), t.shape, device=t.device), schedule, noise)


@looks_like("ddpm_loss", "a model asked twice: one guess is enough", EQUATION)
def asked_twice(model: Any, x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    loss()(model, x0, t, schedule, noise)
    return loss()(model, x0, t, schedule, noise)


@looks_like("ddpm_loss", "x0 overwritten (an operation such as *=, += or mul_)", "inputs never change")
def x0_changed_in_place(model: Any, x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    x_t = x0.copy_(q_sample(x0, t, schedule.to(x0), noise))
    return mean_square(noise - model(x_t, t))


@looks_like("ddpm_loss", "noise overwritten (an operation such as -= or sub_)", "inputs never change")
def noise_changed_in_place(model: Any, x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    guess = model(q_sample(x0, t, schedule.to(x0), noise), t)
    noise -= guess.detach()
    return mean_square(noise + guess.detach() - guess)
