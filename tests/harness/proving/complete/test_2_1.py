import pytest
import torch


def test_the_variances_add_up_to_one(q_sample, schedule_of):
    one, zero, t = torch.ones(3, 1), torch.zeros(3, 1), torch.arange(3)
    schedule = schedule_of([0.5, 0.3, 0.2])
    squares = q_sample(one, t, schedule, zero) ** 2 + q_sample(zero, t, schedule, one) ** 2
    assert torch.allclose(squares, one, atol=1e-5)


def test_a_quarter_is_left_after_two_halves(q_sample, schedule_of):
    x0, t = torch.full((1, 1), 2.0), torch.tensor([1])
    assert q_sample(x0, t, schedule_of([0.5, 0.5, 0.1]), 0 * x0).item() == pytest.approx(1.0, abs=1e-5)


def test_each_sample_has_its_own_t(q_sample, schedule_of):
    x0, schedule = torch.ones(2, 2), schedule_of([0.19, 0.5])
    x_t = q_sample(x0, torch.tensor([0, 1]), schedule, 0 * x0)
    assert torch.allclose(x_t[0], torch.full((2,), 0.9), atol=1e-5)
    assert torch.allclose(x_t[:, 0], x_t[:, 1])
    assert x_t[1, 0] < 0.8
