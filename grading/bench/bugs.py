"""Common bugs, whole submissions that are right but for one line: which of them can samples show?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from grading.judging import closed_form
from grading.submission.implementation import Replaced, find
from grading.suites.runner import run_suites

Function = Callable[..., Any]


def loss(model: Function, x0: Tensor, t: Tensor, schedule: Any, noise: Tensor) -> Tensor:
    return (model(closed_form.q_sample(x0, t, schedule, noise), t) - noise).square().mean()


def loss_after(forward: Function) -> Function:
    """The loss, with another way to add noise."""

    def wrong(model: Function, x0: Tensor, t: Tensor, schedule: Any, noise: Tensor) -> Tensor:
        return (model(forward(x0, t, schedule, noise), t) - noise).square().mean()

    return wrong


def alpha_for_alpha_bar(x0: Tensor, t: Tensor, schedule: Any, noise: Tensor) -> Tensor:
    return closed_form.q_sample(x0, t, schedule._replace(alphas_cumprod=schedule.alphas), noise)


def no_square_roots(x0: Tensor, t: Tensor, schedule: Any, noise: Tensor) -> Tensor:
    alpha_bar = closed_form.broadcast(schedule.alphas_cumprod[t], x0)
    return alpha_bar * x0 + (1 - alpha_bar) * noise


def noise_not_rooted(x0: Tensor, t: Tensor, schedule: Any, noise: Tensor) -> Tensor:
    alpha_bar = closed_form.broadcast(schedule.alphas_cumprod[t], x0)
    return alpha_bar.sqrt() * x0 + (1 - alpha_bar) * noise


def next_timestep(x0: Tensor, t: Tensor, schedule: Any, noise: Tensor) -> Tensor:
    return closed_form.q_sample(x0, (t + 1).clamp(max=len(schedule.betas) - 1), schedule, noise)


def loss_on_x0(model: Function, x0: Tensor, t: Tensor, schedule: Any, noise: Tensor) -> Tensor:
    return (model(closed_form.q_sample(x0, t, schedule, noise), t) - x0).square().mean()


def loss_of_absolute(model: Function, x0: Tensor, t: Tensor, schedule: Any, noise: Tensor) -> Tensor:
    return (model(closed_form.q_sample(x0, t, schedule, noise), t) - noise).abs().mean()


def loss_summed(model: Function, x0: Tensor, t: Tensor, schedule: Any, noise: Tensor) -> Tensor:
    return loss(model, x0, t, schedule, noise) * x0.numel()


def ddpm_step(x_t: Tensor, t: int, eps: Tensor, schedule: Any, noise: Tensor) -> Tensor:
    return closed_form.ddpm_step(x_t, t, eps, schedule, noise)


def variance_for_deviation(x_t: Tensor, t: int, eps: Tensor, schedule: Any, noise: Tensor) -> Tensor:
    mean, variance = closed_form.posterior(closed_form.predict_x0(x_t, t, eps, schedule), x_t, t, schedule)
    return mean + variance * noise


def no_noise(x_t: Tensor, t: int, eps: Tensor, schedule: Any, noise: Tensor) -> Tensor:
    return ddpm_step(x_t, t, eps, schedule, torch.zeros_like(noise))


def variance_beta(x_t: Tensor, t: int, eps: Tensor, schedule: Any, noise: Tensor) -> Tensor:
    return no_noise(x_t, t, eps, schedule, noise) + (schedule.betas[t].sqrt() * noise if t > 0 else 0)


def noise_at_the_end(x_t: Tensor, t: int, eps: Tensor, schedule: Any, noise: Tensor) -> Tensor:
    return no_noise(x_t, t, eps, schedule, noise) + schedule.betas[t].sqrt() * noise


def mean_not_divided(x_t: Tensor, t: int, eps: Tensor, schedule: Any, noise: Tensor) -> Tensor:
    right, still = ddpm_step(x_t, t, eps, schedule, noise), no_noise(x_t, t, eps, schedule, noise)
    return right - still + still * schedule.alphas[t].sqrt()


def upwards(steps: list[int]) -> list[int]:
    return steps[::-1]


def walk(step: Function, order: Function, model: Function, x_T: Tensor, schedule: Any, generator: Any = None) -> Tensor:
    """DDPM's loop."""
    x = x_T
    with torch.no_grad():
        for t in order(list(range(len(schedule.betas)))[::-1]):
            noise = torch.randn(x.shape, generator=generator, device=x.device)
            x = step(x, t, model(x, torch.full((len(x),), t, device=x.device)), schedule, noise)
    return x


def stride(
    before: Function, order: Function, model: Function, x_T: Tensor, schedule: Any, steps: int, *_: Any, **__: Any
) -> Tensor:
    """DDIM's loop at eta = 0; before(t, next) is the timestep that a step is told it goes to."""
    x, T = x_T, len(schedule.betas)
    ts = order([i * (T // steps) for i in reversed(range(steps))])
    with torch.no_grad():
        for t, t_prev in zip(ts, [*ts[1:], -1]):
            eps = model(x, torch.full((len(x),), t, device=x.device))
            x = closed_form.ddim_step(x, t, before(t, t_prev), eps, schedule)
    return x


def next_entry(t: int, t_prev: int) -> int:
    return t_prev


def one_less(t: int, t_prev: int) -> int:
    return t - 1


def stop_at_zero(t: int, t_prev: int) -> int:
    return max(t_prev, 0)


RIGHT_WALK, RIGHT_STRIDE = partial(walk, ddpm_step, list), partial(stride, next_entry, list)


@dataclass(frozen=True)
class Bug:
    """One line that is wrong, in words, and the functions of the contract that it reaches."""

    what: str
    ddpm_loss: Function = loss
    ddpm_sample: Function = RIGHT_WALK
    ddim_sample: Function = RIGHT_STRIDE


def failing_tasks(bug: Bug, files: list[Path] | None = None) -> list[str]:
    """The tasks whose tests catch a bug: those of all suites, or of some files."""
    wrong = {f.name: getattr(bug, f.name) for f in fields(Bug) if getattr(bug, f.name) is not f.default}
    outcomes = run_suites("solutions", files=files, make=lambda: Replaced(find("solutions"), wrong))
    return sorted({outcome.task for outcome in outcomes if outcome.status != "passed"})


def ddpm(what: str, step: Function) -> Bug:
    return Bug(what, ddpm_sample=partial(walk, step, list))


def ddim(what: str, before: Function) -> Bug:
    return Bug(what, ddim_sample=partial(stride, before, list))


BUGS = {
    "none": Bug("nothing is wrong"),
    "variance_for_deviation": ddpm(
        "ddpm_step adds beta~_t times the noise, not its square root", variance_for_deviation
    ),
    "no_noise": ddpm("ddpm_step adds no noise", no_noise),
    "variance_beta": ddpm("ddpm_step adds noise of variance beta_t", variance_beta),
    "noise_at_the_end": ddpm("ddpm_step adds noise of variance beta_t at t = 0 too", noise_at_the_end),
    "mean_not_divided": ddpm("ddpm_step forgets to divide by sqrt(alpha_t)", mean_not_divided),
    "one_less": ddim("ddim_step goes to t - 1 where the next entry of the list is due", one_less),
    "stop_at_zero": ddim("ddim_sample ends at alpha_bar_0, not at 1", stop_at_zero),
    "upwards": Bug(
        "both loops run from t = 0 upwards",
        ddpm_sample=partial(walk, ddpm_step, upwards),
        ddim_sample=partial(stride, next_entry, upwards),
    ),
    "alpha_for_alpha_bar": Bug("q_sample uses alpha_t for alpha_bar_t", loss_after(alpha_for_alpha_bar)),
    "no_square_roots": Bug("q_sample takes no square root", loss_after(no_square_roots)),
    "noise_not_rooted": Bug("q_sample takes no square root of 1 - alpha_bar_t", loss_after(noise_not_rooted)),
    "next_timestep": Bug("q_sample reads alpha_bar at t + 1", loss_after(next_timestep)),
    "loss_on_x0": Bug("ddpm_loss compares with x0, not with the noise", loss_on_x0),
    "loss_of_absolute": Bug("ddpm_loss is the mean absolute error", loss_of_absolute),
    "loss_summed": Bug("ddpm_loss is a sum, not a mean", loss_summed),
}
