"""What a sampler asked its model and what the model said, kept to be judged afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from grading.judging.parts import Question

BLOCK = 1 << 20  # numbers
MOST_KEPT = 1 << 26  # numbers, where nobody says how long the walk is


@dataclass
class Recorder:
    """A model that keeps what it was asked and what it said, to be judged afterwards.

    What is on a device stays there until somebody looks: to copy it here at each step would make the device wait.

    Attributes:
        most: as many numbers as may be asked about, with the answers.
        refusing: called before each refusal, so that a sampler that catches all of them can be stopped.
    """

    model: Callable[[Tensor, Tensor], Tensor]
    most: int = MOST_KEPT
    refusing: Callable[[], None] = lambda: None
    kept_there: list[Question] = field(default_factory=list)
    kept: int = 0
    blocks: dict[torch.dtype, tuple[Tensor, int]] = field(default_factory=dict)

    def __call__(self, x_t: Any, t: Any) -> Tensor:
        asked = sum(value.numel() for value in (x_t, t) if isinstance(value, Tensor))
        self.kept += 2 * asked
        if self.kept > self.most:
            self.refusing()
            raise ValueError(f"the model was asked about more than {self.most // 2:,} numbers")
        eps = self.model(x_t, t)
        same = isinstance(t, Tensor) and t.is_cpu and t.numel() > 1 and bool((t == t.flatten()[0]).all())
        self.kept_there.append((self._kept(x_t), self._kept(t.flatten()[:1] if same else t), self._kept(eps)))
        return eps

    @property
    def calls(self) -> list[Question]:
        """(x_t, t, eps) of every question, on the CPU."""
        self.kept_there = [(_here(x_t), _here(t), _here(eps)) for x_t, t, eps in self.kept_there]
        return self.kept_there

    def _kept(self, value: Any) -> Any:
        """A copy in a large block: small ones, made between a network's temporaries, leave holes of a gigabyte."""
        if not isinstance(value, Tensor):
            return value
        value = value.detach()
        if not value.is_cpu:
            return value.clone()
        block, used = self.blocks.get(value.dtype, (torch.empty(0), BLOCK))
        if used + value.numel() > len(block):
            block, used = torch.empty(max(BLOCK, value.numel()), dtype=value.dtype), 0
        self.blocks[value.dtype] = (block, used + value.numel())
        return block[used : used + value.numel()].view(value.shape).copy_(value)


def _here(value: Any) -> Any:
    return value.cpu() if isinstance(value, Tensor) else value
