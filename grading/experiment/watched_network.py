"""What stands between a submission's sampler and the network: every question looked at, and what comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from grading.experiment.networks.training import REPORT_EVERY, Progress
from grading.machine.allocator import keep_freed

FAR, ABSURD = 1e6, 1e12  # beyond all that points reach, and beyond what is said about nearer ones
Network = Callable[[Tensor, Tensor], Tensor]


class Watched(nn.Module):
    """A network that tells how far a sampler has come, and refuses a t that the schedule does not have.

    Reading t makes a GPU wait, so there it is looked at every REPORT_EVERY calls and at the last; until then a t that
    lies outside is taken for the nearest inside.

    Attributes:
        sound: whether each answer about points within bounds was within bounds; if not, the network is to blame.
    """

    def __init__(self, network: Network, T: int, stage: str, total: int, progress: Progress | None) -> None:
        super().__init__()
        keep_freed()
        self.network, self.T, self.stage, self.total, self.progress = network, T, stage, total, progress
        self.calls = 0
        self.least: Tensor | None = None
        self.most: Tensor | None = None
        self.sound = True

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        if not isinstance(t, Tensor) or t.is_floating_point():
            raise TypeError(f"model(x_t, t) takes t as an int64 tensor (B,); it was given {kind(t)}")
        self.calls += 1
        told = self.calls % REPORT_EVERY == 0 or self.calls == self.total
        self.least = t.min() if self.least is None else torch.minimum(self.least, t.min())
        self.most = t.max() if self.most is None else torch.maximum(self.most, t.max())
        if told or t.device.type == "cpu":
            self.check_timesteps()
        answer = self.network(x_t, t.clamp(0, self.T - 1))
        if (told or answer.device.type == "cpu") and not bool((answer.abs() < ABSURD).all()):
            self.sound = self.sound and not bool((x_t.abs() < FAR).all())
        if self.progress is not None and told:
            self.progress(self.stage, min(self.calls, self.total), self.total)
        return answer

    def check_timesteps(self) -> None:
        """Raise ValueError if the model was ever asked about a t that is none of 0 ... T - 1."""
        if self.least is None or self.most is None:
            return
        least, most = int(self.least), int(self.most)
        if least < 0 or most >= self.T:
            raise ValueError(f"the timesteps are 0 ... {self.T - 1}; the model was asked about {least} ... {most}")


class SamplesRejected(Exception):
    """What a sampler returned is no cloud of points: one sentence for its author."""


def kind(value: Any) -> str:
    """What a value is, in a word or two: `int`, `torch.float32 tensor`."""
    return f"{value.dtype} tensor" if isinstance(value, Tensor) else type(value).__name__


def check_samples(samples: Any, x_T: Tensor, function: str) -> Tensor:
    """Return samples if they are what the contract asks for, or raise SamplesRejected."""
    if not isinstance(samples, Tensor):
        raise SamplesRejected(f"{function} must return a tensor; it returned {type(samples).__name__}")
    if samples.shape != x_T.shape:
        raise SamplesRejected(f"{function} must return shape {tuple(x_T.shape)}; it returned {tuple(samples.shape)}")
    if samples.dtype != x_T.dtype:
        raise SamplesRejected(f"{function} must keep the dtype {x_T.dtype}; it returned {samples.dtype}")
    if samples.device != x_T.device:
        raise SamplesRejected(f"{function} must stay on {x_T.device}; it returned a tensor on {samples.device}")
    wrong = int((~samples.isfinite()).sum())
    if wrong:
        raise SamplesRejected(f"{function} must return finite points; {wrong} of {samples.numel()} entries are not")
    return samples.detach()
