"""The distance that sees density: exact where it can be worked out, and what it sees that Chamfer does not."""

import math

import pytest
import torch

from grading.experiment.data import make_dataset
from grading.experiment.distances.chamfer import chamfer_distance
from grading.experiment.distances.sliced_wasserstein import SlicedWasserstein, reference, wasserstein_floor

N = 512


def test_a_shift_is_worth_its_length_along_the_average_direction():
    """Every projection is moved by shift . u, whose mean square over directions is |shift|^2 / 2."""
    points = make_dataset("swiss_roll", N, 0)
    assert SlicedWasserstein(points)(points) == 0
    assert SlicedWasserstein(points)(points + torch.tensor([3.0, 4.0])) == pytest.approx(5 / math.sqrt(2), rel=1e-5)


def test_each_point_answers_for_its_share_of_a_larger_reference():
    points = torch.tensor([[0.0, 0.0], [10.0, 0.0]])
    assert SlicedWasserstein(points.repeat(3, 1))(points) == 0
    assert SlicedWasserstein(points.repeat(3, 1))(points.flip(0)) == 0


def test_it_sees_density_where_chamfer_sees_jitter():
    """Too many points in the upper half; then every point a little beside the curve."""
    distance, floor = reference("swiss_roll", N, 1), wasserstein_floor("swiss_roll", N)
    fair, other, many = (make_dataset("swiss_roll", n, seed) for n, seed in ((N, 2), (N, 3), (4 * N, 4)))
    generator = torch.Generator().manual_seed(5)
    crowded = many[torch.multinomial(1.0 + (many[:, 1] > 0), N, generator=generator)]
    jittered = fair + 0.05 * torch.randn(fair.shape, generator=generator)
    assert distance(crowded) > floor.mean + 5 * floor.noise
    assert abs(distance(jittered) - distance(fair)) < floor.noise
    assert chamfer_distance(crowded, other) < 2 * chamfer_distance(fair, other)
    assert chamfer_distance(jittered, other) > 2 * chamfer_distance(fair, other)


def test_the_floor_is_what_fresh_data_have():
    floor = wasserstein_floor("swiss_roll", N)
    fresh = [reference("swiss_roll", N, 50 + i)(make_dataset("swiss_roll", N, 90 + i)) for i in range(10)]
    assert abs(sum(fresh) / len(fresh) - floor.mean) < 2 * floor.noise
    assert floor == wasserstein_floor("swiss_roll", N)
