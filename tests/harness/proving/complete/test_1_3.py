import math

import pytest


def test_half_is_left_half_way(cosine_beta_schedule):
    assert cosine_beta_schedule(2, s=0.0).tolist() == pytest.approx([0.5, 0.999], abs=1e-4)


def test_the_clip_can_be_chosen(cosine_beta_schedule):
    assert cosine_beta_schedule(10, max_beta=0.7).max().item() == pytest.approx(0.7, abs=1e-4)


def test_the_offset_counts(cosine_beta_schedule):
    first = cosine_beta_schedule(4, s=0.2)[0].item()
    assert first == pytest.approx(
        1 - (math.cos(0.45 / 1.2 * math.pi / 2) / math.cos(0.2 / 1.2 * math.pi / 2)) ** 2, abs=1e-4
    )


def test_betas_only_grow(cosine_beta_schedule):
    betas = cosine_beta_schedule(10)
    assert (betas.diff() > 0).all()
    assert betas[0] > 0
