"""Ask a sampler under every condition: each walk is followed from step to step, and what is wrong is a sentence.

A walk's noise is the sampler's own, so it is measured: what a step adds, in units of its sigma, is standard normal.
The mean square c of n such numbers is chi-squared / n, and is c or further from 1 on that side with a chance of at most
exp(-n / 2 (c - 1 - log c)) (Chernoff's bound). A single number beyond LARGEST has a chance of 1e-15.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from grading.judging import closed_form
from grading.judging.asking import arguments
from grading.judging.compare import kind, shorten
from grading.judging.conditions import Row
from grading.judging.every_condition import Asked, Problem, _sentence
from grading.judging.rounding import float32_error
from grading.judging.sampler_trace import Spy
from grading.submission.contract import NoiseSchedule

SURE = 34.0  # exp(-34) = 2e-15
LARGEST = 8.0
ENOUGH = 4  # numbers that agree in four digits each: by chance once in 1e16
CLOSE = 1e-5
ALL_WELL = "the walk is as it should be"


class AskedSampler(Asked):
    """A sampler, asked in rows of conditions."""

    def __init__(self, kata: Any, source: str) -> None:
        super().__init__(kata, lambda **_: None, source)

    def call(self, given: dict[str, Any]) -> Any:
        """The walk: what the model was shown, what it answered, what came back."""
        spy = Spy(given["model"], given["x_T"])
        return spy, self.kata.function(**given | {"model": spy})

    def judge(self, seen: Any, given: dict[str, Any], row: Row) -> Problem:
        sentence = walk_sentence(seen[0], seen[1], given)
        return None if sentence == ALL_WELL else _sentence(sentence, ALL_WELL)

    def seen(self, row: Row) -> Any:
        given = arguments(self.name, row, self.kata)
        spy, result = self.call(given)
        return walk_sentence(spy, result, given)


def walk_sentence(spy: Spy, result: Any, given: dict[str, Any]) -> str:
    """What is wrong with a walk, the first thing of it; ALL_WELL if nothing."""
    x_T, schedule, eta = given["x_T"].detach(), given["schedule"].to(torch.float64), given.get("eta")
    T = len(schedule.betas)
    steps = closed_form.ddim_timesteps(T, given.get("num_inference_steps", T))
    asked, alike = [t for t in spy.timesteps()], kind(x_T)
    if asked != steps:
        return f"the model is asked at t = {shorten(asked)}, not at {shorten(steps)}"
    kinds = f"Tensor ({len(x_T)},) int64"
    for shown, t in spy.shown:
        if kind(t) != kinds:
            return f"the model is given t as {kind(t)}, not as {kinds}"
        if kind(shown) != alike:
            return f"the model is given x_t as {kind(shown)}, not as {alike}"
    if kind(result) != alike:
        return f"the result is {kind(result)}, not {alike}"
    if not torch.equal(spy.shown[0][0], x_T):
        return "the walk does not start at x_T"
    states = torch.stack([*(x for x, _ in spy.shown), result.detach()]).double()
    return _follow(states, torch.stack(spy.answers).double(), steps, schedule, 1.0 if eta is None else eta)


def _follow(states: Tensor, eps: Tensor, steps: list[int], schedule: NoiseSchedule, eta: float) -> str:
    if not bool(states.isfinite().all()):
        return f"x is not finite after the step at t = {_first(~states[1:].isfinite(), steps)}"
    shape = (-1, *[1] * (states.ndim - 1))
    t, t_prev = torch.tensor(steps, device=states.device), torch.tensor([*steps[1:], -1], device=states.device)
    t, t_prev = t.reshape(shape), t_prev.reshape(shape)
    added = states[1:] - closed_form.ddim_step(states[:-1], t, t_prev, eps, schedule, eta)
    sigma = closed_form.ddim_sigma(t, t_prev, schedule, eta)
    scale = (states[:-1].abs() + eps.abs()).flatten(1).amax(dim=1).reshape(shape)
    far = (added.abs() - LARGEST * sigma - CLOSE * scale).flatten(1).amax(dim=1)
    for i in (far > 0).nonzero().flatten().tolist():  # near t = 0 float32 is right by less than that
        if bool(
            (added[i].abs() > LARGEST * sigma[i] + _error(states[i], eps[i], t[i], t_prev[i], schedule, eta)).any()
        ):
            return f"the step at t = {steps[i]} leads elsewhere"
    noisy = (sigma > 100 * CLOSE * scale).flatten()
    return _of_noise((added / sigma)[noisy], [s for s, n in zip(steps, noisy.tolist()) if n])


def _error(x: Tensor, eps: Tensor, t: Tensor, t_prev: Tensor, schedule: NoiseSchedule, eta: float) -> Tensor:
    call = {"x_t": x, "t": int(t), "t_prev": int(t_prev), "eps": eps, "schedule": schedule, "eta": eta}
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
    if len(z) * z.shape[2] >= ENOUGH and len(z[0]) > 1:
        paths = z.transpose(0, 1).flatten(1).abs().mul(1e4).round()
        if len(paths.unique(dim=0)) < len(paths):
            return "two samples of the batch share their noise"
    if z[0].numel() >= ENOUGH and len(z.flatten(1).abs().mul(1e4).round().unique(dim=0)) < len(z):
        return "two steps add the same noise"
    return ALL_WELL


def _first(wrong: Tensor, steps: list[int]) -> int:
    return steps[int(wrong.flatten(1).any(dim=1).nonzero()[0])]


def noise_of(f: Callable, given: dict[str, Any]) -> Tensor:
    """(B, numbers): what a walk adds to each sample on its way, of no particular scale."""
    spy = Spy(given["model"], given["x_T"])
    result = f(**given | {"model": spy})
    return torch.stack([*(x for x, _ in spy.shown[1:]), result], dim=1).flatten(1)


def without_a_generator(f: Callable, given: dict[str, Any]) -> str:
    """What generator=None means to a sampler."""
    torch.manual_seed(5)
    first, second = noise_of(f, given), noise_of(f, given)
    torch.manual_seed(5)
    if torch.equal(first, second):
        return "two walks without a generator are the same"
    if not torch.equal(first, noise_of(f, given)):
        return "torch.manual_seed does not repeat a walk without a generator"
    return "two walks differ, and torch.manual_seed repeats them"


def with_one_generator(f: Callable, given: dict[str, Any], fresh: Callable[[int], torch.Generator]) -> str:
    """What a sampler makes of a generator that is not its own alone."""
    shared, other, used = fresh(5), fresh(6), fresh(5)
    torch.randn(7, generator=used, device=used.device)
    before = shared.get_state()
    first, second = (noise_of(f, given | {"generator": shared}) for _ in range(2))
    noise_of(f, given | {"generator": other})
    if torch.equal(shared.get_state(), before):
        return "the generator is left where it was before the walk"
    if torch.equal(shared.get_state(), other.get_state()):
        return "two generators end in the same state"
    if torch.equal(first, second):
        return "two walks with one generator are the same"
    if torch.equal(first, noise_of(f, given | {"generator": used})):
        return "a generator that has drawn numbers gives the walk of a fresh one"
    return "every walk goes on where the generator stands"
