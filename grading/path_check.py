"""Did the model lead to these points? Look at every step that a sampler took between two questions to its model.

A Chamfer distance says how near points are to the data, not where they came from: copied training points score best.
So the points earn something only if the walk that the model saw is a lawful one and ends where the points are.

Every DDPM statistic below is compared with a bound of Z standard errors. There are at most 3 for each step and 4 for
the whole, so a right sampler of 1,000 steps is refused with probability below 3,004 * 2.6e-12 < 1e-8.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from grading import closed_form
from grading.contract import NoiseSchedule

Z = 7.0
EXACT = 2e-3  # float32, two right forms of one equation; a step itself is 0.01 and more


@dataclass(frozen=True)
class Verdict:
    """Whether a walk was lawful, and one sentence that says why not (empty where it was)."""

    lawful: bool
    sentence: str = ""


@dataclass
class Recorder:
    """A model that keeps what it was asked and what it said, to be judged afterwards."""

    model: Callable[[Tensor, Tensor], Tensor]
    calls: list[tuple[Any, Any, Tensor]] = field(default_factory=list)

    def __call__(self, x_t: Any, t: Any) -> Tensor:
        eps = self.model(x_t, t)
        self.calls.append((_kept(x_t), _kept(t), _kept(eps)))
        return eps


def _kept(value: Any) -> Any:
    return value.detach().cpu().clone() if isinstance(value, Tensor) else value


class Unlawful(Exception):
    """Where a walk leaves the law."""


def check_path(
    recorder: Recorder, x_T: Tensor, points: Any, schedule: NoiseSchedule, steps: list[int], eta: float | None
) -> Verdict:
    """Judge a finished walk.

    Args:
        recorder: what the sampler asked, in order.
        x_T: (B, *dims), where it had to start.
        points: what it returned.
        schedule: the tables that it was given.
        steps: the timesteps that a lawful walk visits, in order.
        eta: 0 for DDIM, whose every step is exact; None for DDPM, whose steps add noise of a known law. Both of the
            paper's variances, beta_t and beta~_t, count as lawful here; the suites tell them apart.
    """
    try:
        states = _states(recorder, x_T, points, steps)
        tables = NoiseSchedule(*(table.detach().cpu().double() for table in schedule))
        answers = [eps.double() for _, _, eps in recorder.calls]
        if eta is None:
            _check_ddpm(states, answers, tables, steps)
        else:
            _check_ddim(states, answers, tables, steps, eta)
    except Unlawful as reason:
        return Verdict(False, f"these points are not where the model led: {reason}")
    return Verdict(True)


def _states(recorder: Recorder, x_T: Tensor, points: Any, steps: list[int]) -> list[Tensor]:
    asked = len(recorder.calls)
    if asked != len(steps):
        raise Unlawful(f"it was asked {asked} times, a walk of {len(steps)} steps asks {len(steps)} times")
    like, states = x_T.detach().cpu().double(), []
    for i, (x_t, t, _) in enumerate(recorder.calls):
        wanted = steps[i]
        values = set(t.flatten().tolist()) if isinstance(t, Tensor) else {t}
        if values != {wanted}:
            raise Unlawful(
                f"question {i + 1} is about t = {', '.join(map(str, sorted(values)[:3]))}, where t = {wanted} is due"
            )
        states.append(_state(x_t, like, f"the x_t of question {i + 1}"))
    states.append(_state(points, like, "what was returned"))
    if not torch.equal(states[0], like):
        raise Unlawful("the walk does not start at the noise that it was given")
    return states


def _state(value: Any, like: Tensor, what: str) -> Tensor:
    if not isinstance(value, Tensor) or value.shape != like.shape or not value.is_floating_point():
        raise Unlawful(f"{what} is not a tensor of shape {tuple(like.shape)}")
    value = value.detach().cpu().double()
    if not value.isfinite().all():
        raise Unlawful(f"{what} is not finite")
    return value


def _check_ddim(
    states: list[Tensor], answers: list[Tensor], schedule: NoiseSchedule, steps: list[int], eta: float
) -> None:
    for i, (t, t_prev) in enumerate(zip(steps, [*steps[1:], -1])):
        expected = closed_form.ddim_step(states[i], t, t_prev, answers[i], schedule, eta)
        gap = float((states[i + 1] - expected).abs().sub(EXACT * expected.abs()).max())
        if gap > EXACT:
            raise Unlawful(f"the step from t = {t} to {t_prev} lands {gap:.2g} beside DDIM eq. 12")


def _check_ddpm(states: list[Tensor], answers: list[Tensor], schedule: NoiseSchedule, steps: list[int]) -> None:
    noises = []
    for i, t in enumerate(steps):
        x0 = closed_form.predict_x0(states[i], t, answers[i], schedule)
        mean, variance = closed_form.posterior(x0, states[i], t, schedule)
        left = states[i + 1] - mean
        if t == 0:  # no noise is due; that of beta_0 moves a point by less than anyone can see
            if float(left.abs().max()) > EXACT + Z * float(schedule.betas[0]) ** 0.5:
                raise Unlawful("the last step does not end at the mean of DDPM eq. 6")
            continue
        noise = left / variance**0.5
        most = float(schedule.betas[t] / variance)
        _check_step(noise, states[i], most, t)
        noises.append(noise)
    if noises:
        _check_whole(torch.stack(noises))


def _check_step(noise: Tensor, x_t: Tensor, most: float, t: int) -> None:
    """Mean 0, variance 1 (or `most`, that of beta_t), and nothing to do with where the point was."""
    n, spread = noise.numel(), most**0.5
    if abs(float(noise.mean())) > Z * spread / n**0.5 + EXACT:
        raise Unlawful(f"the step at t = {t} moves the points beside the mean of DDPM eq. 7")
    square = float(noise.square().mean())
    if not 1 - Z * (2 / n) ** 0.5 - EXACT <= square <= most * (1 + Z * (2 / n) ** 0.5 + EXACT):
        raise Unlawful(f"the step at t = {t} adds {square:.3g} times the variance of DDPM eq. 7")
    centred = x_t - x_t.mean()
    scale = float(centred.std()) * spread or 1.0
    if abs(float((noise * centred).mean())) / scale > Z / n**0.5 + EXACT:
        raise Unlawful(f"the noise added at t = {t} depends on x_t")


def _check_whole(noise: Tensor) -> None:
    """(steps, B, *dims): Gaussian, and independent from step to step, point to point and coordinate to coordinate."""
    noise = noise / noise.square().mean(dim=tuple(range(1, noise.ndim)), keepdim=True) ** 0.5
    n = noise.numel()
    pairs = {"step to step": noise[1:] * noise[:-1], "point to point": noise[:, 1:] * noise[:, :-1]}
    if noise.ndim > 2:
        pairs["coordinate to coordinate"] = noise[..., 1:] * noise[..., :-1]
    for what, products in pairs.items():
        if products.numel() and abs(float(products.mean())) > Z / products.numel() ** 0.5 + EXACT:
            raise Unlawful(f"the noise is not independent from {what}")
    if abs(float(noise.pow(4).mean()) - 3) > Z * (96 / n) ** 0.5 + EXACT * 10:
        raise Unlawful("the noise added is not Gaussian")
