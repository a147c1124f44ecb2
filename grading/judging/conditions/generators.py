"""What a sampler makes of a generator, of none, and of one that is not its own alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from grading.judging.sampler_trace import Spy

REPEATED = "two walks differ, and torch.manual_seed repeats them"
GOES_ON = "every walk goes on where the generator stands"
ALIKE = ("two walks without a generator are the same", "two walks with one generator are the same")


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
    if not first.isfinite().all():  # a step that gives no number has a message of its own, and hides what is drawn
        return REPEATED
    if torch.equal(first, second):
        return ALIKE[0]
    if not torch.equal(first, noise_of(f, given)):
        return "torch.manual_seed does not repeat a walk without a generator"
    return REPEATED


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
        return ALIKE[1]
    if torch.equal(first, noise_of(f, given | {"generator": used})):
        return "a generator that has drawn numbers gives the walk of a fresh one"
    return GOES_ON
