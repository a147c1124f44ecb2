import pytest
import torch

ARGUMENTS = torch.ones(4, 3), torch.tensor([0, 1, 2, 0])


def test_an_error_of_two_everywhere_costs_four(ddpm_loss, schedule_of):
    (x0, t), noise = ARGUMENTS, torch.randn(4, 3)
    loss = ddpm_loss(lambda x_t, t: noise + 2, x0, t, schedule_of([0.1, 0.2, 0.3]), noise)
    assert loss.item() == pytest.approx(4.0, abs=1e-4)


def test_the_model_sees_noise_in_x_t(ddpm_loss, schedule_of):
    (x0, t), seen = ARGUMENTS, []
    ddpm_loss(lambda x_t, t: seen.append(x_t) or 0 * x_t, x0, t, schedule_of([0.1, 0.2, 0.3]), 0 * x0)
    assert seen[0][0, 0].item() == pytest.approx(0.9**0.5, abs=1e-5)


def test_a_gradient_reaches_the_model(ddpm_loss, schedule_of):
    (x0, t), weight = ARGUMENTS, torch.ones((), requires_grad=True)
    ddpm_loss(lambda x_t, t: weight * x_t, x0, t, schedule_of([0.1, 0.2, 0.3]), 0 * x0).backward()
    assert weight.grad > 0
