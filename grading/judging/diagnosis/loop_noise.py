"""What noise a sampler adds, and where it takes it from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from grading.judging.diagnosis.loop_steps import Step

SAMPLES, DIMS = 2000, 4


def noise_remarks(seen: Any, steps: list[Step | None]) -> Iterator[str]:
    """What is wrong with the noise of the steps, each taken as it was made; with its source, and with the graph."""
    x_T = torch.randn(SAMPLES, DIMS, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    path, papers = seen.sample(x_T), seen.rules(seen.eta)[1]
    noisy: list[tuple[int, Tensor]] = []
    as_in_the_papers: list[tuple[int, Tensor]] = []
    for i, step in enumerate(steps):
        if step is None or not step.kept or i + 1 >= len(path.states):
            continue
        left, sigma = path.states[i + 1] - step.mean(path), step.rule.sigma(step.t, step.t_prev, x_T)
        if sigma > 0 and bool(left.isfinite().all()):
            noisy.append((step.t, left / sigma))
            as_in_the_papers.append((step.t, left / (papers.sigma(step.t, step.t_prev, x_T) or sigma)))
        elif sigma == 0 and i == len(steps) - 1 and float(left.abs().max()) > 1e-6 and step.t_prev < 0:
            yield f"the last step, at t={step.t}, adds {float(left.std()):.3g} * noise: it adds none"
    said = min(list(_of(noisy, x_T)), list(_of(as_in_the_papers, x_T)), key=len)
    yield from said
    moves = bool(noisy) and not any(word in remark for remark in said for word in ("no step", "x_T", "everywhere"))
    yield from source_remarks(seen, moves)


def _of(noisy: list[tuple[int, Tensor]], x_T: Tensor) -> Iterator[str]:
    silent = [t for t, z in noisy if float(z.abs().max()) < 1e-6]
    if len(silent) == len(noisy):
        yield from ["no step adds noise"] if noisy else []
        return
    if silent:
        at = ", ".join(map(str, silent))
        yield f"the step at t={at} adds no noise: t counts from 0, and t = 0 is the only quiet one"
    z = torch.stack([z for t, z in noisy if t not in silent])

    def same(left: Tensor, right: Tensor) -> bool:
        return bool(torch.allclose(left, right, rtol=1e-4, atol=1e-5))

    if same(z, x_T.expand_as(z)):
        yield "x_T is used again as the noise of every step"
    elif len(z) > 1 and same(z, z[:1].expand_as(z)):
        yield "the noise is the same at every step: it is to be drawn anew at each"
    elif any(same(a, b) for a, b in zip(z, z[1:])):
        yield "some steps use the noise of the step before"
    if float(z.std()) < 1e-6:
        yield f"the noise is {float(z.mean()):.3g} everywhere: it is to be drawn from randn"
        return
    one_batch, one_sample = same(z, z[:, :1].expand_as(z)), same(z, z[:, :, :1].expand_as(z))
    if one_batch:
        yield "the noise of a step is one number, for all samples and dims" if one_sample else (
            "the noise is shared by the whole batch: each sample needs its own")  # fmt: skip
        return
    said = list(_distribution(z))
    if one_sample:
        yield "the noise is shared by the dims of a sample: each entry needs its own"
    elif not any("coin" in remark for remark in said):
        yield from _repeated(z[0].mul(1e5).round())
    yield from said


def _repeated(z: Tensor) -> Iterator[str]:
    """Whether samples share their noise; five digits of it are given."""
    plain, signed = len(z.unique(dim=0)), len(z.abs().unique(dim=0))
    if 1 < plain < len(z):
        yield f"samples share their noise: {plain} different ones for {len(z)} samples"
    elif 1 < signed < len(z):
        yield "noise is used twice, with either sign: each sample needs its own"


def _distribution(z: Tensor) -> Iterator[str]:
    """Mean, spread and form of numbers that should be standard normal; each far beyond what chance makes of them."""
    mean, spread, low, high = (float(number) for number in (z.mean(), z.std(), z.min(), z.max()))
    fourth = float(((z - mean) / spread).pow(4).mean())
    if fourth < 2.4:  # 3 for a normal distribution, 1.8 for a uniform one, 1 for a coin
        form = "a coin" if fourth < 1.2 else "uniform (rand)"
        yield f"the noise is {form}, from {low:.3g} to {high:.3g}: it is normal (randn)"
        return
    if fourth > 4:
        yield f"the noise is not normal: its fourth moment is {fourth:.3g}, and 3 is due"
    if abs(mean) > 0.05:
        yield f"the noise has mean {mean:.3g}: 0 is due"
    sizes = z.flatten(1).std(dim=1)
    if float(sizes.max() / sizes.min().clamp(min=1e-6)) > 1.1:
        yield f"the noise is from {float(sizes.min()):.3g} to {float(sizes.max()):.3g} times as large as it should be"
    elif abs(spread - 1) > 0.03:
        yield f"the noise is {spread:.3g} times as large as it should be"


def source_remarks(seen: Any, moves: bool) -> Iterator[str]:
    """Whether walks repeat with their generator, and only then; whether a graph is recorded."""
    small = torch.ones(4, 2, dtype=torch.float64)

    def end(of_torch: int, ours: int | None, eta: float | None = None) -> Tensor:
        before = torch.get_rng_state()
        torch.default_generator.manual_seed(of_torch)
        try:
            return torch.stack(seen.sample(small, ours, eta=eta).states).nan_to_num(0.0)
        finally:
            torch.set_rng_state(before)

    first, again, other = end(1, 5), end(2, 5), end(2, 6)
    if not torch.equal(first, again):
        yield "the same generator gives another walk: noise comes from elsewhere (randn_like, randn without generator=)"
    elif moves and torch.equal(again, other):
        yield "another generator gives the same walk: a seed is set inside, or the generator is not used"
    elif moves and torch.equal(end(1, None), end(2, None)):
        yield "without a generator two walks are the same: a seed is set inside"
    quiet = (end(1, 5, 0.0), end(2, 6, 0.0)) if seen.eta is not None else (small, small)
    if torch.equal(quiet[0][0], quiet[1][0]) and not torch.equal(*quiet):
        yield "noise is added at eta = 0 too"
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)
    if getattr(seen.sample(small, 5, lambda x_t, t: weight * x_t).states[-1], "requires_grad", False):
        yield "gradients are recorded: @torch.no_grad() is missing"
