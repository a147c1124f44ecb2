"""Ways to make one number of many gaps, and the factor by which two of them differ."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from grading.judging.diagnosis.measure import numbers
from grading.judging.diagnosis.search.powers import product

FORMS: dict[str, Callable[[Tensor], Tensor]] = {
    "the mean of |noise - guess|": lambda gap: gap.abs().mean(),
    "the mean of noise - guess, without a square": lambda gap: gap.mean(),
    "the square of the mean": lambda gap: gap.mean() ** 2,
    "the root of the mean square": lambda gap: gap.square().mean().sqrt(),
    "the mean of the fourth powers": lambda gap: gap.pow(4).mean(),
    "smooth_l1": lambda gap: functional.smooth_l1_loss(gap, torch.zeros_like(gap)),
    "the mean of the samples' lengths": lambda gap: gap.flatten(1).norm(dim=1).mean(),
    "the square of the samples' mean length": lambda gap: gap.flatten(1).norm(dim=1).mean() ** 2,
    "the logarithm of the mean square": lambda gap: gap.square().mean().log(),
}


SHAPES = ((7, 3), (7, 7), (5, 2), (3, 4, 2), (6, 1))


def scale_of(f: Callable, asked: Callable, form: Callable[[Tensor], Tensor] | None) -> str | None:
    """What the loss is a multiple of: empty for 1, `D times`; None where it is no multiple of that form.

    Without a form: what the squares in it, whatever they are the squares of, are a multiple of the mean of.
    """
    ratios = []
    for seed, shape in enumerate(SHAPES):
        answer = numbers(*shape, seed=20 + seed)
        loss = lambda x, shape=shape: float(asked(f, shape, x))  # noqa: E731
        if form is None:
            found, due = loss(answer) + loss(-answer) - 2 * loss(0 * answer), 2 * float(answer.square().mean())
        else:
            found, due = loss(answer), float(form(numbers(*shape, seed=1) - answer))
        ratios.append(found / due)
    if np.allclose(ratios, 1.0, rtol=1e-6):
        return ""
    sizes = {"B": [shape[0] for shape in SHAPES], "D": [np.prod(shape[1:]) for shape in SHAPES]}
    text = product(np.array(ratios), {name: np.array(size, dtype=float) for name, size in sizes.items()}, 1e-6)
    return {None: None, "-1": "minus"}.get(text, f"{text} times")
