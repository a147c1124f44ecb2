"""What is asked of every sampler, written once: test_4 and test_5 inherit these tests."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from grading.judging import closed_form
from grading.judging.checker import Checker
from grading.judging.examples import COARSE, STEPS
from grading.judging.observations import Probe
from grading.judging.replay import ways_to_draw
from grading.judging.sampler_trace import Walk, walk
from grading.judging.step_rules import Rule, due_end, is_quiet, nearest, own_timesteps, rules
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
        return rules(kata.implementation, kata.on(schedule), self.eta)

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
        """beta = 3/4 leaves alpha_bar = 1/4: if the model answers 0, x_0 is twice x_T.

        x_T is so large that no noise is seen beside it.
        """
        one_step, x_T = schedule_from(torch.tensor([0.75], dtype=torch.float64)), 1e9 * kata.randn(3, 2)
        arguments = (1, *self.arguments[1:])[: len(self.arguments)]
        call = kata(silent, x_T, kata.on(one_step), *arguments, generator=kata.generator(5))
        call.gives(2 * x_T, "1 / sqrt(0.25)", also=self.ends(kata, x_T, [0], one_step))

    def ends(self, kata: Checker, x_T: Tensor, steps: list[int], schedule: NoiseSchedule = COARSE) -> list[Tensor]:
        """Where the submission's own steps lead, if the model answers 0: without noise, and with the generator's."""
        noises = [None, *ways_to_draw(kata.generator(5), x_T, len(steps))]
        found = [due_end(self.rules(kata, schedule)[-1], silent, x_T, steps, drawn) for drawn in noises]
        return [end for end in found if end is not None]

    def test_a_large_x_T_stays_large(self, kata: Checker) -> None:
        """Nothing is clipped on the way: where the model answers 0, the walk only divides by sqrt(alpha_bar)."""
        x_T, tables, large = kata.randn(4, 2), kata.on(COARSE), 1e9

        def scaled(f: Any) -> Tensor:
            return f(silent, large * x_T, tables, *self.arguments, generator=kata.generator(5)) / large

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
        return is_quiet(self.rules(kata)[-1], self.due_steps(kata), kata.randn(1, 2))

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


class QuietWalkChecks(WalkChecks):
    """A walk that adds no noise: every step can be computed."""

    def test_every_step_follows_the_equation(self, kata: Checker) -> None:
        """With eta = 0 nothing random is left between x_t and x_prev."""

        def residuals(f: Any) -> Tensor:
            return nearest(self.walk(f, kata, 6, 2), self.rules(kata), slice(None))

        expected = torch.zeros(len(self.due_steps(kata)), 6, 2, dtype=torch.float64, device=kata.device)
        kata.probe("x_prev minus DDIM eq. 12, every step", residuals).gives(expected, "DDIM eq. 12 at eta = 0")
