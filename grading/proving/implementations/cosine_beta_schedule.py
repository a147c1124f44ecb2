"""1.3 cosine_beta_schedule: alpha_bar along a squared cosine, the betas from the ratio of neighbours."""

import math

import torch

from grading.proving.implementations import right, wrong

EXAMPLE = '''
def test_there_is_one_beta_for_each_step(cosine_beta_schedule):
    """Ten steps have ten betas."""
    assert cosine_beta_schedule(10).shape == (10,)
'''


def check(num_timesteps, s=0.008, max_beta=0.999):
    if num_timesteps < 1:
        raise ValueError("num_timesteps must be at least 1")


def _cosine(num_timesteps, s):
    u = torch.arange(num_timesteps + 1, dtype=torch.float64) / num_timesteps
    return torch.cos((u + s) / (1 + s) * math.pi / 2)


def _betas(alpha_bar, max_beta):
    return (1 - alpha_bar[1:] / alpha_bar[:-1]).clamp(max=max_beta).to(torch.get_default_dtype())


@right("the one that follows the paper line by line", "it is eq. 17: allow 1e-6")
def as_the_paper(num_timesteps, s=0.008, max_beta=0.999):
    f = _cosine(num_timesteps, s) ** 2
    return _betas(f / f[0], max_beta)


@right("the one with sines", "cos^2 a - cos^2 b = sin(b - a) sin(b + a), in float32 throughout: allow 1e-4")
def with_sines(num_timesteps, s=0.008, max_beta=0.999):
    angles = (torch.arange(num_timesteps + 1) / num_timesteps + s) / (1 + s) * math.pi / 2
    now, then = angles[:-1], angles[1:]
    step = math.pi / 2 / (1 + s) / num_timesteps
    return (math.sin(step) * torch.sin(now + then) / torch.cos(now) ** 2).clamp(max=max_beta)


@right("the one that loops in plain Python", "a loop gives the same numbers: allow 1e-6")
def by_loop(num_timesteps, s=0.008, max_beta=0.999):
    def f(u):
        return math.cos((u / num_timesteps + s) / (1 + s) * math.pi / 2) ** 2

    return torch.tensor([min(1 - f(t + 1) / f(t), max_beta) for t in range(num_timesteps)])


@right("the one that halves 1 + cos of twice the angle", "cos^2 a = (1 + cos 2a) / 2: allow 1e-6")
def by_double_angle(num_timesteps, s=0.008, max_beta=0.999):
    u = torch.linspace(0, 1, num_timesteps + 1, dtype=torch.float64)
    return _betas((1 + torch.cos((u + s) / (1 + s) * math.pi)) / 2, max_beta)


@right("the one that takes what each step removes", "(f(t) - f(t + 1)) / f(t) is 1 - f(t + 1) / f(t): allow 1e-6")
def by_what_is_removed(num_timesteps, s=0.008, max_beta=0.999):
    f = _cosine(num_timesteps, s) ** 2
    removed = -f.diff() / f[:-1]
    return torch.minimum(removed, torch.full_like(removed, max_beta)).to(torch.get_default_dtype())


@wrong("nothing is clipped: the last beta reaches 1", "What do you know of the last beta?")
def not_clipped(num_timesteps, s=0.008, max_beta=0.999):
    return _betas(_cosine(num_timesteps, s) ** 2, 1.0)


@wrong("the cosine was never squared", "With s = 0 and T = 2, what is cos(pi/4)^2, and the first beta?")
def not_squared(num_timesteps, s=0.008, max_beta=0.999):
    return _betas(_cosine(num_timesteps, s), max_beta)


@wrong("alpha_bar, where its betas are due", "Does a step add more noise than the one before it?")
def alpha_bar(num_timesteps, s=0.008, max_beta=0.999):
    f = _cosine(num_timesteps, s) ** 2
    return (f / f[0])[1:].clamp(max=max_beta).to(torch.get_default_dtype())


@wrong("the offset s is left out", "Does the answer depend on every argument?")
def no_offset(num_timesteps, s=0.008, max_beta=0.999):
    return _betas(_cosine(num_timesteps, 0.0) ** 2, max_beta)


@wrong("one step late: the first beta is 0, and the last step is missing", "Does the very first step add any noise?")
def one_step_late(num_timesteps, s=0.008, max_beta=0.999):
    f = _cosine(num_timesteps, s) ** 2
    return _betas(torch.cat([f[:1], f[:-1]]), max_beta)
