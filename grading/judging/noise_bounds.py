"""How closely the noise of a sampler is measured.

A noisy walk is judged by what its steps add, divided by sigma: standard normal numbers if all is well. Every bound is
SIGMAS standard errors wide. How often they fail right code, and what they catch, is worked out in soak.py.
"""

from __future__ import annotations

import math

from grading.judging.compare import Tolerance

POINTS = 20_000  # samples in a walk, of two dims each: 40,000 standard normal numbers in each step
NUMBERS = 2 * POINTS
SIGMAS = 6.0
WIDTHS = (1, 2, 3)  # the shares of a normal distribution within 1, 2 and 3 sigma: 68, 95 and 99.7 %
CORRELATION = SIGMAS / POINTS**0.5


def within(count: int, spread: float = 1.0) -> Tolerance:
    """SIGMAS standard errors of the mean of `count` independent numbers whose standard deviation is `spread`."""
    return Tolerance(0.0, SIGMAS * spread / count**0.5)


def within_variance(count: int) -> Tolerance:
    """For the mean square of `count` standard normal numbers; a square has the standard deviation sqrt(2)."""
    return within(count, 2**0.5)


def share(width: float) -> float:
    """The part of a normal distribution that lies within `width` sigma of its mean."""
    return math.erf(width / 2**0.5)


def within_share(count: int, width: float) -> Tolerance:
    """For the part of `count` numbers that lie within `width` sigma: each does or does not."""
    return within(count, (share(width) * (1 - share(width))) ** 0.5)
