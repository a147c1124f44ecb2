"""How far apart two clouds of points are: the Chamfer distance, exact, near linear in the number of points."""

from __future__ import annotations

import torch
from torch import Tensor

TILE_BYTES = 2**28  # the largest block of distances held at once on a device


def chamfer_distance(a: Tensor, b: Tensor) -> float:
    """Add up, over the points of both clouds, the squared distance to the nearest point of the other.

    CD(a, b) = sum_i min_j |a_i - b_j|^2 + sum_j min_i |b_j - a_i|^2

    A sum, not a mean, as in the course: twice the points on the same curve give about half the distance.

    Args:
        a: (N, D), any float dtype, any device.
        b: (M, D), like a.

    Returns:
        the distance, from 0 up. On the CPU it comes from a KD-tree in float64; on a device by tiles, in the dtype of a.

    Raises:
        ValueError: a cloud is no two-dimensional float tensor, is empty or not finite, or D or the device differ.
    """
    for name, cloud in (("a", a), ("b", b)):
        _check_cloud(name, cloud)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"both clouds must have the same dimension; got {a.shape[1]} and {b.shape[1]}")
    if a.device != b.device:
        raise ValueError(f"both clouds must be on one device; got {a.device} and {b.device}")
    if a.device.type == "cpu":
        return _nearest_by_tree(a, b) + _nearest_by_tree(b, a)
    return float(nearest_by_tiles(a, b).double().sum() + nearest_by_tiles(b, a).double().sum())


def _check_cloud(name: str, cloud: Tensor) -> None:
    if not isinstance(cloud, Tensor) or not cloud.is_floating_point():
        raise ValueError(f"{name} must be a tensor of floats; got {getattr(cloud, 'dtype', type(cloud).__name__)}")
    if cloud.ndim != 2 or 0 in cloud.shape:
        raise ValueError(f"{name} must have shape (points, dimension), neither of them 0; got {tuple(cloud.shape)}")
    if not bool(cloud.isfinite().all()):
        raise ValueError(f"{name} must be finite; {int((~cloud.isfinite()).sum())} of its entries are not")


def _nearest_by_tree(a: Tensor, b: Tensor) -> float:
    """sum_i min_j |a_i - b_j|^2 in float64: O((N + M) log M), memory linear in N + M."""
    from scipy.spatial import KDTree

    tree = KDTree(b.detach().double().numpy())
    distance, _ = tree.query(a.detach().double().numpy(), workers=-1)
    return float((distance**2).sum())


def nearest_by_tiles(a: Tensor, b: Tensor, tile_bytes: int = TILE_BYTES) -> Tensor:
    """min_j |a_i - b_j|^2 for every i, by brute force: O(N M) work, at most about tile_bytes of memory.

    Each coordinate's difference is squared as it is, never expanded into |a|^2 - 2ab + |b|^2: that form loses every
    digit of a small distance.

    Args:
        a: (N, D) floats. b: (M, D), dtype and device of a.
        tile_bytes: room for one tile of differences and one of distances.

    Returns:
        (N,), dtype and device of a.
    """
    columns = min(len(b), 2**14)
    rows = max(1, tile_bytes // (2 * columns * a.element_size()))
    return torch.cat([_nearest_of_rows(part, b, columns) for part in a.detach().split(rows)])


def _nearest_of_rows(a: Tensor, b: Tensor, columns: int) -> Tensor:
    nearest = torch.full_like(a[:, 0], torch.inf)
    for part in b.detach().split(columns):
        square = sum((a[:, d, None] - part[None, :, d]).square_() for d in range(a.shape[1]))
        nearest = torch.minimum(nearest, square.amin(dim=1))
    return nearest
