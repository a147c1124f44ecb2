"""Did the model lead to these points? Look at every step that a sampler took between two questions to its model.

A Chamfer distance says how near points are to the data, not where they came from: copied training points score best.
So the points earn something only if the walk that the model saw is a lawful one and ends where the points are.

What is lawful: each step is the equation's, but for rounding (DDIM) or for noise that is a fair draw (DDPM). Rounding
may scale a step by a hair, the same for every point, and leave each number a few units in its last place: nothing that
could lead a point anywhere.

What can be gained by a walk that is not refused: with DDIM nothing. With DDPM nothing either where the noise is what
the generator that was handed over gives (ddpm_path.py), for nobody chose it. Other noise is judged by its laws alone
(noise_check.py), and could be chosen with care: a pull of all points that stays below every bound moves them by up to
7.7 / sqrt(n) of the standard deviation of the noise along the tested directions, n numbers in a step, and a single
point by up to 8.8 of it. So that this earns nothing, the grader then walks itself, from the same x_T with noise of its
own, and the points are given for the larger of the two distances: on average nobody comes nearer to the data than the
network leads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from grading.experiment.path.ddpm_path import check_ddpm, drawn_from
from grading.experiment.path.noise_check import Unlawful
from grading.experiment.path.recorder import Recorder
from grading.experiment.path.rounding import beside, slack
from grading.judging import closed_form
from grading.judging.parts import whole
from grading.submission.contract import NoiseSchedule


@dataclass(frozen=True)
class Verdict:
    """Whether a walk was lawful, and one sentence that says why not (empty where it was).

    `chosen` is True where the noise is lawful but was not drawn from the generator given.
    """

    lawful: bool
    sentence: str = ""
    chosen: bool = False


def check_path(
    recorder: Recorder,
    x_T: Tensor,
    points: Any,
    schedule: NoiseSchedule,
    steps: list[int],
    eta: float | None,
    data: Tensor | None = None,
    generator: torch.Generator | None = None,
    tick: Callable[[], None] = lambda: None,
) -> Verdict:
    """Judge a finished walk.

    Args:
        recorder: what the sampler asked, in order.
        x_T: (B, *dims), where it had to start.
        points: what it returned.
        schedule: the tables that it was given.
        steps: the timesteps that a lawful walk visits, in order.
        eta: 0 for DDIM, whose every step is exact; None for DDPM, whose steps add noise of a known law. Both of the
            paper's variances, beta_t and beta~_t, count as lawful here, and so does noise at t = 0; the suites tell
            them apart.
        data: (N, D), points of the data set, where a cheat would want to go; without them fewer directions are tried.
        generator: in the state in which the sampler was given it.
        tick: called now and then, so that a caller may stop it.
    """
    try:
        states, answers = _states(recorder, x_T, points, steps)
        tables = NoiseSchedule(*(table.detach().cpu().double() for table in schedule))
        if eta is not None:
            _check_ddim(states, answers, tables, steps, eta)
            return Verdict(True)
        if generator is not None and drawn_from(generator, states, answers, tables, steps, x_T):
            return Verdict(True)
        check_ddpm(states, answers, tables, steps, data, tick)
    except Unlawful as reason:
        return Verdict(False, f"these points are not where the model led: {reason}")
    return Verdict(True, chosen=True)


def _states(recorder: Recorder, x_T: Tensor, points: Any, steps: list[int]) -> tuple[list[Tensor], list[Tensor]]:
    """x_T, x_{t-1} ... x_0, and what the model answered at each but the last."""
    like, states, answers = x_T.detach().cpu(), [], []
    calls = whole(recorder.calls, like)
    if len(calls) != len(steps):
        asked, due = len(recorder.calls), len(steps)
        raise Unlawful(f"it was asked {asked} times, a walk of {due} steps asks {due} times")
    for i, (x_t, t, eps) in enumerate(calls):
        if not _is(t, steps[i]):
            raise Unlawful(f"question {i + 1} is about {_shown(t)}, where t = {steps[i]} is due")
        states.append(_state(x_t, like, f"the x_t of question {i + 1}"))
        answers.append(_state(eps, like, f"the model's answer to question {i + 1}"))
    states.append(_state(points, like, "what was returned"))
    if not torch.equal(states[0].double(), like.double()):
        raise Unlawful("the walk does not start at the noise that it was given")
    return states, answers


def _is(t: Any, wanted: int) -> bool:
    if isinstance(t, Tensor):
        return t.numel() > 0 and not t.is_complex() and bool((t == wanted).all())
    return type(t) in (int, float) and t == wanted


def _shown(t: Any) -> str:
    if not isinstance(t, Tensor):
        return f"t = {t}" if type(t) in (int, float) else f"a t of type {type(t).__name__}"
    return "t = " + (", ".join(str(value) for value in t.flatten()[:3].tolist()) or "nothing")


def _state(value: Any, like: Tensor, what: str) -> Tensor:
    if not isinstance(value, Tensor) or value.shape != like.shape or not value.is_floating_point():
        raise Unlawful(f"{what} is not a tensor of shape {tuple(like.shape)}")
    value = value.detach().cpu()
    if not value.isfinite().all():
        raise Unlawful(f"{what} is not finite")
    return value


def _check_ddim(
    states: list[Tensor], answers: list[Tensor], schedule: NoiseSchedule, steps: list[int], eta: float
) -> None:
    for i, (t, t_prev) in enumerate(zip(steps, [*steps[1:], -1])):
        x_t, eps = states[i].double(), answers[i].double()
        gap = states[i + 1].double() - closed_form.ddim_step(x_t, t, t_prev, eps, schedule, eta)
        size = float(closed_form.alpha_bar_at(schedule, t_prev) / schedule.alphas_cumprod[t]) ** 0.5
        if beside(gap, x_t, eps, size * slack(t, t_prev, schedule), size):
            raise Unlawful(f"the step from t = {t} to {t_prev} lands {float(gap.abs().max()):.2g} beside DDIM eq. 12")
