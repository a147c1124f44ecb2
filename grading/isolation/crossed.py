"""What both sides of the pipe know: a number that came over it, joined to the graph of the side that asked for it; and
a model that is no secret, which the child answers for by itself, and tells afterwards what it was asked.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

MOST_HEARD = 1 << 18  # bytes of questions that the child keeps before it tells them


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


def plain_model(weight: float, x_t: Tensor, t: Tensor) -> Tensor:
    """weight x_t + 0.3 cos(t), as judging/conditions/arguments.py has it, which loads none of this room."""
    return weight * x_t + 0.3 * t.reshape(-1, *[1] * (x_t.ndim - 1)).to(x_t).cos()
