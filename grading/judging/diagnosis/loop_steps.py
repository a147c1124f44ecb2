"""Retrace a walk: which call of the submission's own step leads from one x_t to the next, and with what noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import torch
from torch import Tensor

from grading.judging.compare import Tolerance, same
from grading.judging.sampler_trace import Walk
from grading.judging.step_rules import Rule, quietly

LARGE = 1e9  # at this scale of x fresh noise is lost in the rounding, and every step can be computed
SMALL = 1e-3 * LARGE  # not at this
MOST_SLIPS = 2  # in one step
SAMPLES, DIMS = 2000, 4
STAYS = Rule(False, lambda x_t, *_: x_t)


@dataclass(frozen=True)
class Step:
    """One step as it was made."""

    t: int
    t_prev: int
    rule: Rule
    label: str  # what is wrong with it, empty if nothing is
    base: int  # the number of the state that it starts from
    guess: int | None  # and of the model's answer that it uses; None: it uses none

    def mean(self, path: Walk) -> Tensor:
        """Where this step leads in any walk, without noise."""
        base = path.states[self.base]
        eps = torch.zeros_like(base) if self.guess is None else path.spy.answers[self.guess]
        return self.rule.mean(base, self.t, self.t_prev, eps).to(base)


def retraced(seen: Any, path: Walk) -> list[Step | None]:
    """Each step of a walk, the simplest call that explains it; None where none does."""
    steps: list[Step | None] = []
    for i in range(len(path.timesteps)):
        steps.append(_made(seen, path, i, MOST_SLIPS - (None in steps)))
    return steps


def _made(seen: Any, path: Walk, i: int, most: int) -> Step | None:
    before, after = path.states[i : i + 2]
    if float(before.abs().max()) < SMALL:
        return None
    due_t = seen.due[i] if i < len(seen.due) else path.timesteps[i]
    # DDIM's step from t = 0 to t_prev = 0 stays where it is too, and is the likelier slip at the end.
    if torch.equal(before, after) and (due_t > 0 or seen.eta is None or torch.equal(after, path.states[0])):
        return Step(due_t, -1, STAYS, "the step's result is dropped: x_t stays what it was", i, i)
    ways = [way for way in _ways(seen, i, path.timesteps, due_t) if len(way[0]) <= most]
    for labels, (t, t_prev, eta, base, guess) in sorted(ways[::-1], key=lambda way: len(way[0])):
        for rule in seen.rules(eta):
            step = Step(t, t_prev, rule, "; ".join(labels), base, guess)
            if quietly(partial(_leads, step, path, after, seen.x_T)):
                return step
    return None


def _ways(seen: Any, i: int, given: list[int], due_t: int) -> Iterator[tuple[list[str], tuple]]:
    """Every way to make step i, with what is wrong about it, the likelier last; of a value that holds which is last."""
    at, after, due = given[i], [*given, -1][i + 1], dict(seen.jumps)
    ts = {at + 1: "the step is made at t + 1, and the model asked at t",
          at - 1: "the step is made at t - 1, and the model asked at t"}  # fmt: skip
    prevs, etas = {}, {}
    if seen.eta is not None:
        ts[after] = "t and t_prev are exchanged"
        prevs = {at: "t_prev is t itself", -1: "t_prev is -1 before the end",
                 0: "t_prev is 0 after the last timestep: it is -1 there",
                 at - 1: "t_prev is t - 1: it is the next entry of the list",
                 due.get(at, after): "", due.get(due_t, -1): ""}  # fmt: skip
        etas = {seen.eta**2: "the step is made with eta^2", 1.0: "the step is made with eta = 1",
                0.0: "eta is not handed on: the step is made with 0"}  # fmt: skip
    bases = {0: "each step starts from x_T: its result must become the next x_t", i: ""}
    guesses = {0: "eps is the model's first answer", max(i - 1, 0): "eps is the model's answer of the step before",
               None: "eps is not used", i: ""}  # fmt: skip
    choices = ts | {due_t: "", at: ""}, prevs | {after: ""}, etas | {seen.eta: ""}, bases, guesses
    for way in product(*(choice.items() for choice in choices)):
        values, labels = zip(*way)
        yield [label for label in labels if label], values


def _leads(step: Step, path: Walk, after: Tensor, x_T: Tensor) -> bool:
    """Whether a step leads there, without noise that could be seen at this scale, or with x_T in its place."""
    mean, tolerance = step.mean(path), Tolerance(1e-6, 1e-7 * float(after.abs().max()))
    noisy = mean + step.rule.sigma(step.t, step.t_prev, x_T) * x_T
    return same(mean, after, tolerance) or same(noisy, after, tolerance)


def noise_remarks(seen: Any, steps: list[Step | None]) -> Iterator[str]:
    """What is wrong with the noise of the steps, each taken as it was made; with its source, and with the graph."""
    x_T = torch.randn(SAMPLES, DIMS, generator=torch.Generator().manual_seed(60_913), dtype=torch.float64)
    path, noisy = seen.sample(x_T), []  # t, and noise in units of its sigma
    for step, after in zip(steps, path.states[1:]):
        if step is None:
            continue
        left, sigma = after - step.mean(path), step.rule.sigma(step.t, step.t_prev, x_T)
        if sigma > 0 and bool(left.isfinite().all()):
            noisy.append((step.t, left / sigma))
        elif sigma == 0 and step is steps[-1] and float(left.abs().max()) > 1e-6:
            yield f"the last step, at t={step.t}, adds {float(left.std()):.3g} * noise: it adds none"
    said = list(_of(noisy, x_T)) if noisy else []
    yield from said
    moves = bool(noisy) and not any(word in remark for remark in said for word in ("no step", "x_T", "everywhere"))
    yield from _source(seen, moves)


def _of(noisy: list[tuple[int, Tensor]], x_T: Tensor) -> Iterator[str]:
    """What is wrong with noise that should be standard normal, and another at each step."""
    silent = [str(t) for t, z in noisy if float(z.abs().max()) < 1e-6]
    if len(silent) == len(noisy):
        yield "no step adds noise"
        return
    if silent:
        yield f"the step at t={', '.join(silent)} adds no noise: t counts from 0, and t = 0 is the only quiet one"
    z = torch.stack([z for t, z in noisy if str(t) not in silent])
    is_all = partial(torch.allclose, z, rtol=1e-4, atol=1e-5)
    if len(z) > 1 and is_all(x_T):
        yield "x_T is used again as the noise of every step"
    elif len(z) > 1 and is_all(z[:1]):
        yield "the noise is the same at every step: it is to be drawn anew at each"
    shared = {
        f"the noise is {float(z.mean()):.3g} everywhere: it is to be drawn from randn": z.mean(),
        "the noise of a step is one number, for all samples and dims": z[:, :1, :1],
        "the noise is shared by the whole batch: each sample needs its own": z[:, :1],
    }
    if says := next((says for says, other in shared.items() if is_all(other)), ""):
        yield says
        return
    digits = z[0].mul(1e5).round()
    plain, signed = len(digits.unique(dim=0)), len(digits.abs().unique(dim=0))
    if is_all(z[:, :, :1]):
        yield "the noise is shared by the dims of a sample: each entry needs its own"
    elif 2**DIMS < plain < SAMPLES:  # a coin has no more
        yield f"samples share their noise: {plain} different ones for {SAMPLES} samples"
    elif 2**DIMS < signed < SAMPLES:
        yield "noise is used twice, with either sign: each sample needs its own"
    yield from _distribution(z)


def _distribution(z: Tensor) -> Iterator[str]:
    """Mean, spread and form of numbers that should be standard normal; each far beyond what chance makes of them."""
    mean, spread, low, high = (float(number) for number in (z.mean(), z.std(), z.min(), z.max()))
    fourth = float(((z - mean) / spread).pow(4).mean())
    if fourth < 2.4:  # 3 for a normal distribution, 1.8 for a uniform one, 1 for a coin
        form = "a coin" if fourth < 1.2 else "uniform (rand)"
        yield f"the noise is {form}, from {low:.3g} to {high:.3g}: it is normal (randn)"
        return
    if fourth > 4:
        yield f"the noise is not normal: its fourth moment is {fourth:.3g}, and 3 is due"
    if abs(mean) > 0.05:
        yield f"the noise has mean {mean:.3g}: 0 is due"
    least, most = z.flatten(1).std(dim=1).aminmax()
    if most > 1.1 * least:
        yield f"the noise is from {float(least):.3g} to {float(most):.3g} times as large as it should be"
    elif abs(spread - 1) > 0.03:
        yield f"the noise is {spread:.3g} times as large as it should be"


def _source(seen: Any, moves: bool) -> Iterator[str]:
    """Whether walks repeat with their generator, and only then; whether a graph is recorded."""
    small = torch.ones(4, 2, dtype=torch.float64)

    def walk(of_torch: int, ours: int | None, eta: float | None = None) -> Tensor:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(of_torch)
            return torch.stack(seen.sample(small, ours, eta=eta).states).nan_to_num(0.0)

    first, again, other = walk(1, 5), walk(2, 5), walk(2, 6)
    if not torch.equal(first, again):
        yield "the same generator gives another walk: noise comes from elsewhere (randn_like, randn without generator=)"
    elif moves and torch.equal(again, other):
        yield "another generator gives the same walk: a seed is set inside, or the generator is not used"
    elif moves and torch.equal(walk(1, None), walk(2, None)):
        yield "without a generator two walks are the same: a seed is set inside"
    quiet, other = (walk(1, 5, 0.0), walk(2, 6, 0.0)) if seen.eta is not None else (small, small)
    if torch.equal(quiet[0], other[0]) and not torch.equal(quiet, other):
        yield "noise is added at eta = 0 too"
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)
    if seen.sample(small, answer=lambda x_t, t: weight * x_t).states[-1].requires_grad:
        yield "gradients are recorded: @torch.no_grad() is missing"
