"""Tensors that pretend to lie on a GPU. For torch they lie on the device `meta`; their values are in `held`.

They are used under the two modes of device_check.py, which know what a GPU would do with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from grading.submission.contract import NoiseSchedule

META = torch.device("meta")


@dataclass(frozen=True)
class Remark:
    """Something that is no mistake, and better done otherwise: most often a line that would make a GPU wait.

    Attributes:
        line: 0 for the whole function.
        says: what it waits for.
    """

    file: str
    line: int
    source: str
    says: str

    def __str__(self) -> str:
        if not self.line:
            return f"{self.file}  {self.source} {self.says}"
        return f"{self.file}:{self.line}  {self.source}  would make a GPU wait: {self.says}"


class There(Tensor):
    """A tensor that pretends to lie on a GPU."""

    held: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> There:
        made = Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=META,
            requires_grad=inner.requires_grad,
        )
        made.held = inner
        return made

    def __init__(self, inner: Tensor) -> None:
        pass

    @classmethod
    def __torch_dispatch__(cls, *_: Any) -> Any:  # type: ignore[override]
        raise RuntimeError("a tensor on the GPU, kept from an earlier call, is used in one on the CPU")


class Generator(torch.Generator):
    """A generator that pretends to belong to the GPU."""

    device = META  # type: ignore[assignment]

    def clone_state(self) -> torch.Generator:
        return Generator().set_state(self.get_state())


class _Makes(type):
    """torch.Generator while a call pretends: what is made for the GPU pretends too, the rest is as ever."""

    def __call__(cls, device: Any = "cpu") -> torch.Generator:
        return Generator() if is_there(device) else OWN_GENERATOR(device)

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, OWN_GENERATOR)


class MadeAnywhere(metaclass=_Makes):
    """What stands for torch.Generator."""


OWN_GENERATOR = torch.Generator


def there(value: Any) -> Any:
    """The same on the pretended device: a tensor, a generator or a schedule; anything else as it is."""
    if isinstance(value, NoiseSchedule):
        return NoiseSchedule(*map(there, value))
    if isinstance(value, torch.Generator):
        return Generator().set_state(value.get_state())
    return There(value.detach()) if type(value) is Tensor else value


def is_there(device: Any) -> bool:
    return device is not None and torch.device(device).type == "meta"
