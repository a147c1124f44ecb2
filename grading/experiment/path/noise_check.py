"""Is the noise that a DDPM walk adds a fair draw, or was it chosen to lead somewhere?

Under a lawful walk the noise of a step is standard normal given everything before it. So for any direction that depends
on x_t alone, its component there is exactly N(0, 1), and the components of successive steps are independent. The tests
look in the directions that a cheat would need, at every t and over windows that slide along the walk, and at the laws
that a chosen noise breaks.

False alarms: each bound below is passed with probability at most 2 exp(-LEVEL) = 2e-13 (Gaussian and chi-square tail
bounds; Laurent & Massart 2000, lemma 1), and a walk of 1,000 steps of 2-D points meets fewer than 50,000 of them: below
1e-8 a walk.

Power: a pull of every point along a tested direction is seen from 7.7 / sqrt(k n) standard deviations of the noise a
step on, k steps and n numbers, so it moves the points by 7.7 / sqrt(n) of the noise that those k steps add, whatever k
is: 0.12 with 2,048 points in 2-D. One point alone may be led by 8.8 of it unseen: whoever has few bad points to hide,
and knows where they should be, can hide some. That is why noise that is not the generator's own earns no more than the
grader's own walk (path_check.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

LEVEL = 30.0
BOUND = math.sqrt(2 * LEVEL)  # for a standard normal
WINDOWS = (10, 30, 100, 300, 1_000, 10_000)  # so many steps together, wherever in the walk they are
HOP = 5  # windows of whole states overlap by all but a fifth


class Unlawful(Exception):
    """Where a walk leaves the law."""


@dataclass(frozen=True)
class Step:
    """What one step added beside its mean.

    Attributes:
        t: the timestep left.
        left: (B, *dims), x_{t-1} minus the mean of DDPM eq. 7.
        sigma: the standard deviation due.
        span: x_t and eps, each (B, *dims): two right forms of the mean may differ by tiny multiples of them.
        slack: how large those multiples may be.
        directions: by what each would mean, a field (B, *dims) that depends on x_t alone.
    """

    t: int
    left: Tensor
    sigma: float
    span: tuple[Tensor, ...]
    slack: float
    directions: dict[str, Tensor]


def check_noise(steps: Iterable[Step]) -> None:
    """Raise Unlawful unless the noise of these steps, in order, is a fair draw."""
    noises, components, stretches = [], {}, {}  # type: ignore[var-annotated]
    for step in steps:
        noise, basis = _free_part(step)
        _check_size(noise, basis.shape[1], step.t)
        for what, field in step.directions.items():
            along = _normalised(field.flatten() - basis @ (basis.T @ field.flatten()))
            component = float(noise.flatten() @ along)
            if abs(component) > BOUND:
                raise Unlawful(f"the noise added at t = {step.t} {what}")
            components.setdefault(what, []).append(component)
            if "data" in what:
                stretches.setdefault("depends on how far from the data a point is", []).append(_stretch(noise, field))
        noises.append(noise.float())  # what is summed over a walk is kept small: it is long
    if not noises:
        return
    for what, values in components.items():
        _check_series(torch.tensor(values), what)
    for what, values in stretches.items():
        _check_stretch(torch.tensor(values), what)
    walk = torch.stack(noises)
    for size in _sizes(len(walk)):
        for start in range(0, len(walk) - size + 1, max(size // HOP, 1)):
            _check_sums(walk[start : start + size].sum(dim=0), size)
        _check_sums(walk[-size:].sum(dim=0), size)
    _check_whole(walk)


def _sizes(steps: int) -> list[int]:
    """The windows that a walk has room for; the last is all of it."""
    return [*(size for size in WINDOWS if size < steps), steps]


def _sums(values: Tensor, size: int) -> Tensor:
    """The sum of every `size` successive values."""
    total = torch.cat([torch.zeros(1, dtype=torch.float64), values.double().cumsum(0)])
    return total[size:] - total[:-size]


def _free_part(step: Step) -> tuple[Tensor, Tensor]:
    """The noise in units of sigma, without what rounding may have added, and the orthonormal span left out."""
    flat = torch.stack([x.flatten() for x in step.span], dim=1)
    basis, scales = torch.linalg.qr(flat)
    basis = basis[:, scales.diagonal().abs() > 1e-9]
    noise = step.left.flatten() / step.sigma
    within = basis.T @ noise
    rounding = step.slack * float(flat.norm()) / step.sigma
    if within.numel() and float(within.abs().max()) > BOUND + rounding:
        raise Unlawful(f"the step at t = {step.t} moves the points beside the mean of DDPM eq. 7")
    return (noise - basis @ within).reshape(step.left.shape), basis


def _normalised(field: Tensor) -> Tensor:
    norm = float(field.norm())
    return field / norm if norm > 1e-9 else torch.zeros_like(field)


def _check_size(noise: Tensor, lost: int, t: int) -> None:
    """The variance due, and no single entry beyond what so many draws reach."""
    free, square = noise.numel() - lost, float(noise.square().sum())
    if free > 0 and not _chi_square_low(free) <= square <= _chi_square_high(free):
        raise Unlawful(f"the step at t = {t} adds {square / free:.3g} times the variance of DDPM eq. 7")
    if float(noise.abs().max()) > math.sqrt(2 * (LEVEL + math.log(noise.numel()))):
        raise Unlawful(f"the step at t = {t} moves a point further than noise does")


def _chi_square_high(n: int) -> float:
    return n + 2 * math.sqrt(n * LEVEL) + 2 * LEVEL


def _chi_square_low(n: int) -> float:
    return n - 2 * math.sqrt(n * LEVEL)


def _check_series(components: Tensor, what: str) -> None:
    """Independent standard normals: in no window do they lean to one side, nor are they too large or too small."""
    components = components[components != 0]
    for size in _sizes(len(components)) if len(components) else []:
        if float(_sums(components, size).abs().max()) > BOUND * size**0.5:
            raise Unlawful(f"the noise of {size} steps together {what}")
    square, n = float(components.square().sum()), len(components)
    if n and not _chi_square_low(n) <= square <= _chi_square_high(n):
        raise Unlawful("the noise is not independent from point to point")


def _stretch(noise: Tensor, field: Tensor) -> float:
    """How much longer the noise is where the field is long: sum of a_i (noise_i^2 - 1) with |a| = 1, mean(a) = 0."""
    length = field.flatten(1).norm(dim=1).argsort().argsort().to(noise)  # by rank, so that no point weighs much
    weight = _normalised(length - length.mean())
    size = noise.flatten(1).square()
    return float((weight * (size.mean(dim=1) - 1)).sum()) * size.shape[1] ** 0.5


def _check_stretch(values: Tensor, what: str) -> None:
    for size in _sizes(len(values)):
        if float(_sums(values, size).abs().max()) > 2 * (math.sqrt(size * LEVEL) + LEVEL / 2):
            raise Unlawful(f"the noise of {size} steps together {what}")


def _check_sums(total: Tensor, steps: int) -> None:
    """(B, *dims): the sum over so many steps, per entry, has variance k; a lasting pull of any kind makes it larger."""
    total = total / steps**0.5
    n, square = total.numel(), float(total.square().sum())
    if not _chi_square_low(n) - 4 <= square <= _chi_square_high(n):
        raise Unlawful(f"the noise of {steps} steps together leads each point somewhere")
    if float(total.abs().max()) > math.sqrt(2 * (LEVEL + math.log(n))):
        raise Unlawful(f"the noise of {steps} steps together leads a point somewhere")


def _check_whole(noise: Tensor) -> None:
    """(steps, B, *dims): independent of its neighbours in every dimension, and Gaussian."""
    half = noise.shape[1] // 2
    pairs: dict[str, Callable[[], Tensor]] = {
        "step to step": lambda: noise[1:] * noise[:-1],
        "every second step": lambda: noise[2:] * noise[:-2],
        "point to point": lambda: noise[:, 1:] * noise[:, :-1],
        "one half of the points to the other": lambda: noise[:, :half] * noise[:, half : 2 * half],
        "coordinate to coordinate": lambda: noise[..., 1:] * noise[..., :-1] if noise.ndim > 2 else noise[:0],
    }
    for what, product in pairs.items():
        products = product()
        n = products.numel()
        if n and abs(float(products.sum())) > math.sqrt(2 * n * LEVEL) + LEVEL + 4 * len(noise):
            raise Unlawful(f"the noise is not independent from {what}")
    n = noise.numel()
    if abs(float(noise.pow(4).mean()) - 3) > BOUND * (96 / n) ** 0.5 + 3e4 / n:
        raise Unlawful("the noise added is not Gaussian")
