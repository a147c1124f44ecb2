"""Kata 6. Does it draw? First with the best possible denoiser, in closed form; then with a network that you train."""

import torch

from grading.chamfer import chamfer_distance
from grading.closed_form import DatasetDenoiser
from grading.contract import linear_schedule
from grading.data import make_dataset

POINTS = 1024
# Two independent draws of 1,024 points of the Swiss roll are about 1.6 apart (twice the spacing of 2,048 points); the
# exact denoiser in a right loop comes to 1.3 - 1.8, in a loop with a wrong variance or a wrong end to 5 and more.
NEAR_THE_FLOOR = 3.0


def drawn(sample, device: str, *arguments) -> float:
    """Chamfer distance between fresh data and what the sampler makes of noise with the exact denoiser."""
    schedule = linear_schedule(device=device, dtype=torch.float32)
    generator = torch.Generator(device).manual_seed(3)
    x_T = torch.randn(POINTS, 2, generator=generator, device=device)
    model = DatasetDenoiser(make_dataset("swiss_roll", POINTS, seed=1).to(device), schedule)
    points = sample(model, x_T, schedule, *arguments, generator=generator)
    return chamfer_distance(points, make_dataset("swiss_roll", POINTS, seed=2).to(device))


def test_ddpm_with_the_exact_denoiser_draws_the_swiss_roll(implementation, pytestconfig):
    """No training: the best possible model is known for a finite data set. A right walk ends on the spiral."""
    assert drawn(implementation.ddpm_sample, pytestconfig.getoption("device")) < NEAR_THE_FLOOR


def test_ddim_with_the_exact_denoiser_draws_the_swiss_roll(implementation, pytestconfig):
    """Fifty steps do what a thousand did."""
    assert drawn(implementation.ddim_sample, pytestconfig.getoption("device"), 50) < NEAR_THE_FLOOR
