"""The Chamfer distance: hand values, both ways of working it out, what it refuses."""

import pytest
import torch

from grading.experiment.distances.chamfer import chamfer_distance, nearest_by_tiles


def cloud(n, seed, d=2):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_it_is_the_sum_of_squares_both_ways():
    """0 is 1 from its nearest, 5 is 4 from its nearest: 1 + 16; the other way 1."""
    assert chamfer_distance(torch.tensor([[0.0], [5.0]]), torch.tensor([[1.0]])) == 1 + 16 + 1


@pytest.mark.parametrize("tile_bytes", [1, 5_000, 2**28])
def test_tiles_agree_with_the_tree(tile_bytes):
    """What a device works out equals what the KD-tree finds, whatever the size of a tile."""
    a, b = cloud(301, 0), cloud(17_000, 1)
    tiled = nearest_by_tiles(a, b, tile_bytes).sum() + nearest_by_tiles(b, a, 2**24).sum()
    assert float(tiled) == pytest.approx(chamfer_distance(a, b), rel=1e-12)


def test_a_small_distance_far_from_the_origin_keeps_its_digits():
    a = torch.tensor([[1000.0, 0.0]])
    b = a + torch.tensor([[2.0**-10, 0.0]])
    assert nearest_by_tiles(a, b).item() == 2.0**-20


@pytest.mark.parametrize(
    ("a", "b", "part"),
    [
        (torch.zeros(3), torch.zeros(3, 2), "shape"),
        (torch.zeros(0, 2), torch.zeros(3, 2), "shape"),
        (torch.zeros(3, 2), torch.zeros(3, 1), "dimension"),
        (torch.full((3, 2), torch.nan), torch.zeros(3, 2), "finite"),
        (torch.zeros(3, 2, dtype=torch.int64), torch.zeros(3, 2), "floats"),
    ],
)
def test_what_is_no_cloud_is_refused_by_name(a, b, part):
    with pytest.raises(ValueError, match=part):
        chamfer_distance(a, b)
