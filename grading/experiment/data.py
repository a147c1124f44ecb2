"""The course's two-dimensional data sets: curves, rings, squares and Gaussians.

A set is a recipe for any number of fresh points, so the points that a network is trained on and those that it is judged
by are independent draws. Only `seed` decides what is drawn; no global generator is read or moved.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import Tensor

from grading.submission.errors import UsageError

Sampler = Callable[[int, int], np.ndarray]  # (num_points, seed) -> (num_points, 2), float64

SCALE = 2.0  # the standard deviation of a normalised set, over all its entries
SHOWN = 500  # points of a walk that a picture follows
REFERENCE_DRAW = (100_000, 0)  # the points and the seed that a set's centre and spread are measured with


def swiss_roll(num_points: int, seed: int) -> np.ndarray:
    """A spiral of one and a half turns: columns 0 and 2 of scikit-learn's roll, number for number.

    Its hole thins the middle turn: of three by three patches of the unrolled sheet the one in the middle is left out.
    """
    draw = np.random.RandomState(seed)
    patches = np.delete([np.pi * (1.5 + turn) for turn in range(3) for _ in range(3)], 4)
    angle = patches[draw.choice(8, num_points)] + np.pi * draw.uniform(size=(2, num_points))[0]
    return np.stack([angle * np.cos(angle), angle * np.sin(angle)], axis=1)


def s_curve(num_points: int, seed: int) -> np.ndarray:
    """Two arcs that make an S: columns 0 and 2 of scikit-learn's, number for number."""
    angle = 3 * np.pi * (np.random.RandomState(seed).uniform(size=num_points) - 0.5)
    return np.stack([np.sin(angle), np.sign(angle) * (np.cos(angle) - 1)], axis=1)


def circle(num_points: int, seed: int) -> np.ndarray:
    """Two rings around the origin, of radius 4 and 2. Random angles: on a grid of them every draw would be the same."""
    rng = np.random.default_rng(seed)
    radius = 4.0 * rng.choice([1.0, 0.5], num_points)
    angle = rng.uniform(0, 2 * np.pi, num_points)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def moons(num_points: int, seed: int) -> np.ndarray:
    """Two interleaving half circles, the second upside down. Random angles, as in `circle`."""
    rng = np.random.default_rng(seed)
    lower = rng.integers(0, 2, num_points)
    angle = rng.uniform(0, np.pi, num_points) + np.pi * lower
    return np.stack([np.cos(angle) + lower, np.sin(angle) + 0.5 * lower], axis=1)


def checkerboard(num_points: int, seed: int) -> np.ndarray:
    """The eight dark squares of a board of four by four, evenly filled."""
    rng = np.random.default_rng(seed)
    column, pair = rng.integers(0, 4, num_points), rng.integers(0, 2, num_points)
    row = 2 * pair + column % 2
    return np.stack([column, row], axis=1) + rng.uniform(0, 1, (num_points, 2))


def gaussian_centered(num_points: int, seed: int) -> np.ndarray:
    """The standard normal: what pure noise looks like already."""
    return np.random.default_rng(seed).standard_normal((num_points, 2))


def gaussian_shift(num_points: int, seed: int) -> np.ndarray:
    """The standard normal, moved by 1.5 along both axes."""
    return gaussian_centered(num_points, seed) + 1.5


DATASETS: dict[str, Sampler] = {
    sampler.__name__: sampler
    for sampler in (swiss_roll, circle, s_curve, moons, checkerboard, gaussian_centered, gaussian_shift)
}
NORMALISED = frozenset({"swiss_roll", "s_curve", "moons", "checkerboard"})  # the course leaves the others as they are


@cache
def centre_and_spread(name: str) -> tuple[float, float]:
    """Mean and standard deviation of all entries of one large, fixed draw: the same numbers for every draw."""
    points = DATASETS[name](*REFERENCE_DRAW)
    return float(points.mean()), float(points.std())


def make_dataset(name: str, num_points: int, seed: int) -> Tensor:
    """Draw points of a data set, in the scale that the course uses.

    x = (raw - mean) / std * 2, mean and std over all entries; circle and the Gaussians come as they are made.

    Args:
        name: a key of DATASETS.
        num_points: n, at least 1.
        seed: from 0 to 2**32 - 1; another seed is an independent draw.

    Returns:
        (n, 2), float32, on the CPU.

    Raises:
        UsageError (a ValueError): the name is unknown, num_points is below 1, or seed is out of range.
    """
    if name not in DATASETS:
        raise UsageError(f"there is no data set {name!r}; the data sets are {', '.join(DATASETS)}")
    if num_points < 1:
        raise UsageError(f"num_points must be at least 1; got {num_points}")
    if not 0 <= seed < 2**32:
        raise UsageError(f"seed must be from 0 to 2**32 - 1; got {seed}")
    points = DATASETS[name](num_points, seed)
    if name in NORMALISED:
        mean, std = centre_and_spread(name)
        points = (points - mean) / std * SCALE
    return torch.from_numpy(points.astype(np.float32))
