import pytest
import torch

one, zero = torch.ones(1, 1), torch.zeros(1, 1)


def test_the_last_step_adds_no_noise(ddpm_step, schedule_of):
    schedule = schedule_of([0.1, 0.2])
    assert ddpm_step(one, 0, zero, schedule, one) == ddpm_step(one, 0, zero, schedule, zero)


def test_the_noise_has_the_posterior_variance(ddpm_step, schedule_of):
    added = ddpm_step(zero, 1, zero, schedule_of([0.5, 0.5]), one)
    assert added.item() ** 2 == pytest.approx((1 - 0.5) / (1 - 0.25) * 0.5, abs=1e-4)


def test_without_noise_one_step_is_undone(ddpm_step, schedule_of):
    assert ddpm_step(one, 1, zero, schedule_of([0.5, 0.75]), zero).item() == pytest.approx(2.0, abs=1e-4)


def test_pure_noise_is_taken_out_at_the_last_step(ddpm_step, schedule_of):
    assert ddpm_step(0.5 * one, 0, one, schedule_of([0.25, 0.5]), zero).item() == pytest.approx(0.0, abs=1e-4)
