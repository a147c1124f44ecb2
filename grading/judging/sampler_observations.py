"""What tells one sampler from another: what it asks of the model, where it goes, and what noise it adds on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from grading.judging.compare import Tolerance, kind, same
from grading.judging.observations import (
    HOPELESS,
    UNEVEN,
    Look,
    elsewhere,
    in_place,
    model,
    numbers,
    plain,
    raised,
)
from grading.judging.sampler_trace import walk
from grading.submission.contract import NoiseSchedule, schedule_from

# Of estimates from 8,000 numbers: five standard errors, or more, of the difference of two such.
ROUGH = Tolerance(rtol=0.0, atol=0.08)
LARGE = 1e9  # at this scale of x and eps fresh noise is lost in the rounding, and a walk can be computed


def walks(function: str, more: tuple) -> tuple[Look, ...]:
    x = numbers(5, 3)

    def generator(seed: int = 3) -> torch.Generator:
        return torch.Generator().manual_seed(seed)

    def path(f: Callable, x_T: Tensor, answer: Callable = model, seed: int = 3) -> Any:
        return walk(f, answer, x_T, UNEVEN, *more, generator=generator(seed))

    def asked(f: Callable) -> str:
        """What the model is asked, even where the walk fails later."""
        seen: list[str] = []

        def spy(x_t: Tensor, t: Any) -> Tensor:
            number = t.flatten()[0].item() if isinstance(t, Tensor) else t
            seen.append(f"{number:.6g} {kind(t)} {kind(x_t)}")
            return torch.zeros_like(x_t)

        try:
            f(spy, x.clone(), UNEVEN, *more, generator=generator())
        except Exception as error:
            if getattr(error, "kind", "") in HOPELESS:
                raise
            seen.append(raised(error))
        return "; ".join(seen)

    def start(f: Callable) -> str:
        first = path(f, x).states[0]
        found = [name for name, other in (("x_T", x), ("0", 0 * x), ("1", 0 * x + 1)) if same(first, other)]
        return found[0] if found else "something else"

    def without_noise(f: Callable) -> Any:
        """Every state of a walk so large that its noise is lost in the rounding."""
        x_T = LARGE * (1 + x.abs())
        states = path(f, x_T).states
        return states[-1] / LARGE if same(states[0], x_T) else "not from x_T"

    def noise(f: Callable) -> Any:
        """Moments of what each step adds, in a walk that starts from zeros with a model that answers zero."""
        zeros = torch.zeros(2000, 4, dtype=torch.float64)
        states = torch.stack(path(f, zeros, lambda x_t, t: torch.zeros_like(x_t)).states)
        return moments(states) if len(states) > 1 else "never asked"

    def repeats(f: Callable) -> str:
        ends = []
        for of_torch, of_ours in ((1, 5), (2, 5), (2, 6)):
            torch.default_generator.manual_seed(of_torch)
            ends.append(path(f, x, seed=of_ours).states[-1])
        if not same(ends[0], ends[1]):
            return "does not follow the generator"
        return "same walk" if same(ends[1], ends[2]) else "another walk"

    def graph(f: Callable) -> str:
        weight = torch.ones((), dtype=torch.float64, requires_grad=True)
        result = f(lambda x_t, t: weight * x_t, x.clone(), UNEVEN, *more, generator=generator())
        return str(result.requires_grad)

    def returned(f: Callable) -> str:
        kinds = []
        for x_T, tables in ((x, UNEVEN), (x.float(), UNEVEN.to(torch.float32)), (numbers(2, 1, 3), UNEVEN)):
            kinds.append(kind(f(model, x_T.clone(), tables, *more, generator=generator())))
        return "; ".join(kinds)

    def on_a_gpu(f: Callable) -> str:
        return kind(elsewhere(f, model, x, UNEVEN, *more, generator())[0])

    changed = in_place(function, model, x, UNEVEN, *more)
    values, manners = (asked, start, without_noise), (returned, repeats, graph)
    return (
        *(Look(probe) for probe in values),
        *(Look(probe, manners=True) for probe in manners),
        changed,
        Look(noise, ROUGH),
        Look(on_a_gpu, manners=True),
    )


def moments(states: Tensor) -> Tensor:
    """Of a path (steps + 1, B, D): how each step scales, and mean, spread and form of what it adds."""
    before, after = states[:-1], states[1:]
    variance = before.flatten(1).var(1, correction=0)
    covariance = ((before - before.mean((1, 2), True)) * after).flatten(1).mean(1)
    scale = covariance / variance.clamp(min=1e-12)
    added = after - scale[:, None, None] * before
    spread = added.std(1, correction=0).mean(1).clamp(min=1e-6)
    z = added / spread[:, None, None]
    over_dims = z.mean(2).std(1, correction=0)
    noisy = z[spread > 1e-3]
    fourth = noisy.pow(4).mean() / 4
    neighbours, halves = (noisy[:, 0::2] * noisy[:, 1::2]).mean(), (noisy * noisy.roll(len(z[0]) // 2, 1)).mean()
    return torch.cat([scale, spread.log(), z.mean((1, 2)), over_dims, torch.stack([fourth, neighbours, halves])])


def quiet_walks() -> tuple[Look, ...]:
    """DDIM's walks at eta = 0, where every step can be computed, and one with the default number of steps."""
    x, long = numbers(5, 3), schedule_from(torch.linspace(1e-3, 0.05, 100, dtype=torch.float64))

    def end(schedule: NoiseSchedule, *more: Any) -> Look:
        return Look(lambda f: plain(f(model, x.clone(), schedule, *more)))

    return end(UNEVEN, 3), end(UNEVEN, 4), end(UNEVEN, 7), end(long)
