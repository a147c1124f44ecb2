"""What is asked of every sampler, written once: test_4 and test_5 inherit these tests."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from grading.judging import closed_form
from grading.judging.checker import Checker
from grading.judging.examples import COARSE, STEPS
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
from grading.judging.observations import Probe
from grading.judging.sampler_trace import Walk, walk
from grading.judging.step_rules import Rule, due_end, is_quiet, nearest, own_timesteps, rule_of, rules
from grading.submission.contract import NoiseSchedule, schedule_from


def model(x_t: Tensor, t: Tensor) -> Tensor:
    """A model that depends on all that it is shown."""
    return 0.3 * x_t + 0.02 * closed_form.broadcast(t, x_t).to(x_t)


def silent(x_t: Tensor, t: Tensor) -> Tensor:
    """A model that always answers 0."""
    return torch.zeros_like(x_t)


def shown_t(kata: Checker, *arguments: Any, schedule: NoiseSchedule = COARSE) -> tuple[str, Probe]:
    """The list of t that the model is shown, and its name for the message."""
    x_T, tables = kata.randn(4, 2), kata.on(schedule)
    return "the t of every call model(x_t, t)", lambda f: walk(f, model, x_T, tables, *arguments).timesteps


def blank(result: Any) -> Any:
    """Zeros in the form of a result: its shape and dtype alone are looked at."""
    return torch.zeros_like(result) if isinstance(result, Tensor) else result


def whole(walk: Walk) -> Tensor:
    """Every state of a walk; where a state is not a number, that is the same in every walk."""
    return torch.cat([state.flatten() for state in walk.states]).nan_to_num(0.0)


class WalkChecks:
    """Subclasses say which timesteps are due, which arguments follow the schedule, and eta (None for DDPM)."""

    steps: ClassVar[list[int]]
    arguments: ClassVar[tuple]
    eta: ClassVar[float | None]

    def walk(self, f: Any, kata: Checker, *shape: int, seed: int = 5) -> Walk:
        x_T = kata.randn(*shape, seed=7)
        return walk(f, model, x_T, kata.on(COARSE), *self.arguments, generator=kata.generator(seed))

    def rules(self, kata: Checker, schedule: NoiseSchedule = COARSE) -> list[Rule]:
        """A walk may go by the papers' step or by the submission's own: a slip in the step is its own task."""
        return rules(kata.implementation, kata.task.function, kata.on(schedule), self.eta)

    def due_steps(self, kata: Checker) -> list[int]:
        """The timesteps of the submission's own list, where it has one of its own."""
        own = own_timesteps(kata.implementation, STEPS, *self.arguments[:1]) if self.arguments else None
        return own or self.steps

    def test_the_steps_come_in_order(self, kata: Checker) -> None:
        """From the noisiest to the least noisy, t = 0 included: the model is asked once at each."""
        call = kata.probe(*shown_t(kata, *self.arguments))
        call.gives(self.steps, "the timesteps of the walk, descending", also=[self.due_steps(kata)])

    def test_the_model_is_given_t_for_each_sample(self, kata: Checker) -> None:
        """t as the model was trained with it: (B,) int64."""

        def shown(f: Any) -> str:
            return f"the model is given t as {', then '.join(self.walk(f, kata, 4, 2).spy.kinds()) or 'nothing'}"

        call = kata.probe("the t in model(x_t, t)", shown)
        call.gives("the model is given t as Tensor (4,) int64", "one int64 for each of 4 samples")

    def test_the_walk_starts_at_x_T(self, kata: Checker) -> None:
        """The first thing that the model sees is x_T, as it was given."""
        call = kata.probe("the x_t of the first call model(x_t, t)", lambda f: self.walk(f, kata, 4, 2).states[0])
        call.gives(kata.randn(4, 2, seed=7), "x_T")

    def test_the_result_looks_like_x_T(self, kata: Checker) -> None:
        """One x0 for each x_T, at its precision, whatever the dims."""
        for shape, dtype in (((4, 2), torch.float32), ((1, 1), torch.float64), ((2, 3, 2), torch.float64)):
            x_T = kata.randn(*shape, dtype=dtype)
            tables = kata.on(COARSE).to(dtype=dtype)
            call = kata.probe(
                f"the result for x_T {shape}",
                lambda f: blank(f(model, x_T, tables, *self.arguments)),  # noqa: B023
            )
            call.gives(torch.zeros_like(x_T), "shape and dtype of x_T")

    def test_the_last_step_adds_no_noise(self, kata: Checker) -> None:
        """x_0 is where the last step's mean points: noise added now would stay in the picture."""

        def left_over(f: Any) -> Tensor:
            return nearest(self.walk(f, kata, 6, 2), self.rules(kata), slice(-1, None))[0]

        expected = torch.zeros(6, 2, dtype=torch.float64, device=kata.device)
        kata.probe("x_0 minus the mean of the last step", left_over).gives(expected, "no noise in the last step")

    def test_one_step_by_hand(self, kata: Checker) -> None:
        """beta = 3/4 leaves alpha_bar = 1/4: if the model answers 0, x_0 is twice x_T."""
        one_step, x_T = schedule_from(torch.tensor([0.75], dtype=torch.float64)), 1e9 * kata.randn(3, 2)
        arguments = (1, *self.arguments[1:])[: len(self.arguments)]
        call = kata(silent, x_T, kata.on(one_step), *arguments)  # so large that no noise is seen beside it
        call.gives(2 * x_T, "1 / sqrt(0.25)", also=self.ends(kata, x_T, [0], one_step))

    def ends(self, kata: Checker, x_T: Tensor, steps: list[int], schedule: NoiseSchedule = COARSE) -> list[Tensor]:
        """Where the submission's own steps lead, without noise, if the model answers 0."""
        end = due_end(self.rules(kata, schedule)[-1], silent, x_T, steps)
        return [] if end is None else [end]

    def test_a_large_x_T_stays_large(self, kata: Checker) -> None:
        """Nothing is clipped on the way: where the model answers 0, the walk only divides by sqrt(alpha_bar)."""
        x_T, tables, large = kata.randn(4, 2), kata.on(COARSE), 1e9

        def scaled(f: Any) -> Tensor:
            return f(silent, large * x_T, tables, *self.arguments) / large

        expected = x_T / COARSE.alphas_cumprod[self.steps[0]] ** 0.5
        also = [end / large for end in self.ends(kata, large * x_T, self.due_steps(kata))]
        kata.probe("x_0 / 1e9, for an x_T of that size", scaled).gives(expected, "x_T / sqrt(alpha_bar)", also=also)

    def test_the_generator_decides(self, kata: Checker) -> None:
        """The same generator gives the same walk whatever else has drawn numbers; another one gives another walk."""

        def how_it_repeats(f: Any) -> str:
            torch.manual_seed(1)
            first = whole(self.walk(f, kata, 4, 2, seed=5))
            torch.manual_seed(2)
            again, other = (whole(self.walk(f, kata, 4, 2, seed=seed)) for seed in (5, 6))
            if not torch.equal(first, again):
                return "the same generator gives another walk"
            return f"another generator gives {'the same' if torch.equal(first, other) else 'another'} walk"

        same, other = ("another generator gives the same walk", "another generator gives another walk")
        expected, source = same if self.eta == 0 else other, "every number comes from generator"
        quiet = self.eta == 0 or self.own_steps_are_quiet(kata)
        kata.probe("walks with seeds 5, 5 and 6", how_it_repeats).gives(expected, source, also=[same] if quiet else [])

    def own_steps_are_quiet(self, kata: Checker) -> bool:
        """Whether the submission's own steps add no noise: then no walk of theirs does, whatever it draws."""
        steps = self.due_steps(kata)
        return is_quiet(self.rules(kata)[-1], list(zip(steps, [*steps[1:], -1])), kata.randn(1, 2))

    def test_no_gradients_are_recorded(self, kata: Checker) -> None:
        """A graph over a thousand calls of the model would fill the memory: sampling needs none."""
        weight = torch.ones((), dtype=torch.float64, device=kata.device, requires_grad=True)
        x_T = kata.randn(4, 2)

        def graph(f: Any) -> str:
            result = f(lambda x_t, t: weight * x_t, x_T, kata.on(COARSE), *self.arguments)
            return "gradients are recorded" if result.requires_grad else "no gradients are recorded"

        kata.probe("the gradient of the result", graph).gives("no gradients are recorded", "@torch.no_grad()")

    def test_nothing_is_changed_in_place(self, kata: Checker) -> None:
        """x_T is the caller's: it is needed again to compare samplers from the same start."""
        call = kata.untouched(model, kata.randn(4, 2), kata.on(COARSE), *self.arguments)
        call.gives("nothing is changed in place", "inputs never change")

    def test_works_on_a_gpu(self, kata: Checker) -> None:
        """x, t and noise are made on the device of x_T."""
        x_T = kata.randn(5, 2)
        for generator in (kata.generator(3), None):
            call = kata.elsewhere(model, x_T, COARSE, *self.arguments, generator=generator)
            call.of_the_form_of(x_T, "the device of x_T")


class NoisyWalkChecks(WalkChecks):
    """A walk whose every step but the last adds fresh noise.

    Together these tests fail a right walk less than once in a million runs; soak.py derives it, and what they catch.
    """

    def noise(self, f: Any, kata: Checker, samples: int = POINTS, dims: int = 2) -> Tensor:
        """(steps, samples, dims): what each step that adds noise added, in units of its sigma."""
        path = self.walk(f, kata, samples, dims)
        noises = rule_of(path, self.rules(kata)).noises(path)
        return torch.stack(noises) if noises else torch.zeros(0, samples, dims).to(path.states[0])

    def test_no_two_samples_share_their_noise(self, kata: Checker) -> None:
        """Each sample of the batch goes its own way: no noise is used twice, with either sign."""

        def alike(f: Any) -> str:
            z = self.noise(f, kata, 1000, 4).abs()
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


class QuietWalkChecks(WalkChecks):
    """A walk that adds no noise: every step can be computed."""

    def test_every_step_follows_the_equation(self, kata: Checker) -> None:
        """With eta = 0 nothing random is left between x_t and x_prev."""

        def residuals(f: Any) -> Tensor:
            return nearest(self.walk(f, kata, 6, 2), self.rules(kata), slice(None))

        expected = torch.zeros(len(self.due_steps(kata)), 6, 2, dtype=torch.float64, device=kata.device)
        kata.probe("x_prev minus DDIM eq. 12, every step", residuals).gives(expected, "DDIM eq. 12 at eta = 0")
