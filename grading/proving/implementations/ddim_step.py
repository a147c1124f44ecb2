"""5.2 ddim_step: guess x0, then jump to t_prev, with fresh noise as eta says."""

import torch

from grading.proving.implementations import right, wrong

EXAMPLE = '''
def test_the_step_keeps_the_shape(ddim_step, schedule_of):
    """Four points of two numbers each stay four points of two numbers each."""
    x, eps = torch.randn(4, 2), torch.randn(4, 2)
    assert ddim_step(x, 2, 0, eps, schedule_of([0.1, 0.2, 0.3])).shape == x.shape
'''


def check(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    if eta > 0 and noise is None:
        raise ValueError("noise must be given when eta is above 0")


def _bars(schedule, t, t_prev, like):
    """alpha_bar of t and of t_prev, which is 1 after the last step."""
    bar = schedule.alphas_cumprod.to(like)
    return bar[t], bar[t_prev] if t_prev >= 0 else torch.ones_like(bar[0])


def _x0(x_t, eps, bar):
    return (x_t - (1 - bar).sqrt() * eps) / bar.sqrt()


def _sigma(bar, bar_prev, eta):
    return eta * ((1 - bar_prev) / (1 - bar) * (1 - bar / bar_prev)).sqrt()


def _jump(x_t, eps, bar, bar_prev, sigma, noise):
    fresh = 0.0 if noise is None else sigma * noise
    return bar_prev.sqrt() * _x0(x_t, eps, bar) + (1 - bar_prev - sigma**2).clamp(min=0).sqrt() * eps + fresh


@right("the paper's own", "it is eq. 12 with eq. 16")
def as_the_paper(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    bar, bar_prev = _bars(schedule, t, t_prev, x_t)
    return _jump(x_t, eps, bar, bar_prev, _sigma(bar, bar_prev, eta), noise if eta else None)


@right("the one with three factors", "x_t, eps and noise times one number each: the same sum, regrouped: allow 1e-5")
def three_factors(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    bar, bar_prev = _bars(schedule, t, t_prev, x_t)
    sigma, ratio = _sigma(bar, bar_prev, eta), (bar_prev / bar).sqrt()
    of_eps = (1 - bar_prev - sigma**2).sqrt() - ratio * (1 - bar).sqrt()
    moved = ratio * x_t + of_eps * eps
    return moved if noise is None or eta == 0 else moved + sigma * noise


@right("the one that works in float32", "float32 has seven digits: allow 1e-5")
def in_float32(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    bar, bar_prev = _bars(schedule, t, t_prev, x_t)
    sigma, ratio = _sigma(bar, bar_prev, eta), (bar_prev / bar).sqrt()
    of_eps = (1 - bar_prev - sigma**2).clamp(min=0).sqrt() - ratio * (1 - bar).sqrt()
    moved = ratio.float() * x_t.float() + of_eps.float() * eps.float()
    moved = moved if noise is None or eta == 0 else moved + sigma.float() * noise.float()
    return moved.to(x_t.dtype)


@right(
    "the one that reckons with tables one longer", "a 1 put in front of alpha_bar, and t_prev + 1 as index: allow 1e-6"
)
def longer_tables(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    bars = schedule.alphas_cumprod.to(x_t)
    bars = torch.cat([torch.ones_like(bars[:1]), bars])
    bar, bar_prev = bars[t + 1], bars[t_prev + 1]
    return _jump(x_t, eps, bar, bar_prev, _sigma(bar, bar_prev, eta), noise if eta > 0 else None)


@right("the one that goes by signal and noise", "roots of alpha_bar and of 1 - alpha_bar are as good: allow 1e-6")
def by_signal_and_noise(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    bar, bar_prev = _bars(schedule, t, t_prev, x_t)
    spread, spread_prev = (1 - bar).sqrt(), (1 - bar_prev).sqrt()
    sigma = eta * spread_prev / spread * (1 - bar / bar_prev).sqrt()
    toward = (spread_prev**2 - sigma**2).clamp(min=0).sqrt() * eps
    moved = (x_t - spread * eps) * (bar_prev.sqrt() / bar.sqrt()) + toward
    return moved + sigma * noise if eta > 0 else moved


@wrong("t - 1 for t_prev: wrong as soon as a stride is longer than 1", "What if t_prev is far from t?")
def one_back(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    return as_the_paper(x_t, t, t - 1, eps, schedule, eta, noise)


@wrong(
    "after the last step alpha_bar is 1, and alphas_cumprod[-1] is the last entry, nearly 0",
    "The last jump, to t_prev = -1: what comes out if eps is exactly the noise that went in?",
)
def last_entry(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    bar = schedule.alphas_cumprod.to(x_t)
    sigma = torch.nan_to_num(_sigma(bar[t], bar[t_prev], eta)) if t_prev >= 0 else torch.zeros_like(bar[0])
    return _jump(x_t, eps, bar[t], bar[t_prev], sigma, noise if eta else None)


@wrong(
    "wrong for eta > 0: eps keeps all its share, and does not make room for the fresh noise",
    "If x0, eps and noise are independent, what is the variance at t_prev, for any eta?",
)
def makes_no_room(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    bar, bar_prev = _bars(schedule, t, t_prev, x_t)
    moved = _jump(x_t, eps, bar, bar_prev, torch.zeros_like(bar), None)
    return moved if noise is None or eta == 0 else moved + _sigma(bar, bar_prev, eta) * noise


@wrong("eta and noise are ignored: always DDIM's own path", "Does the answer depend on every argument?")
def ignores_eta(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    return as_the_paper(x_t, t, t_prev, eps, schedule)


@wrong(
    "variance for deviation: the fresh noise is multiplied by sigma^2",
    "With eta = 1 and t_prev = t - 1, which step that you know has the same noise?",
)
def squared_sigma(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    bar, bar_prev = _bars(schedule, t, t_prev, x_t)
    sigma = _sigma(bar, bar_prev, eta)
    moved = _jump(x_t, eps, bar, bar_prev, sigma, None)
    return moved if noise is None or eta == 0 else moved + sigma**2 * noise
