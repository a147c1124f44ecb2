"""Run the suites on right code with many seeds, and work out how often they may fail it and what they catch.

`python -m grading.suites.soak --seeds 200` runs the suites on the solutions with seeds 1 to 200.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterable

from scipy import special

from grading.judging.conditions import factors
from grading.judging.conditions.arguments import MOST_DIMS
from grading.judging.conditions.walks import ENOUGH, LARGEST, SURE
from grading.judging.noise_bounds import (
    CORRELATION,
    NUMBERS,
    POINTS,
    SIGMAS,
    WIDTHS,
    share,
    within_share,
    within_variance,
)
from grading.suites.board import Outcome
from grading.suites.runner import run_suites

NOISY_STEPS = {"ddpm_sample": 9, "ddim_sample": 4}  # steps that add noise in the walks of the suites


def soak(
    seeds: Iterable[int], impl: str = "solutions", on_seed: Callable[[int], None] | None = None
) -> dict[int, list[Outcome]]:
    """Run the suites once for each seed; return the seeds with failures, and what failed."""
    failures: dict[int, list[Outcome]] = {}
    for seed in seeds:
        failed = [o for o in run_suites(impl, "--seed", str(seed)) if o.status != "passed"]
        if failed:
            failures[seed] = failed
        if on_seed:
            on_seed(seed)
    return failures


def false_alarm_rate(steps: int) -> float:
    """An upper bound for the chance that a right walk with `steps` noisy steps fails one of its tests.

    The sum over all that is compared (the union bound) of exact tails: the mean is normal, the sum of squares is
    chi-squared, a count is binomial, and the correlation r of n independent pairs of normal numbers makes
    r * sqrt((n - 2) / (1 - r^2)) follow Student's t with n - 2 degrees of freedom.
    """
    total = NUMBERS * steps
    means = steps * 2 * special.ndtr(-SIGMAS)
    squares = steps * _outside_variance(NUMBERS) + _outside_variance(total)
    t = CORRELATION * ((POINTS - 2) / (1 - CORRELATION**2)) ** 0.5
    correlations = math.comb(2 * steps, 2) * 2 * special.stdtr(POINTS - 2, -t)
    return float(means + squares + correlations + sum(_outside_share(total, width) for width in WIDTHS))


def followed_alarm_rate() -> float:
    """The same for the walks that are followed from step to step, under every condition and over a thousand steps.

    What is compared (judging/conditions/walks.py): the mean square of every step, every number, and any two steps, two
    samples and two entries of a sample, whose numbers all agree in four digits. Two such numbers agree with a chance
    of at most 1e-4 / sqrt(pi).
    """
    long = (999, 64, 2)  # steps, samples, entries of a sample
    rows = [row for function in NOISY_STEPS for row in factors.rows(function)]
    wide = (9, max(row["batch"] for row in rows), MOST_DIMS)  # none of them has more
    return 2 * len(NOISY_STEPS) * _of_one_walk(*long) + len(rows) * _of_one_walk(*wide)


def _of_one_walk(*shape: int) -> float:
    steps, agree = shape[0], 1e-4 / math.pi**0.5
    alike = sum(math.comb(count, 2) for count in shape) * agree**ENOUGH
    return steps * 2 * math.exp(-SURE) + math.prod(shape) * 2 * float(special.ndtr(-LARGEST)) + alike


def _outside_variance(count: int) -> float:
    gap = within_variance(count).atol
    return special.chdtr(count, count * (1 - gap)) + special.chdtrc(count, count * (1 + gap))


def _outside_share(count: int, width: float) -> float:
    gap, expected = count * within_share(count, width).atol, count * share(width)
    low, high = math.ceil(expected - gap), math.floor(expected + gap)
    return special.bdtr(low - 1, count, share(width)) + special.bdtrc(high, count, share(width))


def smallest_error_caught(count: int, probability: float = 0.999) -> float:
    """The smallest relative error of sigma, up or down, that the mean of `count` squares shows with this probability.

    With sigma (1 + d) in place of sigma, the sum of squares is (1 + d)^2 times a chi-squared number. It lies beyond the
    bound with the wanted probability if the matching quantile q does: (1 + d)^2 q = count (1 + gap) above, and
    (1 - d)^2 q = count (1 - gap) below.
    """
    gap = within_variance(count).atol
    up = (count * (1 + gap) / special.chdtri(count, probability)) ** 0.5 - 1
    down = 1 - (count * (1 - gap) / special.chdtri(count, 1 - probability)) ** 0.5
    return float(max(up, down))


def stated() -> list[str]:
    """The two sides of the moment tests, a line each."""
    rate = sum(false_alarm_rate(steps) for steps in NOISY_STEPS.values()) + followed_alarm_rate()
    one, every = smallest_error_caught(NUMBERS), {k: smallest_error_caught(n * NUMBERS) for k, n in NOISY_STEPS.items()}
    shown = ", ".join(f"{error:.1%} ({name})" for name, error in every.items())
    return [
        f"false alarms: below {rate:.1g} a run (union bound over exact tails, all noisy walks)",
        f"power: an error of sigma of {one:.1%} in one step, or in every step of {shown}, is caught with p = 0.999",
    ]


def main(arguments: list[str] | None = None) -> int:
    from rich.progress import track

    parser = argparse.ArgumentParser(prog="python -m grading.suites.soak", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds (default 200)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (default 1)")
    parser.add_argument("--impl", default="solutions", help="whose code: a name or a folder (default solutions)")
    options = parser.parse_args(arguments)
    if options.seeds < 1 or options.first < 0:
        parser.error(f"--seeds must be 1 or more and --first 0 or more; got {options.seeds} and {options.first}")
    seeds = range(options.first, options.first + options.seeds)
    failures = soak(track(seeds, description="suites"), options.impl)
    for seed, outcomes in failures.items():
        for outcome in outcomes:
            print(f"seed {seed}: {outcome.test}\n{outcome.message}\n")
    print(f"seeds soaked {len(seeds)} with {sum(map(len, failures.values()))} failures")
    print(*stated(), sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
