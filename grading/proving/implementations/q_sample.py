"""2.1 q_sample: x_t = sqrt(alpha_bar_t) x0 + sqrt(1 - alpha_bar_t) noise."""

import torch

from grading.proving.implementations import right, wrong

EXAMPLE = '''
def test_x_t_looks_like_x0(q_sample, schedule_of):
    """Four points of two numbers each stay four points of two numbers each."""
    x0, noise, t = torch.randn(4, 2), torch.randn(4, 2), torch.tensor([0, 1, 2, 0])
    assert q_sample(x0, t, schedule_of([0.1, 0.2, 0.3]), noise).shape == x0.shape
'''


def _column(values, x):
    """(B,) -> (B, 1, ...), as many dims as x has."""
    return values.view(-1, *(1,) * (x.ndim - 1))


def _mixed(alpha_bar, x0, noise):
    return alpha_bar.sqrt() * x0 + (1 - alpha_bar).sqrt() * noise


@right("the paper's own", "it is eq. 4")
def as_the_paper(x0, t, schedule, noise):
    return _mixed(_column(schedule.alphas_cumprod.to(x0)[t], x0), x0, noise)


@right("the one that works in float32", "float32 has seven digits: allow 1e-5")
def in_float32(x0, t, schedule, noise):
    alpha_bar = _column(schedule.alphas_cumprod.float()[t], x0)
    return _mixed(alpha_bar, x0.float(), noise.float()).to(x0.dtype)


@right("the one that goes sample by sample", "a loop over the batch gives the same numbers")
def sample_by_sample(x0, t, schedule, noise):
    kept = schedule.alphas_cumprod.to(x0)[t]
    return torch.stack([_mixed(alpha_bar, x, n) for alpha_bar, x, n in zip(kept, x0, noise)])


@right("the one that takes its roots first", "it has tables of both roots, and indexes those: allow 1e-6")
def roots_first(x0, t, schedule, noise):
    signal = schedule.alphas_cumprod.to(x0) ** 0.5
    spread = (1.0 - signal**2) ** 0.5
    return _column(signal[t], x0) * x0 + _column(spread[t], x0) * noise


@right("the one that flattens each sample", "it works on (B, numbers), and puts the shape back at the end")
def flattened(x0, t, schedule, noise):
    alpha_bar = schedule.alphas_cumprod.to(x0)[t].unsqueeze(1)
    return _mixed(alpha_bar, x0.reshape(len(x0), -1), noise.reshape(len(x0), -1)).reshape(x0.shape)


@right("the one with sine and cosine", "squares that add up to 1 are those of a sine and a cosine: allow 1e-6")
def by_angle(x0, t, schedule, noise):
    angle = _column(schedule.alphas_cumprod.to(x0)[t].sqrt().acos(), x0)
    return angle.cos() * x0 + angle.sin() * noise


@wrong(
    "variance for deviation: the factors are alpha_bar and 1 - alpha_bar, without their roots",
    "If data and noise have variance 1, what is the variance of x_t?",
)
def no_roots(x0, t, schedule, noise):
    alpha_bar = _column(schedule.alphas_cumprod.to(x0)[t], x0)
    return alpha_bar * x0 + (1 - alpha_bar) * noise


@wrong(
    "(B,) against (B, D): each column has its own t, not each sample",
    "Twice as many samples as numbers in each, or as many: does it matter?",
)
def along_the_wrong_axis(x0, t, schedule, noise):
    return _mixed(schedule.alphas_cumprod.to(x0)[t], x0, noise)


@wrong(
    "alpha_t, what one step keeps, where alpha_bar_t is due",
    "In the limit of very many steps, how much is left of x0?",
)
def one_step_only(x0, t, schedule, noise):
    return _mixed(_column(schedule.alphas.to(x0)[t], x0), x0, noise)


@wrong("t - 1 for t: the paper counts from 1, the kata from 0", "At t = 0, how much of x0 is left after one step?")
def off_by_one(x0, t, schedule, noise):
    return _mixed(_column(schedule.alphas_cumprod.to(x0)[(t - 1).clamp(min=0)], x0), x0, noise)


@wrong("the whole batch gets the t of its first sample", "What changes for a sample if its neighbours' t changes?")
def one_t_for_all(x0, t, schedule, noise):
    return _mixed(schedule.alphas_cumprod.to(x0)[t[0]], x0, noise)
