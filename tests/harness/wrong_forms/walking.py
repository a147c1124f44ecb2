"""The loop of both samplers, with parts to replace: what samplers.py makes its wrong walks of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from grading.judging import closed_form

Pairs = Iterable[tuple[int, int]]


@dataclass
class Walk:
    """One run: what its parts may read. `kept` is for what a wrong walk carries from step to step."""

    model: Callable
    x_T: Tensor
    schedule: Any
    steps: int
    eta: float
    generator: torch.Generator | None
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return len(self.schedule.alphas_cumprod)


def full(x: Tensor, t: Any, **options: Any) -> Tensor:
    return torch.full((len(x),), t, device=x.device, **options)


def asked(w: Walk, x: Tensor, t: int) -> Tensor:
    return w.model(x, full(x, t))


def fresh(w: Walk, x: Tensor) -> Tensor:
    return torch.randn(x.shape, generator=w.generator, dtype=x.dtype, device=x.device)


def ancestral(w: Walk, x: Tensor, t: int, t_prev: int, eps: Tensor, noise: Any) -> Tensor:
    return closed_form.ddpm_step(x, t, eps, w.schedule, noise)


def jump(w: Walk, x: Tensor, t: int, t_prev: int, eps: Tensor, noise: Any) -> Tensor:
    return closed_form.ddim_step(x, t, t_prev, eps, w.schedule, w.eta, noise)


def all_steps(w: Walk) -> list[int]:
    return list(reversed(range(w.total)))


def strided(w: Walk) -> list[int]:
    if not 1 <= w.steps <= w.total:
        raise ValueError(f"num_inference_steps must be from 1 to num_timesteps = {w.total}; got {w.steps}")
    return [i * (w.total // w.steps) for i in reversed(range(w.steps))]


def sampler(
    function: str,
    start: Callable[[Walk], Tensor] = lambda w: w.x_T,
    timesteps: Callable[[Walk, list[int]], list[int]] = lambda w, ts: ts,
    pairs: Callable[[list[int]], Pairs] = lambda ts: zip(ts, [*ts[1:], -1]),
    ask: Callable[[Walk, Tensor, int], Tensor] = asked,
    draw: Callable[[Walk, Tensor], Tensor] = fresh,
    quiet: Callable[[int], bool] = lambda t: False,
    step: Callable | None = None,
    settle: Callable[[Tensor], Tensor] = lambda x: x,
    end: Callable[[Walk, Tensor], Any] = lambda w, x: x,
    graph: bool = False,
    keep_last: bool = True,
) -> Callable:
    """The loop of algorithm 2 with one of its parts replaced: start, ask the model, draw noise, step, settle; end."""
    is_ddpm = function == "ddpm_sample"
    take = step or (ancestral if is_ddpm else jump)

    def run(w: Walk) -> Any:
        with torch.set_grad_enabled(graph):
            x = start(w)
            for t, t_prev in pairs(timesteps(w, all_steps(w) if is_ddpm else strided(w))):
                eps = ask(w, x, t)
                noise = torch.zeros_like(x) if quiet(t) else draw(w, x) if is_ddpm or w.eta > 0 else None
                after = settle(take(w, x, t, t_prev, eps, noise))
                x = after if keep_last or t_prev >= 0 else x
            return end(w, x)

    def ddpm(model, x_T, schedule, generator=None):
        return run(Walk(model, x_T, schedule, 0, 1.0, generator))

    def ddim(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
        return run(Walk(model, x_T, schedule, num_inference_steps, eta, generator))

    return ddpm if is_ddpm else ddim
