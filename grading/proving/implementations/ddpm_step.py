"""4.1 ddpm_step: one ancestral step, with the posterior variance; at t = 0 the mean alone."""

import torch

from grading.proving.implementations import right, wrong

EXAMPLE = '''
def test_the_step_keeps_the_shape(ddpm_step, schedule_of):
    """Four points of two numbers each stay four points of two numbers each."""
    x, eps, noise = torch.randn(4, 2), torch.randn(4, 2), torch.randn(4, 2)
    assert ddpm_step(x, 1, eps, schedule_of([0.1, 0.2, 0.3]), noise).shape == x.shape
'''


def _tables(schedule, t, like):
    """beta_t, alpha_t, alpha_bar_t, and alpha_bar of t - 1, which is 1 before the first step."""
    bar = schedule.alphas_cumprod.to(like)
    return schedule.betas[t].to(like), schedule.alphas[t].to(like), bar[t], bar[t - 1] if t else torch.ones_like(bar[0])


def _mean(x_t, t, eps, schedule):
    beta, alpha, bar, _ = _tables(schedule, t, x_t)
    return (x_t - beta / (1 - bar).sqrt() * eps) / alpha.sqrt()


def _variance(x_t, t, schedule):
    beta, _, bar, before = _tables(schedule, t, x_t)
    return beta * (1 - before) / (1 - bar)


@right("the paper's own", "it is algorithm 2 with eq. 7")
def as_the_paper(x_t, t, eps, schedule, noise):
    mean = _mean(x_t, t, eps, schedule)
    return mean if t == 0 else mean + _variance(x_t, t, schedule).sqrt() * noise


@right("the one that guesses x0 first", "eq. 7 with x0 put in is eq. 11, rounded otherwise: allow 1e-5")
def by_way_of_x0(x_t, t, eps, schedule, noise):
    beta, alpha, bar, before = _tables(schedule, t, x_t)
    x0 = (x_t - (1 - bar).sqrt() * eps) / bar.sqrt()
    mean = (before.sqrt() * beta * x0 + alpha.sqrt() * (1 - before) * x_t) / (1 - bar)
    return mean + (beta * (1 - before) / (1 - bar)).sqrt() * noise * (t > 0)


@right("the one that works in float32", "float32 has seven digits, and 1 - alpha_bar costs some: allow 1e-3")
def in_float32(x_t, t, eps, schedule, noise):
    return as_the_paper(x_t.float(), t, eps.float(), schedule, noise.float()).to(x_t.dtype)


@right("the one with three factors", "x_t, eps and noise times one number each: the same sum, regrouped: allow 1e-6")
def three_factors(x_t, t, eps, schedule, noise):
    beta, alpha, bar, before = _tables(schedule, t, x_t)
    of_eps = -beta / (alpha * (1 - bar)).sqrt()
    return x_t / alpha.sqrt() + of_eps * eps + (0 if t == 0 else (beta * (1 - before) / (1 - bar)).sqrt()) * noise


@right("the one that takes the exp of half a log variance", "exp(log(v) / 2) is the root of v: allow 1e-6")
def by_log_variance(x_t, t, eps, schedule, noise):
    spread = torch.exp(0.5 * _variance(x_t, t, schedule).log()) if t > 0 else 0.0
    return _mean(x_t, t, eps, schedule) + spread * noise


@wrong(
    "sigma^2 = beta, which the paper allows too; this task asks for beta~, the posterior variance",
    "How uncertain can x_{t-1} be? The step from t = 1, say, with beta_0 very small.",
)
def variance_beta(x_t, t, eps, schedule, noise):
    mean = _mean(x_t, t, eps, schedule)
    return mean if t == 0 else mean + schedule.betas[t].to(x_t).sqrt() * noise


@wrong("noise at t = 0, as in every other step", "What does the last step, t = 0, do with its noise?")
def noise_at_the_end(x_t, t, eps, schedule, noise):
    bar = schedule.alphas_cumprod.to(x_t)
    variance = schedule.betas[t].to(x_t) * (1 - bar[t - 1]) / (1 - bar[t])
    return _mean(x_t, t, eps, schedule) + variance.sqrt() * noise


@wrong(
    "variance for deviation: the noise is multiplied by beta~, not by its root",
    "What is the variance of the result, if nothing but the noise is random?",
)
def no_root(x_t, t, eps, schedule, noise):
    mean = _mean(x_t, t, eps, schedule)
    return mean if t == 0 else mean + _variance(x_t, t, schedule) * noise


@wrong(
    "the root of alpha_bar_t divides, where alpha_t undoes one step", "Without any noise, what did one step do to x?"
)
def undoes_all(x_t, t, eps, schedule, noise):
    beta, _, bar, _ = _tables(schedule, t, x_t)
    mean = (x_t - beta / (1 - bar).sqrt() * eps) / bar.sqrt()
    return mean if t == 0 else mean + _variance(x_t, t, schedule).sqrt() * noise


@wrong(
    "beta_t / (1 - alpha_bar_t) in front of eps: its root is missing",
    "If x_0 was 0 and x_t is pure noise, and eps knows it: what is the mean at t = 0?",
)
def eps_without_root(x_t, t, eps, schedule, noise):
    beta, alpha, bar, _ = _tables(schedule, t, x_t)
    mean = (x_t - beta / (1 - bar) * eps) / alpha.sqrt()
    return mean if t == 0 else mean + _variance(x_t, t, schedule).sqrt() * noise
