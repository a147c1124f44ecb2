"""The data sets: the same draw for the same seed, the course's scale, no global generator touched."""

import numpy as np
import pytest
import torch

from grading.experiment import data
from grading.experiment.data import DATASETS, NORMALISED, make_dataset
from grading.submission.errors import UsageError


@pytest.mark.parametrize("name", DATASETS)
def test_only_the_seed_decides(name):
    before, state = torch.get_rng_state(), np.random.get_state()[1].copy()
    first, again, other = (make_dataset(name, 500, seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == (500, 2)
    assert first.dtype == torch.float32
    assert torch.equal(before, torch.get_rng_state())
    assert (state == np.random.get_state()[1]).all()


@pytest.mark.parametrize("name", sorted(NORMALISED))
def test_a_normalised_set_has_mean_0_and_deviation_2(name):
    points = make_dataset(name, 50_000, 3)
    assert abs(float(points.mean())) < 0.05
    assert abs(float(points.std()) - 2) < 0.05


@pytest.mark.parametrize(("name", "n", "seed"), [("spiral", 1, 0), ("circle", 0, 0), ("circle", 1, -1)])
def test_a_wrong_argument_is_one_sentence(name, n, seed):
    with pytest.raises(UsageError) as caught:
        make_dataset(name, n, seed)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("num_points", "seed"), [(1, 0), (7, 3), (2048, 1000), (5000, 2**32 - 1)])
def test_the_curves_are_scikit_learn_s_number_for_number(num_points, seed):
    datasets = pytest.importorskip("sklearn.datasets", reason="needs pip install -e '.[dev]'")
    roll, _ = datasets.make_swiss_roll(num_points, noise=0.0, random_state=seed, hole=True)
    curve, _ = datasets.make_s_curve(num_points, noise=0.0, random_state=seed)
    np.testing.assert_array_equal(data.swiss_roll(num_points, seed), roll[:, [0, 2]])
    np.testing.assert_array_equal(data.s_curve(num_points, seed), curve[:, [0, 2]])
