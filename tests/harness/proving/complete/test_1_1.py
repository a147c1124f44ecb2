import pytest
import torch


def test_both_ends_are_met(linear_beta_schedule):
    betas = linear_beta_schedule(7, 0.1, 0.4)
    assert betas[0].item() == pytest.approx(0.1, abs=1e-5)
    assert betas[-1].item() == pytest.approx(0.4, abs=1e-5)


def test_the_gaps_are_equal(linear_beta_schedule):
    gaps = linear_beta_schedule(7, 0.1, 0.4).diff()
    assert torch.allclose(gaps, gaps[:1].expand(6), atol=1e-5)


def test_the_default_dtype(linear_beta_schedule):
    assert linear_beta_schedule(3).dtype == torch.get_default_dtype()
