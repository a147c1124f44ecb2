import pytest
import torch


def test_what_is_left_multiplies(make_schedule):
    schedule = make_schedule(torch.tensor([0.5, 0.2]))
    assert schedule.alphas_cumprod.tolist() == pytest.approx([0.5, 0.4], abs=1e-5)


def test_the_betas_are_left_alone(make_schedule):
    betas = torch.tensor([0.5, 0.2])
    make_schedule(betas)
    assert betas.tolist() == pytest.approx([0.5, 0.2])
