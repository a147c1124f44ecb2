"""A number that came over the pipe, joined to the graph of the side that asked for it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class Crossed(torch.autograd.Function):
    """A result of the other side's, which said how it changes with each source."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, gradients: list[Tensor | None] | None, *sources: Tensor) -> Tensor:
        ctx.gradients = gradients
        return value.clone()

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple:  # type: ignore[override]
        if ctx.gradients is None:
            raise RuntimeError("only the gradient of a single number crosses the pipe")
        return None, None, *(None if g is None else grad_output * g for g in ctx.gradients)
