"""DDIM's jump, with parts to replace: what ddim_step.py makes its wrong jumps of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from grading.judging import closed_form

Part = Callable[[Any], Any]


class Letters:
    """What a jump may read, in the paper's letters: x (x_t), eps, z (the noise), eta, t, prev (t_prev), and tables."""

    bar_prev: Any
    x0: Any
    sigma: Any

    def __init__(self, x_t: Tensor, t: int, t_prev: int, eps: Tensor, schedule: Any, eta: float, noise: Any) -> None:
        if eta > 0 and noise is None:
            raise ValueError(f"noise must be given when eta is above 0; got noise=None with eta={eta}")
        self.x, self.t, self.prev, self.eps, self.eta, self.z = x_t, t, t_prev, eps, eta, noise
        self.tables = schedule.to(x_t)
        self.last = t_prev < 0
        self.bar = self.tables.alphas_cumprod[t]


def bar_prev(a: Any) -> Tensor:
    return closed_form.alpha_bar_at(a.tables, a.prev)


def x0(a: Any) -> Tensor:
    return (a.x - (1 - a.bar) ** 0.5 * a.eps) / a.bar**0.5


def sigma(a: Any) -> Tensor:
    return a.eta * ((1 - a.bar_prev) / (1 - a.bar) * (1 - a.bar / a.bar_prev)) ** 0.5


def towards(a: Any) -> Tensor:
    return (1 - a.bar_prev - a.sigma**2) ** 0.5 * a.eps


def shrunk(a: Any) -> Tensor:
    return a.bar_prev**0.5 * a.x0


def fresh(a: Any) -> Any:
    return a.sigma * a.z if a.eta > 0 else 0.0


def step(
    bar_prev: Part = bar_prev,
    x0: Part = x0,
    sigma: Part = sigma,
    shrunk: Part = shrunk,
    towards: Part = towards,
    fresh: Part = fresh,
    bar: Part = lambda a: a.bar,
    then: Callable[[Tensor], Tensor] = lambda x: x,
) -> Callable:
    """Equation 12, shrunk + towards + fresh, with one of its parts replaced."""

    def wrong(
        x_t: Tensor, t: int, t_prev: int, eps: Tensor, schedule: Any, eta: float = 0.0, noise: Tensor | None = None
    ) -> Tensor:
        a = Letters(x_t, t, t_prev, eps, schedule, eta, noise)
        a.bar = bar(a)
        a.bar_prev = bar_prev(a)
        a.x0 = x0(a)
        a.sigma = torch.as_tensor(sigma(a)).to(x_t)
        return then(shrunk(a) + towards(a) + fresh(a))

    return wrong
