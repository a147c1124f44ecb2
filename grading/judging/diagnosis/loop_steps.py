"""Retrace a walk: which call of the submission's own step leads from one x_t to the next, and at which t."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import torch
from torch import Tensor

from grading.judging.compare import kind, shorten
from grading.judging.diagnosis.measure import name_of, other_times
from grading.judging.examples import STEPS
from grading.judging.sampler_trace import Walk
from grading.judging.step_rules import Rule, quietly

MOST_SLIPS = 2  # in one step


@dataclass(frozen=True)
class Step:
    """One step as it was made.

    Attributes:
        label: what is wrong with it, empty if nothing is.
        base, guess: the number of the state that it starts from, and of the model's answer that it uses (None: none).
        kept: whether its result became the next x_t.
    """

    t: int
    t_prev: int
    rule: Rule
    label: str
    base: int
    guess: int | None
    kept: bool = True

    def mean(self, path: Walk) -> Tensor:
        """Where this step leads in any walk, without noise."""
        base = path.states[self.base]
        eps = torch.zeros_like(base) if self.guess is None else path.spy.answers[self.guess]
        return self.rule.mean(base, self.t, self.t_prev, eps) if self.kept else base


def retraced(seen: Any, path: Walk) -> list[Step | None]:
    """Each step of a walk, the simplest call that explains it; None where none does."""
    steps: list[Step | None] = []
    for i in range(len(path.timesteps)):
        steps.append(_made(seen, path, i, MOST_SLIPS - (None in steps)))
    return steps


def _made(seen: Any, path: Walk, i: int, most: int) -> Step | None:
    if torch.equal(path.states[i + 1], path.states[i]):
        due = seen.due[min(i, len(seen.due) - 1)]
        own = seen.rules(seen.eta)[0]
        return Step(due, -1, own, "the step's result is dropped: x_t stays what it was", i, i, kept=False)
    for labels, t, t_prev, eta, base, guess in sorted(_choices(seen, i, path.timesteps), key=lambda c: len(c[0])):
        if len(labels) > most or not 0 <= t < STEPS:
            continue
        for rule in seen.rules(eta):
            step = Step(t, t_prev, rule, "; ".join(labels), base, guess)
            if quietly(partial(_leads, step, path, path.states[i + 1], seen.x_T)):
                return step
    return None


def _choices(seen: Any, i: int, given: list[int]) -> Iterator[tuple[list[str], int, int, Any, int, int | None]]:
    """Every way to make step i, with what is wrong about it."""
    due, at = seen.due, given[i]
    due_t, due_prev = (due[i], due[i + 1] if i + 1 < len(due) else -1) if i < len(due) else (at, -1)
    next_given = given[i + 1] if i + 1 < len(given) else -1
    ts = [(at, ""), (due_t, "")]
    ts += [(t + d, f"the step is made at t {'-' if d < 0 else '+'} 1, and the model asked at t")
           for t in {at, due_t} for d in (-1, 1)]  # fmt: skip
    prevs, etas = [(next_given, "")], [(seen.eta, "")]
    if seen.eta is not None:
        prevs += [(due_prev, ""), *((b, "") for a, b in zip(due, [*due[1:], -1]) if a == at),
                  (at - 1, "t_prev is t - 1: it is the next entry of the list"),
                  (0, "t_prev is 0 after the last timestep: it is -1 there"), (-1, "t_prev is -1 before the end"),
                  (at, "t_prev is t itself")]  # fmt: skip
        etas += [(0.0, "eta is not handed on: the step is made with 0"), (1.0, "the step is made with eta = 1"),
                 (seen.eta**2, "the step is made with eta^2")]  # fmt: skip
        ts += [(next_given, "t and t_prev are exchanged")]
    bases = [(i, ""), (0, "each step starts from x_T: its result must become the next x_t")][: 1 + (i > 0)]
    guesses: list[tuple[int | None, str]] = [(i, ""), (None, "eps is not used")]
    if i > 0:
        guesses += [(i - 1, "eps is the model's answer of the step before"), (0, "eps is the model's first answer")]
    for (t, a), (t_prev, b), (eta, c), (base, d), (guess, e) in product(ts, prevs, etas, bases, guesses):
        yield [label for label in (a, b, c, d, e) if label], t, t_prev, eta, base, guess


def _leads(step: Step, path: Walk, after: Tensor, x_T: Tensor) -> bool:
    """Whether a step leads there, without noise that could be seen at this scale, or with x_T in its place."""
    mean = step.mean(path)
    return _near(mean, after) or _near(mean + step.rule.sigma(step.t, step.t_prev, x_T) * x_T, after)


def _near(left: Tensor, right: Tensor) -> bool:
    atol = 1e-7 * float(right.abs().max())
    return left.shape == right.shape and torch.allclose(left.to(right), right, rtol=1e-6, atol=atol, equal_nan=True)


def time_remarks(seen: Any, steps: list[Step | None], shown: list[tuple[Any, Any]]) -> Iterator[str]:
    """What is wrong with the t that the model is given, in form and in number, and with where the steps are made."""
    form = f"Tensor ({len(seen.x_T)},) int64"
    forms = [kind(t) for _, t in shown if kind(t) != form]
    if forms:
        yield f"the model is given t as {forms[0]}: it is asked with a Tensor (B,) int64"
    given, due = [_number(t) for _, t in shown], seen.due
    if given == due or not given or None in given:
        return
    taken = [step and step.t for step in steps]
    if taken == due:
        yield _as_given(given, due)
    elif given != due[:1]:
        yield _as_walked(given, due)
    elif taken == given:
        jumps = seen.eta is not None and steps[0] and steps[0].t_prev == -1
        why = "it jumps to x_0 at once" if jumps else "is the return inside the loop?"
        yield f"the walk ends after its first step, at t = {due[0]}: {why}"


def _number(t: Any) -> Any:
    """t as one number, whole where it is; None where it is none."""
    values = t.flatten().tolist() if isinstance(t, Tensor) else [t]
    if not values or len(set(values)) > 1 or not isinstance(values[0], (int, float)):
        return None
    return int(values[0]) if float(values[0]).is_integer() else round(float(values[0]), 6)


def _as_given(given: list, due: list[int]) -> str:
    """The steps are made where they should be: the model alone is given something else."""
    if name := name_of(torch.tensor(given), other_times(torch.tensor(due), STEPS)):
        return f"the model is given {name} where t itself belongs: {shorten(given)}"
    if len(set(given)) == 1:
        return f"the model is given t = {given[0]} at every step"
    return f"the model is given t = {shorten(given)} where {shorten(due)} belongs"


def _as_walked(given: list, due: list[int]) -> str:
    """The loop itself goes another way."""
    shown = f"t runs through {shorten(given)}"
    if given == due[::-1]:
        return f"{shown}, upwards: it goes from the noisiest down to t = {due[-1]}"
    times = len(given) // len(due)
    if times > 1 and given == [t for t in due for _ in range(times)]:
        return f"the model is asked {times} times at each t: it is asked once"
    if given == due[:-1]:
        return f"the walk stops before the last timestep, t = {due[-1]}"
    if given == due[1:]:
        return f"the walk leaves out its first timestep, t = {due[0]}"
    if given[0] >= STEPS:
        return f"the loop starts at t = {given[0]}: t counts from 0, and the first is {due[0]}"
    if given == list(range(STEPS))[::-1]:
        return f"{shown}, every timestep: num_inference_steps is not used"
    return f"{shown}: {shorten(due)} is due"
