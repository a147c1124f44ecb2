"""What is asked of a sampler whose steps add noise."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from grading.judging.checker import Checker
from grading.judging.noise_bounds import (
    CORRELATION,
    NUMBERS,
    POINTS,
    WIDTHS,
    share,
    within,
    within_share,
    within_variance,
)
from grading.judging.replay import replayed
from grading.judging.sampler_trace import Walk
from grading.judging.step_rules import rule_of

from walk_checks import WalkChecks

KEPT: WeakKeyDictionary[Any, dict[tuple[NoisyWalkChecks, int, int], Tensor]] = WeakKeyDictionary()


class NoisyWalkChecks(WalkChecks):
    """A walk whose every step but the last adds fresh noise.

    Together these tests fail a right walk less than once in a million runs; soak.py derives it, and what they catch.
    """

    def noise(self, f: Any, kata: Checker, samples: int = POINTS, dims: int = 2) -> Tensor:
        """(steps, samples, dims): what each step that adds noise added, in units of its sigma."""
        # A test that looks twice at one noise makes one walk; another test makes its own, for a sampler may remember.
        # pytest keeps the tests: what they keep goes with the implementation.
        kept = KEPT.setdefault(kata.implementation, {})
        which = (self, samples, dims)
        if which not in kept:
            path = self.walk(f, kata, samples, dims)
            noises = self.of_own_step(path, kata) or rule_of(path, self.rules(kata)).noises(path)
            kept[which] = torch.stack(noises) if noises else torch.zeros(0, samples, dims).to(path.states[0])
        return kept[which]

    def of_own_step(self, path: Walk, kata: Checker) -> list[Tensor]:
        """The noise that was drawn for the submission's own step, if that leads with it along the walk."""
        drawn = replayed(path, self.rules(kata)[-1], kata.generator(5), self.eta)
        return [z for z in drawn[:-1] if z is not None] if drawn else []

    def test_no_two_samples_share_their_noise(self, kata: Checker) -> None:
        """Each sample of the batch goes its own way: no noise is used twice, with either sign."""

        def alike(f: Any) -> str:
            z = self.noise(f, kata, 1000, 4).abs()
            if any(not step.any() for step in z):
                return "a step adds no noise"
            fewest = min((len(step.mul(1e6).round().unique(dim=0)) for step in z), default=1000)
            return "each sample has its own noise" if fewest == 1000 else f"1000 samples share {shared(fewest)}"

        call = kata.probe("the noise of 1000 samples of 4 dims", alike)
        call.gives("each sample has its own noise", "independent noise: two never agree in six digits")

    def test_every_step_adds_the_right_amount_of_noise(self, kata: Checker) -> None:
        """What each step adds, divided by its sigma, has variance 1."""
        bound = within_variance(NUMBERS)
        call = kata.probe("variance of what a step adds / sigma^2, where it is most wrong", lambda f: furthest(
            1.0, self.noise(f, kata).square().mean((1, 2))))  # fmt: skip
        call.gives(1.0, f"{NUMBERS} numbers: 1 +- {bound.atol:.2g}", bound)

    def test_all_steps_together_add_the_right_amount_of_noise(self, kata: Checker) -> None:
        """All steps together show a smaller error of sigma, if they share it."""
        count = NUMBERS * (len(self.steps) - 1)
        bound = within_variance(count)
        call = kata.probe("variance of what all steps add / sigma^2", lambda f: overall(
            1.0, self.noise(f, kata).square()))  # fmt: skip
        call.gives(1.0, f"{count} numbers: 1 +- {bound.atol:.2g}", bound)

    def test_the_noise_is_centred(self, kata: Checker) -> None:
        """Its mean is 0 in every step; noise shared by the whole batch would have a mean of its own."""
        bound = within(NUMBERS)
        call = kata.probe("mean of what a step adds / sigma, where it is most wrong", lambda f: furthest(
            0.0, self.noise(f, kata).mean((1, 2))))  # fmt: skip
        call.gives(0.0, f"{NUMBERS} numbers: 0 +- {bound.atol:.2g}", bound)

    def test_the_noise_is_fresh(self, kata: Checker) -> None:
        """No step repeats another's noise, and the two coordinates of a point do not share theirs."""

        def largest(f: Any) -> float:
            noise = self.noise(f, kata)
            if not len(noise):
                return 0.0
            correlations = torch.corrcoef(noise.movedim(2, 1).flatten(0, 1))
            return correlations.fill_diagonal_(0).abs().max().item()

        kata.probe("largest correlation between steps, or between x and y", largest).lies_within(
            0.0, CORRELATION, f"{POINTS} independent points"
        )

    def test_the_noise_is_gaussian(self, kata: Checker) -> None:
        """68 % of normal numbers lie within one sigma, 95 % within two, 99.7 % within three."""
        count = NUMBERS * (len(self.steps) - 1)
        for width in WIDTHS:
            bound = within_share(count, width)
            call = kata.probe(
                f"share of what the steps add that lies within {width} sigma",
                lambda f: overall(share(width), (self.noise(f, kata).abs() < width).double()),  # noqa: B023
            )
            call.gives(share(width), f"{count} normal numbers: {share(width):.4f} +- {bound.atol:.1g}", bound)


def shared(different: int) -> str:
    return "one noise" if different == 1 else f"{different} different noises"


def furthest(due: float, measured: Tensor) -> float:
    """Of one number for each step, that which is furthest from what is due; where no step adds noise, all are right."""
    return max(measured.tolist(), key=lambda number: abs(number - due), default=due)


def overall(due: float, numbers: Tensor) -> float:
    """The mean of all numbers; where there are none, what is due."""
    return float(numbers.mean()) if numbers.numel() else due
