"""Ask a sampler under every condition: each walk is followed from step to step, and what is wrong is a sentence.

A walk's noise is the sampler's own, so it is measured: what a step adds, in units of its sigma, is standard normal.
The mean square c of n such numbers is chi-squared / n, and is c or further from 1 on that side with a chance of at most
exp(-n / 2 (c - 1 - log c)) (Chernoff's bound). A single number beyond LARGEST has a chance of 1e-15.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from grading.judging import closed_form
from grading.judging.compare import kind, shorten
from grading.judging.conditions.asked import Asked, Problem, sentence
from grading.judging.conditions.factors import Row
from grading.judging.replay import generator_before, replayed
from grading.judging.rounding import float32_error
from grading.judging.sampler_trace import Spy, Walk
from grading.judging.step_rules import own_timesteps, rules
from grading.submission.contract import NoiseSchedule
from grading.submission.errors import SubmissionError

SURE = 34.0  # exp(-34) = 2e-15
LARGEST = 8.0
ENOUGH = 4  # numbers that agree in four digits each: by chance once in 1e16
CLOSE = 1e-5
ALL_WELL = "the walk is as it should be"
SHARED = (
    "two steps add the same noise",
    "two samples of the batch share their noise",
    "two entries of a sample share their noise",
)


class AskedSampler(Asked):
    """A sampler, asked in rows of conditions."""

    def __init__(self, kata: Any, source: str) -> None:
        super().__init__(kata, lambda **_: None, source)

    def call(self, given: dict[str, Any]) -> Watched:
        return watched(self.kata.function, given)

    def judge(self, seen: Any, given: dict[str, Any], row: Row) -> Problem:
        found = walk_sentence(self.kata.implementation, seen, given)
        return None if found == ALL_WELL else sentence(found, ALL_WELL)


class Watched(NamedTuple):
    """A walk: what the model was shown and answered, what came back, and a generator as it stood before."""

    spy: Spy
    result: Any
    generator: torch.Generator


def watched(function: Callable, given: dict[str, Any]) -> Watched:
    spy, generator = Spy(given["model"], given["x_T"]), generator_before(given["generator"], given["x_T"].device)
    return Watched(spy, function(**given | {"model": spy}), generator)


def walk_sentence(implementation: Any, seen: Watched, given: dict[str, Any]) -> str:
    """What is wrong with a walk, the first thing of it; ALL_WELL if nothing.

    A walk may go by the papers' step and list or by the submission's own: a slip in those costs their tasks alone.
    """
    spy, result, generator = seen
    x_T, schedule, shown = given["x_T"].detach(), given["schedule"].to(torch.float64), spy.shown
    T, alike, kinds = len(schedule.betas), kind(x_T), f"Tensor ({len(x_T)},) int64"
    count = given.get("num_inference_steps", T)
    steps, asked = closed_form.ddim_timesteps(T, count), spy.timesteps()
    if asked != steps and ("eta" not in given or asked != own_timesteps(implementation, T, count)):
        return f"the model is asked at t = {shorten(asked)}, not at {shorten(steps)}"
    for x_t, t in shown:
        if kind(t) != kinds:
            return f"the model is given t as {kind(t)}, not as {kinds}"
        if kind(x_t) != alike:
            return f"the model is given x_t as {kind(x_t)}, not as {alike}"
    if kind(result) != alike:
        return f"the result is {kind(result)}, not {alike}"
    if not torch.equal(shown[0][0], x_T):
        return "the walk does not start at x_T"
    states, eta = [*(x for x, _ in shown), result.detach()], given.get("eta")
    walk = Followed(torch.stack(states).double(), torch.stack(spy.answers).double(), asked, schedule, eta)
    found = walk.sentence(*walk.by_the_papers())
    if found == ALL_WELL:
        return found
    if replayed(Walk(spy, states), rules(implementation, given["schedule"], eta)[-1], generator, eta):
        return ALL_WELL
    measured = walk.by(implementation)
    return walk.sentence(*measured) if measured else found


@dataclass(frozen=True)
class Followed:
    """A walk, step by step: states (steps + 1, B, *dims), the model's answers, the timesteps."""

    states: Tensor
    eps: Tensor
    steps: list[int]
    schedule: NoiseSchedule
    eta: float | None

    def by_the_papers(self) -> tuple[Tensor, Tensor]:
        """Mean and sigma of every step."""
        t, t_prev = self._times()
        eta = 1.0 if self.eta is None else self.eta
        mean = closed_form.ddim_step(self.states[:-1], t, t_prev, self.eps, self.schedule, eta)
        return mean, closed_form.ddim_sigma(t, t_prev, self.schedule, eta)

    def by(self, implementation: Any) -> tuple[Tensor, Tensor] | None:
        """The same of the submission's own step; None where that gives no numbers at all."""
        own = rules(implementation, self.schedule, self.eta)[-1]
        pairs = list(zip(self.steps, [*self.steps[1:], -1]))
        try:
            mean = torch.stack([own.mean(x, *p, e) for x, p, e in zip(self.states, pairs, self.eps)])
            sigma = torch.tensor([own.sigma(*p, self.states[0]) for p in pairs]).to(mean)
        except (SubmissionError, RuntimeError, ValueError, TypeError, AttributeError, IndexError):
            return None
        return mean, sigma.reshape(self._shape())

    def _shape(self) -> tuple[int, ...]:
        return (-1, *[1] * (self.states.ndim - 1))

    def _times(self) -> tuple[Tensor, Tensor]:
        steps = torch.tensor([*self.steps, -1], device=self.states.device).reshape(self._shape())
        return steps[:-1], steps[1:]

    def sentence(self, mean: Tensor, sigma: Tensor) -> str:
        """What is wrong with what each step adds to its mean."""
        known = mean.isfinite() & sigma.isfinite()  # where the submission's own step gives no number, nothing is due
        lost = ~self.states[1:].isfinite() & known
        if bool(lost.any()):
            return f"x is not finite after the step at t = {self.steps[int(lost.flatten(1).any(dim=1).nonzero()[0])]}"
        added, sigma = torch.where(known, self.states[1:] - mean, 0.0), sigma.nan_to_num(0.0)
        scale = (self.states[:-1].abs() + self.eps.abs()).nan_to_num(0.0).flatten(1).amax(dim=1).reshape(self._shape())
        far = (added.abs() - LARGEST * sigma - CLOSE * scale).flatten(1).amax(dim=1) > 0
        for i in far.nonzero().flatten().tolist():  # near t = 0 float32 is right by less than that
            if bool((added[i].abs() > LARGEST * sigma[i] + self._error(i)).any()):
                return f"the step at t = {self.steps[i]} leads elsewhere"
        noisy = ((sigma > 100 * CLOSE * scale) & known.flatten(1).all(dim=1).reshape(self._shape())).flatten()
        return _of_noise((added / sigma)[noisy], [s for s, n in zip(self.steps, noisy.tolist()) if n])

    def _error(self, i: int) -> Tensor:
        eta, x, eps = 1.0 if self.eta is None else self.eta, self.states[i], self.eps[i]
        t, t_prev = self.steps[i], [*self.steps, -1][i + 1]
        call = {"x_t": x, "t": t, "t_prev": t_prev, "eps": eps, "schedule": self.schedule, "eta": eta}
        found = float32_error(closed_form.ddim_step, call)
        assert found is not None
        return found + CLOSE * (x.abs() + eps.abs())


def _of_noise(z: Tensor, steps: list[int]) -> str:
    """z (steps, B, *dims), standard normal if all is well: how much each step adds, and whether some is used twice."""
    if not len(z):
        return ALL_WELL
    z = z.flatten(2) if z.ndim > 2 else z[..., None]
    squares = z.square().mean((1, 2))
    wrong = z[0].numel() / 2 * (squares - 1 - squares.log()) > SURE
    if bool(wrong.any()):
        i = int(wrong.nonzero()[0])
        return f"the step at t = {steps[i]} adds noise of variance {squares[i]:.2g} sigma^2"
    for dim, says in enumerate(SHARED):
        paths = z.movedim(dim, 0).flatten(1).abs().mul(1e4).round()
        if paths.shape[1] >= ENOUGH and len(paths.unique(dim=0)) < len(paths):
            return says
    return ALL_WELL
