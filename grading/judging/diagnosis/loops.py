"""What a sampler does, judged with the submission's own step: where it starts, which way it goes, where it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from grading.judging import closed_form
from grading.judging.compare import kind
from grading.judging.diagnosis.finding import Finding, all_of
from grading.judging.diagnosis.loop_noise import noise_remarks, source_remarks
from grading.judging.diagnosis.loop_steps import Step, retraced, time_remarks
from grading.judging.diagnosis.measure import numbers
from grading.judging.examples import COARSE, STEPS
from grading.judging.observations import carefully
from grading.judging.sampler_trace import Spy, Walk
from grading.judging.step_rules import Rule, own_timesteps, quietly, rules
from grading.submission.errors import SubmissionError

LARGE = 1e9  # at this scale of x fresh noise is lost in the rounding, and every step can be computed


def loop_finding(implementation: Any, function: str) -> Finding | None:
    """Everything that is not as it should be, each in a sentence."""
    found = all_of(_remarks(Seen(implementation, function)))
    of_any = quietly(lambda: all_of(_remarks(Seen(implementation, function, is_right=True)))) if found else None
    if found and of_any and {*found.lines} <= {*of_any.lines}:
        says = f"so does any loop over your {function.replace('sample', 'step')}: mend that first"
        return replace(found, says=says).also(says, label="but")
    return found


def model(x_t: Tensor, t: Any) -> Tensor:
    """A model that depends on all that it is shown, and grows with x_t."""
    t = t.reshape(-1, *[1] * (x_t.ndim - 1)).to(x_t) if isinstance(t, Tensor) and t.numel() in (1, len(x_t)) else t
    return 0.3 * x_t * (1 + 0.05 * t)


@dataclass
class Seen:
    """One sampler, watched; in its place, if so said, a right loop over the submission's own steps."""

    implementation: Any
    function: str
    is_right: bool = False
    spy: Spy = field(init=False)

    @property
    def eta(self) -> float | None:
        """None for DDPM."""
        return None if self.function == "ddpm_sample" else 0.625

    @property
    def step(self) -> str:
        return self.function.replace("sample", "step")

    @cached_property
    def due(self) -> list[int]:
        """The timesteps due: those of the submission's own list, if that can be walked."""
        if self.eta is None:
            return list(range(STEPS))[::-1]
        return own_timesteps(self.implementation, STEPS, 5) or [8, 6, 4, 2, 0]

    @cached_property
    def x_T(self) -> Tensor:
        return LARGE * (1 + numbers(4, 2).abs())

    def sample(self, x_T: Tensor, seed: int | None = 5, answer: Callable = model, eta: float | None = None) -> Walk:
        """One walk; every state of it is made float64."""
        self.spy = Spy(answer, x_T)
        f: Callable = self._right if self.is_right else carefully(getattr(self.implementation, self.function))
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        more = () if self.eta is None else (5, self.eta if eta is None else eta)
        states = [f(self.spy, x_T, COARSE, *more, generator=generator)]
        states = [*(x for x, _ in self.spy.shown), *states]
        return Walk(self.spy, [x.to(torch.float64) if isinstance(x, Tensor) else x for x in states])

    @torch.no_grad()
    def _right(
        self, model: Callable, x_T: Tensor, schedule: Any, S: int = STEPS, eta: float = 1.0, generator: Any = None
    ) -> Tensor:
        x, steps, own = x_T, closed_form.ddim_timesteps(STEPS, S), self.rules(None if self.eta is None else eta)[0]
        for t, t_prev in zip(steps, [*steps[1:], -1]):
            noise = torch.randn(x.shape, generator=generator, dtype=x.dtype) if eta > 0 else None
            x = own.ask(x, t, t_prev, model(x, torch.full((len(x),), t)), noise)
        return x

    def rules(self, eta: float | None) -> list[Rule]:
        """The submission's own step first, then the papers'."""
        return rules(self.implementation, COARSE, eta)[::-1]


def _remarks(seen: Seen) -> Iterator[str]:
    try:
        path = seen.sample(seen.x_T)
    except SubmissionError as error:
        if error.kind != "crash":
            raise
        yield from time_remarks(seen, [], seen.spy.shown)
        return
    x_T, result = seen.x_T, path.states[-1]
    if not isinstance(result, Tensor):
        yield f"{kind(result)} is returned: a Tensor is asked for, x_0 alone"
    elif not path.spy.shown:
        yield "the model is never asked"
    elif not all(isinstance(x, Tensor) and x.shape == x_T.shape for x in path.states[:-1]):
        yield "the model is not shown x_t, a tensor like x_T"
    elif result.shape != x_T.shape:
        yield f"what is returned has shape {tuple(result.shape)}: x_0 alone is asked for, {tuple(x_T.shape)}"
    else:
        yield from _start(path.states[0], x_T)
        if float(path.states[0].abs().max()) < 1e-3 * LARGE:
            yield from time_remarks(seen, [], path.spy.shown)
            yield from source_remarks(seen, moves=False)
            return
        steps = retraced(seen, path)
        times = list(time_remarks(seen, steps, path.spy.shown))
        yield from times
        if any("at each t" in remark for remark in times):
            return  # what lies between two of its questions is no step
        if any(step and step.guess is None for step in steps) and _answers_count(seen):
            yield "the model's answer counts while it is small, and not when it is large: is it clipped?"
            return
        yield from _steps(seen, path, steps)
        yield from noise_remarks(seen, steps)


def _answers_count(seen: Seen) -> bool:
    """Whether a walk among small numbers follows what the model answers."""
    one, other = (seen.sample(seen.x_T / LARGE, answer=lambda x, t, k=k: k * x).states[-1] for k in (0.3, 0.2))
    return not torch.allclose(one, other)


def _start(first: Tensor, x_T: Tensor) -> Iterator[str]:
    ratio = first / x_T
    if torch.allclose(ratio, torch.ones_like(ratio), rtol=1e-5):
        return
    known = {
        f"{float(first.flatten()[0]):.3g} everywhere": _is_one_number(first),
        "noise of its own": float(first.abs().max()) < 1e-3 * LARGE,
        f"{float(ratio.flatten()[0]):.4g} * x_T": _is_one_number(ratio),
    }
    what = next((what for what, holds in known.items() if holds), "somewhere else")
    yield f"the walk starts from {what}: it starts from x_T"


def _is_one_number(x: Tensor) -> bool:
    return torch.allclose(x, x.flatten()[0].expand_as(x), rtol=1e-5)


def _steps(seen: Seen, path: Walk, steps: list[Step | None]) -> Iterator[str]:
    """What the steps do that they should not: all of them, some, or the last one."""
    states = torch.stack(path.states)
    is_finite, bound = bool(torch.isfinite(states).all()), float(states[1:].abs().max())
    if len(states) > 2 and torch.equal(states[:-1], states[:1].expand_as(states[:-1])):
        is_dropped = torch.equal(states[-1], states[0])
        yield "the result of the step is dropped: x_t stays what it was" if is_dropped else (
            "the model is shown the same x at every step: it must see the current x_t")  # fmt: skip
        return
    if len(states) > 2 and torch.equal(states[0], states[1]):
        at, then = path.timesteps[:2]
        yield f"the model is shown x_T twice, at t={at} and {then}: it must see the current x_t"
        return
    *inner, last = [step.label if step else None for step in steps]
    labels = {label for label in inner if label}
    if None in (*inner, last) and is_finite and bound < 1e-6 * LARGE:
        where = "x is clipped, at every step," if None in inner else "x_0 is clipped"
        yield f"{where} to {bound:.3g}: the data here are not pixels"
        return
    if None in inner and is_finite:
        at = path.timesteps[inner.index(None)]
        yield f"the step at t={at} does not lead where your {seen.step} leads from there"
    elif labels:
        yield labels.pop() if len(labels) == 1 and inner.count("") <= 1 else f"at some steps: {sorted(labels)[0]}"
    if last and last not in inner:
        yield f"at the end: {last}"
    elif last is None and is_finite:
        yield _end(seen, path)


def _end(seen: Seen, path: Walk) -> str:
    """What is returned that no step leads to."""
    result, answers, mean = path.states[-1], path.spy.answers, seen.rules(seen.eta)[0].mean
    if len(answers) == 1 and len(seen.due) > 1:
        x = path.states[0]
        for t, t_prev in zip(seen.due, [*seen.due[1:], -1]):
            x = mean(x, t, t_prev, answers[0])
        if torch.allclose(x, result, rtol=1e-6):
            return "the model is asked once, before the loop: it must be asked at every step"
    if float(result.abs().max()) < 1e-6 * LARGE:
        return f"x_0 is clipped to {float(result.abs().max()):.3g}: the data here are not pixels"
    if torch.allclose(result, answers[-1]):
        return "the model's last answer is returned: x_0 is asked for"
    walks = (path, seen.sample(seen.x_T, answer=lambda x, t: 0.2 * x))
    means = (mean(walk.states[-2], seen.due[-1], -1, walk.spy.answers[-1]) for walk in walks)
    ratios = torch.stack([walk.states[-1] / due for walk, due in zip(walks, means)])
    if _is_one_number(ratios):
        return f"x_0 is {float(ratios[0, 0, 0]):.4g} times where your {seen.step} leads from the last x_t"
    return f"x_0 is not where your {seen.step} leads from the last x_t"
