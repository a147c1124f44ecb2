import pytest
import torch

one, zero = torch.ones(1, 1), torch.zeros(1, 1)
BETAS = [0.5, 0.2, 0.5]  # alpha_bar is 0.5, 0.4, 0.2


def test_after_the_last_jump_x0_is_left(ddim_step, schedule_of):
    x_t = 0.5**0.5 * 3 * one + 0.5**0.5 * one
    assert ddim_step(x_t, 0, -1, one, schedule_of(BETAS)).item() == pytest.approx(3.0, abs=1e-4)


def test_a_jump_without_noise_lands_on_the_way_of_q_sample(ddim_step, schedule_of):
    x_t = 0.2**0.5 * 3 * one + 0.8**0.5 * one
    assert ddim_step(x_t, 2, 0, one, schedule_of(BETAS)).item() == pytest.approx(4 * 0.5**0.5, abs=1e-4)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_the_variances_add_up_to_one(ddim_step, schedule_of, eta):
    schedule = schedule_of(BETAS)
    parts = [
        ddim_step(0.2**0.5 * a * one + 0.8**0.5 * b * one, 2, 0, b * one, schedule, eta, c * one)
        for a, b, c in ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    ]
    assert sum(part.item() ** 2 for part in parts) == pytest.approx(1.0, abs=1e-4)


def test_eta_one_has_the_noise_of_a_ddpm_step(ddim_step, schedule_of):
    added = ddim_step(zero, 2, 1, zero, schedule_of(BETAS), 1.0, one)
    assert added.item() ** 2 == pytest.approx((1 - 0.4) / (1 - 0.2) * 0.5, abs=1e-4)
