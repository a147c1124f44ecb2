"""What a sampler does, judged with the submission's own step: where it starts, which way it goes, where it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from grading.judging.closed_form import broadcast
from grading.judging.compare import kind, shorten
from grading.judging.diagnosis.finding import Finding, all_of
from grading.judging.diagnosis.loop_steps import LARGE, SMALL, Step, noise_remarks, retraced
from grading.judging.diagnosis.measure import name_of, numbers, other_times
from grading.judging.examples import COARSE, STEPS
from grading.judging.observations import carefully
from grading.judging.sampler_trace import Spy, Walk
from grading.judging.step_rules import Rule, due_end, own_timesteps, quietly, rules


def loop_finding(implementation: Any, function: str) -> Finding | None:
    """Everything that is not as it should be, each in a sentence."""
    found = all_of(_remarks(Seen(implementation, function)))
    of_any = quietly(lambda: all_of(_remarks(Seen(implementation, function, is_right=True)))) if found else None
    if found and of_any and {*found.lines} <= {*of_any.lines}:
        says = f"so does any loop over your {function.replace('sample', 'step')}: mend that first"
        return replace(found, says=says).also(says, label="but")
    return found


def model(x_t: Tensor, t: Tensor) -> Tensor:
    """A model that depends on all that it is shown, and grows with x_t, if not in proportion."""
    return 0.3 * (x_t + x_t.flip(-1) / 2) * (1 + 0.05 * broadcast(t, x_t).to(x_t))


class Seen:
    """One sampler, watched; in its place, if so said, a right loop over the submission's own steps."""

    spy: Spy  # of the latest walk

    def __init__(self, implementation: Any, function: str, is_right: bool = False) -> None:
        self.implementation, self.step = implementation, function.replace("sample", "step")
        self.loop: Callable = self._right if is_right else carefully(getattr(implementation, function))
        self.eta, self.due = None, list(range(STEPS))[::-1]
        if function == "ddim_sample":  # the timesteps due are those of the submission's own list, if it can be walked
            self.eta, self.due = 0.625, own_timesteps(implementation, STEPS, 5) or [8, 6, 4, 2, 0]
        self.jumps = list(zip(self.due, [*self.due[1:], -1]))
        self.x_T = LARGE * (1 + numbers(4, 2).abs())

    def sample(self, x_T: Tensor, seed: int | None = 5, answer: Callable = model, eta: float | None = None) -> Walk:
        """One walk; every state of it is made float64."""
        self.spy = Spy(answer, x_T)
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        more = () if self.eta is None else (5, self.eta if eta is None else eta)
        result = self.loop(self.spy, x_T, COARSE, *more, generator=generator)
        states = [*(x for x, _ in self.spy.shown), result]
        return Walk(self.spy, [x.to(torch.float64) if isinstance(x, Tensor) else x for x in states])

    @torch.no_grad()
    def _right(self, model: Callable, x: Tensor, _: Any, *more: Any, generator: Any) -> Tensor:
        eta = more[-1] if more else None
        for t, t_prev in self.jumps:
            noise = None if eta == 0 else torch.randn(x.shape, generator=generator, dtype=x.dtype)
            x = self.rules(eta)[0].ask(x, t, t_prev, model(x, torch.full((len(x),), t)), noise)
        return x

    def rules(self, eta: float | None) -> list[Rule]:
        """The submission's own step first, then the papers'."""
        return rules(self.implementation, COARSE, eta)[::-1]


def _remarks(seen: Seen) -> Iterator[str]:
    path = quietly(lambda: seen.sample(seen.x_T))
    if path is None:  # the error itself is shown elsewhere
        yield from _times(seen, [])
    elif wrong := _form(path, seen.x_T):
        yield wrong
    else:
        yield from _start(path.states[0], seen.x_T)
        steps = retraced(seen, path)
        times = list(_times(seen, steps))
        yield from times
        if any("at each t" in remark for remark in times):
            return  # what lies between two of its questions is no step
        if any(step and step.guess is None for step in steps):
            few = [seen.sample(seen.x_T / LARGE, answer=lambda x, t, k=k: k * x).states[-1] for k in (0.3, 0.2)]
            if not torch.allclose(few[0], few[1]):
                yield "the model's answer counts while it is small, and not when it is large: is it clipped?"
                return
        yield from _steps(seen, path, steps)
        yield from noise_remarks(seen, steps)


def _form(path: Walk, x_T: Tensor) -> str:
    """What is wrong with the form of that which is returned, or shown to the model; empty if nothing is."""
    *shown, end = [x.shape if isinstance(x, Tensor) else None for x in path.states]
    known = {
        f"{kind(path.states[-1])} is returned: a Tensor is asked for, x_0 alone": end is None,
        "the model is never asked": not shown,
        "the model is not shown x_t, a tensor like x_T": {*shown} != {x_T.shape},
        f"what is returned has shape {tuple(end or ())}: x_0 alone is asked for, {tuple(x_T.shape)}": end != x_T.shape,
    }
    return next((says for says, holds in known.items() if holds), "")


def _start(first: Tensor, x_T: Tensor) -> Iterator[str]:
    one, ratio = first.flatten()[0], (first / x_T).flatten()[0]
    known = {"x_T": x_T, f"{float(one):.3g} everywhere": one, f"{float(ratio):.4g} * x_T": ratio * x_T}
    other = "noise of its own" if float(first.abs().max()) < SMALL else "somewhere else"
    if (what := name_of(first, known) or other) != "x_T":
        yield f"the walk starts from {what}: it starts from x_T"


def _times(seen: Seen, steps: list[Step | None]) -> Iterator[str]:
    """What is wrong with the t that the model is given, in form and in number, and with where the steps are made."""
    forms = [form for form in seen.spy.kinds() if form != f"Tensor ({len(seen.x_T)},) int64"]
    if forms:
        yield f"the model is given t as {forms[0]}: it is asked with a Tensor (B,) int64"
    given = quietly(lambda: [_number(t) for _, t in seen.spy.shown])
    if given and given != seen.due and (says := _of_times(seen, steps, given, seen.due)):
        yield says


def _number(t: Any) -> float:
    """t as one number, whole where it is."""
    (number,) = torch.as_tensor(t, dtype=torch.float64).unique().tolist()
    return int(number) if number.is_integer() else round(number, 6)


def _of_times(seen: Seen, steps: list[Step | None], given: list, due: list[int]) -> str:
    taken = [step and step.t for step in steps]
    if taken == due:  # the model alone is given something else
        if name := name_of(torch.tensor(given), other_times(torch.tensor(due), STEPS)):
            return f"the model is given {name} where t itself belongs: {shorten(given)}"
        if len(set(given)) == 1:
            return f"the model is given t = {given[0]} at every step"
        return f"the model is given t = {shorten(given)} where {shorten(due)} belongs"
    if taken != given == due[:1]:
        return ""
    if given[0] >= STEPS:
        return f"the loop starts at t = {given[0]}: t counts from 0, and the first is {due[0]}"
    jumps = seen.eta is not None and any(step and step.t_prev == -1 for step in steps[:1])
    ending = "it jumps to x_0 at once" if jumps else "is the return inside the loop?"
    shown, times = f"t runs through {shorten(given)}", len(given) // len(due)
    known = {
        f"the walk ends after its first step, at t = {due[0]}: {ending}": due[:1],
        f"{shown}, upwards: it goes from the noisiest down to t = {due[-1]}": due[::-1],
        f"the model is asked {times} times at each t: it is asked once": [t for t in due for _ in range(times)],
        f"the walk stops before the last timestep, t = {due[-1]}": due[:-1],
        f"the walk leaves out its first timestep, t = {due[0]}": due[1:],
        f"{shown}, every timestep: num_inference_steps is not used": list(range(STEPS))[::-1],
    }
    return next((says for says, walk in known.items() if walk == given), f"{shown}: {shorten(due)} is due")


def _steps(seen: Seen, path: Walk, steps: list[Step | None]) -> Iterator[str]:
    """What the steps do that they should not: all of them, some, or the last one."""
    states = torch.stack(path.states)
    again = [t for t, x in zip(path.timesteps, states) if torch.equal(x, states[0])]
    if len(again) > 1 and not torch.allclose(states[-1], states[0]):
        what = "the same x at every step" if len(again) == len(steps) else f"x_T twice, at t={again[0]} and {again[1]}"
        yield f"the model is shown {what}: it must see the current x_t"
        return
    unknown = None if bool(states.isfinite().all()) and float(states[0].abs().max()) > SMALL else ""  # say nothing
    *inner, last = [step.label if step else unknown for step in steps]
    labels, bound = sorted({label for label in inner if label}), float(states[1:].abs().max())
    if None in inner and bound < SMALL:
        yield f"x is clipped, at every step, to {bound:.3g}: the data here are not pixels"
        return
    if None in inner:
        yield f"the step at t={path.timesteps[inner.index(None)]} does not lead where your {seen.step} leads from there"
    elif labels:
        yield labels[0] if len(labels) == 1 and inner.count("") <= 1 else f"at some steps: {labels[0]}"
    if last is None:
        yield _end(seen, path)
    elif last and last not in inner:
        yield f"at the end: {last}"


def _end(seen: Seen, path: Walk) -> str:
    """What is returned that no step leads to."""
    own, result, answers = seen.rules(seen.eta)[0], path.states[-1], path.spy.answers
    due = own.mean(path.states[-2], seen.due[-1], -1, answers[-1])
    once = due_end(own, lambda *_: answers[0], path.states[0], seen.due)
    ratio, bound, place = (result / due).flatten()[0], float(result.abs().max()), f"where your {seen.step} leads"
    known = {
        "the model is asked once, before the loop: it must be asked at every step": due if once is None else once,
        f"x_0 is clipped to {bound:.3g}: the data here are not pixels": due.clamp(-bound, bound),
        "the model's last answer is returned: x_0 is asked for": answers[-1],
        f"x_0 is {float(ratio):.4g} times {place} from the last x_t": ratio * due,
    }
    return name_of(result, known) or f"x_0 is not {place} from the last x_t"
