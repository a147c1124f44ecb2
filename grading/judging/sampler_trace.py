"""Watch a sampler at work: every x_t and t that it shows the model, and what each step did between two of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from grading.judging.compare import kind
from grading.judging.parts import Question, is_part, whole

MANY, FEW = 100, 8  # points
Model = Callable[[Tensor, Tensor], Tensor]


@dataclass
class Spy:
    """A model that keeps what it was shown. What is not a Tensor is kept as it came and answered with zeros.

    Asking about part of the samples at a time is as right as asking about all at once, and is looked at as if it were.
    """

    model: Model
    like: Tensor
    asked: list[Question] = field(default_factory=list)

    def __call__(self, x_t: Any, t: Any) -> Tensor:
        answer = self.model(x_t, t) if self._lawful(x_t, t) else torch.zeros_like(self.like)
        self.asked.append((_kept(x_t), _kept(t), answer.detach().clone()))
        return answer

    def _lawful(self, x_t: Any, t: Any) -> bool:
        tensors = isinstance(t, Tensor) and not _float(t)
        return tensors and is_part(x_t, self.like) and t.shape in (x_t.shape[:1], (1,), ())

    @property
    def shown(self) -> list[tuple[Any, Any]]:
        """x_t and t of each question."""
        return [(x_t, t) for x_t, t, _ in whole(self.asked, self.like)]

    @property
    def answers(self) -> list[Tensor]:
        return [answer for _, _, answer in whole(self.asked, self.like)]

    def kinds(self) -> list[str]:
        """What t was at each call, in words, each kind once: `Tensor (4,) int64`."""
        return list(dict.fromkeys(kind(t) for _, t in self.shown))

    def timesteps(self) -> list[int]:
        """The t of each call, as a number; -999 stands for something that is none."""
        return [_one(t) for _, t in self.shown]


def _kept(argument: Any) -> Any:
    return argument.detach().clone() if isinstance(argument, Tensor) else argument


def _float(t: Tensor) -> bool:
    return t.dtype.is_floating_point or t.dtype == torch.bool


def _one(t: Any) -> int:
    if isinstance(t, Tensor):
        first = t.flatten()[:1]
        return int(first) if len(first) and bool((t == first).all()) else -999
    return t if isinstance(t, int) else -999


@dataclass(frozen=True)
class Walk:
    """One run of a sampler: the states x (steps + 1 of them, x_T first, the returned one last) and what was asked."""

    spy: Spy
    states: list[Tensor]

    @property
    def timesteps(self) -> list[int]:
        return self.spy.timesteps()

    def residuals(self, mean: Callable[[Tensor, int, int, Tensor], Tensor]) -> list[Tensor]:
        """x_prev - mean(x_t, t, t_prev, eps) of every step: what the sampler added of its own; 0 where both are nan."""
        steps, answers = [*self.timesteps, -1], self.spy.answers
        means = [mean(x, steps[i], steps[i + 1], answers[i]) for i, x in enumerate(self.states[:-1])]
        return [_gap(after, due) for after, due in zip(self.states[1:], means)]


def _gap(after: Tensor, due: Tensor) -> Tensor:
    alike = (after == due) | (after.isnan() & due.isnan())  # inf - inf is no number
    return torch.where(alike, torch.zeros_like(after), after - due)


def copied_generators(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The same arguments, with a generator of their own in the place of one that is given."""
    given = kwargs.get("generator")
    if given is None:
        return kwargs
    return kwargs | {"generator": torch.Generator(given.device).set_state(given.get_state())}


def walk(sample: Callable, model: Model, x_T: Tensor, *args: Any, **kwargs: Any) -> Walk:
    """Run sample(model, x_T, *args, **kwargs) with a spy in the model's place.

    Many points go the way only after a few have: what grows with the square of their number would fill the memory.
    """
    if len(x_T) > MANY:
        few = copied_generators(kwargs)
        ended = sample(model, x_T[:FEW].clone(), *args, **few)
        if isinstance(ended, Tensor) and ended.shape != x_T[:FEW].shape:
            raise RuntimeError(f"{FEW} points of shape {tuple(x_T[:FEW].shape)} come back as {tuple(ended.shape)}")
    spy = Spy(model, x_T)
    result = sample(spy, x_T.clone(), *args, **kwargs)
    return Walk(spy, [*(x for x, _ in spy.shown), result])
