import pytest
import torch


@pytest.mark.parametrize(("first", "last"), [(0.04, 0.64), (0.1, 0.2)])
def test_both_ends_are_met(quadratic_beta_schedule, first, last):
    betas = quadratic_beta_schedule(5, first, last)
    assert betas[[0, -1]].tolist() == pytest.approx([first, last], abs=1e-5)


def test_the_roots_are_evenly_spaced(quadratic_beta_schedule):
    gaps = quadratic_beta_schedule(9, 0.04, 0.64).sqrt().diff()
    assert torch.allclose(gaps, gaps[:1].expand(8), atol=1e-5)
