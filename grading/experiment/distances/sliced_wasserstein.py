"""How far apart two clouds of points are, density included: the sliced Wasserstein distance.

The Chamfer distance asks how far the nearest neighbour is, and so does not mind where points crowd and where they are
few. This one asks how far points would have to be moved to make one cloud of the other. What it does not see: a little
jitter of every point, and a few strays, which hardly change what has to be moved.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from torch import Tensor

from grading.experiment.data import make_dataset

DIRECTIONS = 32
REFERENCE = 8  # times as many points in the reference as in a cloud: most of the noise is then the cloud's own
FLOOR_REFERENCES, FLOOR_CLOUDS = 4, 5


class SlicedWasserstein:
    """Distance to a reference cloud, sorted once.

    SW2(a, b)^2 = mean over directions u of W2(a u, b u)^2; on a line, W2 pairs the sorted points.

    Args:
        reference: (k n, 2), floats; clouds of n points are measured against it.
    """

    def __init__(self, reference: Tensor) -> None:
        angle = np.arange(DIRECTIONS) * np.pi / DIRECTIONS
        self.directions = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        self.sorted = self._along(reference)

    def __call__(self, cloud: Tensor) -> float:
        """The distance of a cloud (n, 2), in the unit of the data."""
        along = self._along(cloud)
        neighbours = self.sorted.reshape(*along.shape, -1)  # on a line, each point answers for k of the reference
        return float(np.sqrt(np.square(along[:, :, None] - neighbours).mean()))

    def _along(self, cloud: Tensor) -> np.ndarray:
        return np.sort(self.directions @ cloud.detach().cpu().double().numpy().T, axis=1)


@dataclass(frozen=True)
class Floor:
    """What fresh data are apart from the reference: mean and standard deviation over draws."""

    mean: float
    noise: float


def reference(dataset: str, num_points: int, seed: int) -> SlicedWasserstein:
    """What clouds of num_points are measured with: a fresh, large draw of the data."""
    return SlicedWasserstein(make_dataset(dataset, REFERENCE * num_points, seed))


@cache
def wasserstein_floor(dataset: str, num_points: int) -> Floor:
    """The distance that perfect samples would have. Always the same draws."""
    found = [
        distance(make_dataset(dataset, num_points, 2000 + 10 * i + j))
        for i in range(FLOOR_REFERENCES)
        for distance in [reference(dataset, num_points, 1900 + i)]
        for j in range(FLOOR_CLOUDS)
    ]
    return Floor(float(np.mean(found)), float(np.std(found, ddof=1)))
