"""Retrace a walk: which call of the submission's own step leads from one x_t to the next, and with what noise."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import torch
from torch import Tensor

from grading.judging.sampler_trace import Walk
from grading.judging.step_rules import Rule, quietly

LARGE = 1e9  # at this scale of x fresh noise is lost in the rounding, and every step can be computed
SMALL = 1e-3 * LARGE  # not at this
MOST_SLIPS = 2  # in one step
MANY = 1000  # samples that say how noise is distributed
SHARED = (
    "the noise is the same at every step: it is to be drawn anew at each",
    "the noise is shared by the whole batch: each sample needs its own",
    "the noise is shared by the dims of a sample: each entry needs its own",
)
MOMENTS = (0, 0.05), (1, 0.025), (1, 0.025), (3, 0.6)  # due, and far beyond what chance makes of it
FORM = "what steps add, over their sigma, has mean {:g}, spread {:g} to {:g}, fourth moment {:g}: due are 0, 1 and 3"
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
        for rule in seen.rules(eta)[::-1]:  # the submission's own first
            step = Step(t, t_prev, rule, "; ".join(labels), base, guess)
            if quietly(partial(_leads, step, path, after, seen.x_T)):
                return step
    return None


def _ways(seen: Any, i: int, given: list[int], due_t: int) -> Iterator[tuple[list[str], tuple]]:
    """Every way to make step i, with what is wrong about it, the likelier last; of a value that holds which is last."""
    at, after, due = given[i], [*given, -1][i + 1], dict(zip(seen.due, [*seen.due[1:], -1]))
    ts = {at + n: f"the step is made at t {sign} 1, and the model asked at t" for n, sign in ((1, "+"), (-1, "-"))}
    prevs, etas = {}, {}
    if seen.eta is not None:
        ts[after] = "t and t_prev are exchanged"
        prevs = {at: "t_prev is the t that the model is given", due_t: "t_prev is t itself",
                 -1: "t_prev is -1 before the end",
                 0: "t_prev is 0 after the last timestep, not -1, or the step's result is dropped",
                 due_t - 1: "t_prev is t - 1: it is the next entry of the list",
                 due.get(at, after): "", due.get(due_t, -1): ""}  # fmt: skip
        etas = {seen.eta**2: "the step leads where eta^2 leads", 1.0: "the step leads where eta = 1 leads",
                0.0: f"the step leads where eta = 0 leads, not {seen.eta}: is it handed on?"}  # fmt: skip
    bases = {0: "each step starts from x_T: its result must become the next x_t", i: ""}
    guesses = {0: "eps is the model's first answer", max(i - 1, 0): "eps is the model's answer of the step before",
               None: "eps is not used", i: ""}  # fmt: skip
    ts.pop(-1, "")  # no step is made there, though a table has an entry by that name
    choices = ts | {due_t: "", at: ""}, prevs | {after: ""}, etas | {seen.eta: ""}, bases, guesses
    for way in product(*(choice.items() for choice in choices)):
        values, labels = zip(*way)
        yield [label for label in labels if label], values


def _leads(step: Step, path: Walk, after: Tensor, x_T: Tensor) -> bool:
    """Whether a step leads there, without noise that could be seen at this scale, or with x_T in its place."""
    mean, like = step.mean(path), partial(torch.allclose, after, rtol=1e-6, atol=1e-7 * float(after.abs().max()))
    return like(mean) or like(mean + step.rule.sigma(step.t, step.t_prev, x_T) * x_T)


def noise_remarks(seen: Any, steps: list[Step | None]) -> Iterator[str]:
    """What is wrong with the noise of the steps, each taken as it was made; with its source, and with the graph."""
    x_T = torch.randn(seen.x_T.shape, generator=torch.Generator().manual_seed(60_913), dtype=torch.float64)
    path, noisy, loud = seen.sample(x_T), [], list[str]()  # t, and noise in units of its sigma
    if (gap := float((path.states[0] - x_T).abs().max())) > 1e-5:
        yield f"the model is first shown another x than x_T: up to {gap:.3g} from it"
        return
    for step, after in ((step, after) for step, after in zip(steps, path.states[1:]) if step):
        left, sigma = after - step.mean(path), step.rule.sigma(step.t, step.t_prev, x_T)
        if sigma > 0 and bool(left.isfinite().all()):
            noisy.append((step.t, left / sigma))
        elif sigma == 0 and float(left.abs().max()) > 1e-6:
            added = f"{left.mean():.3g} to every entry" if left.std() < 1e-6 else f"{left.std():.3g} * noise"
            due = "it adds none" if step is steps[-1] or seen.eta == 0 else "where such a step leads, none is added"
            loud.append(f"the {'last ' * (step is steps[-1])}step, at t={step.t}, adds {added}: {due}")
    yield from loud[:1]
    moves = any(float(z.abs().max()) > 1e-6 for _, z in noisy)
    if noisy:
        yield from _of(noisy, x_T) if moves else ["no step adds noise"]
    yield from _source(seen, moves)


def _of(noisy: list[tuple[int, Tensor]], x_T: Tensor) -> Iterator[str]:
    """What is wrong with noise that should be standard normal, and another in each step, sample and dim."""
    if silent := [str(t) for t, z in noisy if float(z.abs().max()) < 1e-6]:
        yield f"the step at t={', '.join(silent)} adds no noise: t counts from 0, and t = 0 is the only quiet one"
    z = torch.stack([z for t, z in noisy if str(t) not in silent])
    if len(z) > 1 and torch.allclose(z, x_T.expand_as(z), 1e-4, 1e-5):
        yield "x_T is used again as the noise of every step"
    for dim in range(z.ndim):
        if z.shape[dim] > 1 and torch.allclose(z, z.narrow(dim, 0, 1), 1e-4, 1e-5):
            yield SHARED[min(dim, 2)]
            z = z.narrow(dim, 0, 1)
    if z.shape[1] < MANY:
        return  # too few numbers to say more
    different = len(z[0].mul(1e5).round().abs().unique(dim=0))
    if z.shape[2] > 1 and 2 ** z.shape[2] < different < z.shape[1]:  # a coin has no more; one dim has them by chance
        yield f"samples share their noise: {different} different ones, signs aside, for {z.shape[1]} samples"
    mean, spread = z.mean(), z.std(dim=(1, 2))
    fourth = ((z - mean) / spread[:, None, None]).pow(4).mean()
    measured = [round(float(number), 2) + 0.0 for number in (mean, spread.min(), spread.max(), fourth)]
    if any(abs(number - due) > slack for number, (due, slack) in zip(measured, MOMENTS)):
        yield FORM.format(*measured)


def _source(seen: Any, moves: bool) -> Iterator[str]:
    """Whether walks repeat with their generator, and only then; whether a graph is recorded."""
    small = torch.ones_like(seen.x_T)

    def walk(of_torch: int, more: int = 0) -> Tensor:
        return torch.stack(seen.sample(small, of_torch=of_torch, more=more).states).nan_to_num(0.0)

    if seen.seed is None:
        yield from ["two walks are the same: a seed is set inside"] if moves and torch.equal(walk(1), walk(2)) else []
    elif not torch.equal(walk(1), walk(2)):
        yield "the same generator gives another walk: noise comes from elsewhere (randn_like, randn without generator=)"
    elif moves and torch.equal(walk(1), walk(1, more=1)):
        yield "another generator gives the same walk: a seed is set inside, or the generator is not used"
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)
    if seen.sample(small, answer=lambda x_t, t: weight * x_t).states[-1].requires_grad:
        yield "gradients are recorded: @torch.no_grad() is missing"
