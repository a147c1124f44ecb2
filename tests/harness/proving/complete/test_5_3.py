import pytest
import torch

BETAS = [0.1, 0.2, 0.3, 0.4]


def nothing(x_t, t):
    return 0 * x_t


def test_the_model_is_asked_at_each_timestep_of_the_list(ddim_sample, schedule_of):
    seen = []
    ddim_sample(lambda x_t, t: seen.append(t.tolist()) or 0 * x_t, torch.randn(1, 2), schedule_of(BETAS), 2)
    assert seen == [[2], [0]]


def test_with_no_noise_predicted_x_grows_by_all_of_alpha_bar(ddim_sample, schedule_of):
    x = torch.ones(1, 1)
    grown = ddim_sample(nothing, x, schedule_of(BETAS), 2).item()
    assert grown == pytest.approx((0.9 * 0.8 * 0.7) ** -0.5, abs=1e-4)


def test_with_eta_two_walks_differ(ddim_sample, schedule_of):
    x = torch.randn(1, 2)
    first, second = (ddim_sample(nothing, x, schedule_of(BETAS), 2, 1.0) for _ in range(2))
    assert not torch.equal(first, second)


def test_equal_generators_give_equal_walks(ddim_sample, schedule_of):
    x, schedule = torch.randn(1, 2), schedule_of(BETAS)
    first, second = (ddim_sample(nothing, x, schedule, 2, 1.0, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, second)
