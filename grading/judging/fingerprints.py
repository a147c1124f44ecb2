"""What tells one version of a function from another: a handful of small looks at it, each at something of its own.

Two versions that agree in all of them make the same mistake, however they are written. None of the looks depends on
how a sampler draws its noise, only on what noise it adds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from grading.judging.compare import kind
from grading.judging.observations import (
    UNEVEN,
    Look,
    elsewhere,
    in_float64,
    in_place,
    model,
    numbers,
    on_a_gpu,
    plain,
    steadily,
    value,
)
from grading.judging.sampler_observations import quiet_walks, walks


@cache
def looks(function: str) -> tuple[Look, ...]:
    """The fingerprint of a function, the looks that tell most first."""
    if function.endswith("_beta_schedule"):
        return _betas(function)
    return {
        "make_schedule": _make_schedule,
        "q_sample": _q_sample,
        "ddpm_loss": _loss,
        "ddpm_step": _ddpm_step,
        "ddim_timesteps": _timesteps,
        "ddim_step": _ddim_step,
        "ddpm_sample": lambda: walks("ddpm_sample", ()),
        "ddim_sample": lambda: (*walks("ddim_sample", (3, 0.6)), *quiet_walks()),
    }[function]()


def _betas(function: str) -> tuple[Look, ...]:
    calls = [(7, 0.1, 0.4), (1000,), (2, 0.2, 0.3), (1, 0.1, 0.3)]
    if function == "cosine_beta_schedule":
        calls = [(7,), (1000,), (50, 0.1, 0.6), (3, 0.0), (2,)]
    double = [Look(lambda f, args=args: plain(in_float64(lambda g: g(*args), f))) for args in calls]  # type: ignore[misc]
    return (*double, Look(lambda f: kind(f(5))))


def _make_schedule() -> tuple[Look, ...]:
    def tables(betas: Tensor) -> list[Look]:
        names = ("betas", "alphas", "alphas_cumprod")
        return [Look(lambda f, n=n: plain(getattr(f(betas.clone()), n, None))) for n in names]  # type: ignore[misc]

    betas = UNEVEN.betas
    float32 = [Look(lambda f, look=look: kind(look.probe(f))) for look in tables(betas.float())]  # type: ignore[misc]
    device = Look(lambda f: kind(elsewhere(f, betas)[0].alphas_cumprod), manners=True)
    return (*tables(betas), *float32, in_place("make_schedule", betas), device)


def _q_sample() -> tuple[Look, ...]:
    t = torch.tensor([0, 3, 6, 1, 4])
    shapes = ((5, 3), (5, 5), (5, 1), (5, 2, 2))
    values = [value(numbers(*shape), t, UNEVEN, numbers(*shape, seed=1)) for shape in shapes]
    earlier = value(numbers(5, 3), (t - 1).clamp(min=0), UNEVEN, numbers(5, 3, seed=1))
    x, z = numbers(5, 3), numbers(5, 3, seed=1)
    float32 = value(x.float(), t, UNEVEN.to(torch.float32), z.float())
    return (*values, earlier, float32, in_place("q_sample", x, t, UNEVEN, z), on_a_gpu(x, t, UNEVEN, z))


def _loss() -> tuple[Look, ...]:
    t = torch.tensor([2, 5, 1, 5, 3])
    calls = [(numbers(*shape), t, UNEVEN, numbers(*shape, seed=1)) for shape in ((5, 3), (5, 5), (5, 1), (5, 2, 2))]
    calls += [(numbers(5, 3), torch.tensor([0, 6, 3, 1, 6]), UNEVEN, numbers(5, 3, seed=1))]
    x, z = numbers(5, 3), numbers(5, 3, seed=1)
    float32 = value(model, x.float(), t, UNEVEN.to(torch.float32), z.float())

    def spied(f: Callable) -> str:
        seen = []

        def spy(*shown: Any) -> Tensor:
            seen.append(", ".join(kind(s) for s in shown))
            return torch.zeros_like(x)

        f(spy, x.clone(), t.clone(), UNEVEN, z.clone())
        return "; ".join(seen)

    def shown(f: Callable) -> list[Any]:
        seen: list[Any] = []

        def spy(*arguments: Any) -> Tensor:
            seen.extend(arguments)
            return torch.zeros_like(x)

        f(spy, x.clone(), t.clone(), UNEVEN, z.clone())
        return seen

    def gradient(f: Callable) -> Any:
        weight = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
        loss = f(lambda x_t, t: weight * x_t, x.clone(), t, UNEVEN, z.clone())
        if not (isinstance(loss, Tensor) and loss.numel() == 1 and loss.requires_grad):
            return "no gradient"
        loss.sum().backward()
        return weight.grad

    others = (
        value(lambda x_t, t: torch.zeros_like(x), x, t, UNEVEN, z),
        *(Look(steadily(lambda f, i=i: shown(f)[i])) for i in (0, 1)),  # type: ignore[misc]
        Look(steadily(gradient)),
        float32,
        in_place("ddpm_loss", model, x, t, UNEVEN, z),
        on_a_gpu(model, x, t, UNEVEN, z),
    )
    return (Look(spied), *(value(model, *call) for call in calls), *others)


def _ddpm_step() -> tuple[Look, ...]:
    x, eps, z = numbers(5, 3), numbers(5, 3, seed=1), numbers(5, 3, seed=2)
    values = [value(x, t, eps, UNEVEN, z) for t in (3, 0, 1, 2, 4, 5, 6)]
    float32 = value(x.float(), 3, eps.float(), UNEVEN.to(torch.float32), z.float())
    return (*values, float32, in_place("ddpm_step", x, 3, eps, UNEVEN, z), on_a_gpu(x, 3, eps, UNEVEN, z))


def _timesteps() -> tuple[Look, ...]:
    pairs = ((10, 3), (12, 4), (7, 1), (5, 5), (1000, 50), (11, 4), (13, 5), (20, 3), (1, 1))
    return tuple(Look(lambda f, pair=pair: listed(f(*pair))) for pair in pairs)  # type: ignore[misc]


def listed(timesteps: Any) -> str:
    entries = timesteps.tolist() if isinstance(timesteps, Tensor) else list(timesteps)
    kinds = {
        "int" if hasattr(entry, "__index__") and not isinstance(entry, Tensor) else kind(entry) for entry in entries
    }
    return f"{type(timesteps).__name__} of {', '.join(sorted(kinds))}: {[int(entry) for entry in entries]}"


def _ddim_step() -> tuple[Look, ...]:
    x, eps, z = numbers(5, 3), numbers(5, 3, seed=1), numbers(5, 3, seed=2)
    jumps = (
        (5, 2, 0.0),
        (5, 2, 0.4),
        (6, 3, 0.7),
        (3, 2, 1.0),
        (5, 0, 0.0),
        (5, 0, 0.5),
        (4, -1, 0.0),
        (4, -1, 0.6),
        (0, -1, 0.0),
    )
    values = [value(x, t, t_prev, eps, UNEVEN, eta, z) for t, t_prev, eta in jumps]
    float32 = value(x.float(), 5, 2, eps.float(), UNEVEN.to(torch.float32), 0.4, z.float())
    without = value(x, 5, 2, eps, UNEVEN)
    jump = (x, 5, 2, eps, UNEVEN, 0.4, z)
    return (*values, without, float32, in_place("ddim_step", *jump), on_a_gpu(*jump))
