"""What is asked of every function, whatever it works out: the conditions that grading/judging/conditions.py lists."""

import torch

from grading.judging.closed_form import ddim_timesteps
from grading.judging.conditions.arguments import arguments
from grading.judging.conditions.asked import Asked
from grading.judging.conditions.factors import plain
from grading.judging.conditions.generators import ALIKE, GOES_ON, REPEATED, with_one_generator, without_a_generator
from grading.judging.conditions.steps import at_every_step
from grading.judging.conditions.walks import ALL_WELL, AskedSampler, walk_sentence, watched
from grading.judging.step_rules import is_quiet, own_timesteps, rules


class EveryCondition:
    """Subclasses give `due`, the closed form as a staticmethod; `source`, the equation; and what is `refused`."""

    refused = ()  # arguments that must raise ValueError

    def test_under_every_condition(self, kata):
        """Any batch, dims, layout in memory, dtype and schedule; the second time as the first."""
        Asked(kata, self.due, self.source).under_every_condition()

    def test_wrong_arguments_are_refused(self, kata):
        """The checks above your first line are given: they must still stand."""
        given = arguments(kata.task.function, plain(kata.task.function), kata)
        kata.function(**given)
        for wrong in self.refused:
            kata.refuses(given, wrong)


class EveryStep(EveryCondition):
    def test_at_every_t(self, kata):
        """Every t of a thousand, the first and the last as those between; every t_prev below."""
        at_every_step(kata, self.due, self.source)


class EveryWalk:
    """Conditions of a sampler. Subclasses say what a walk of a thousand steps is asked with."""

    refused = ()
    long = {}
    dtypes = ("float64", "float32")

    def test_under_every_condition(self, kata):
        """Any batch, dims, layout in memory, dtype and schedule; the second time as the first."""
        AskedSampler(kata, "followed from step to step").under_every_condition()

    test_wrong_arguments_are_refused = EveryCondition.test_wrong_arguments_are_refused

    def test_a_thousand_steps(self, kata):
        """The schedule of the papers: every step counts, in the middle too."""
        row = plain(kata.task.function) | {"batch": 64}
        for dtype in self.dtypes:
            given = arguments(kata.task.function, row | {"dtype": dtype}, kata)
            given |= self.long | {"schedule": kata.paper(getattr(torch, dtype))}

            def walk(f, given=given):
                return walk_sentence(kata.implementation, watched(f, given), given)

            kata.probe(f"a walk of 1000 steps in {dtype}", walk).gives(ALL_WELL, "followed from step to step")

    def test_without_a_generator(self, kata):
        """None means torch's global generator, which torch.manual_seed sets: it is the caller's to set, not yours."""
        given = arguments(kata.task.function, plain(kata.task.function) | {"generator": "None"}, kata)
        call = kata.probe("walks with generator=None", lambda f: without_a_generator(f, given))
        call.gives(REPEATED, "the caller sets the seed", also=self.without_noise(kata, given))

    def test_a_generator_is_used_up(self, kata):
        """A generator that two walks share is left where the draws of the first have brought it."""
        given = arguments(kata.task.function, plain(kata.task.function), kata)
        call = kata.probe("walks with one generator", lambda f: with_one_generator(f, given, kata.generator))
        call.gives(GOES_ON, "no copy, no seed of its own", also=self.without_noise(kata, given))

    def without_noise(self, kata, given):
        """What else is right where the submission's own steps add no noise: then all walks from one x_T are one."""
        total, eta = len(given["schedule"].betas), given.get("eta")
        count = given.get("num_inference_steps", total)
        own = None if eta is None else own_timesteps(kata.implementation, total, count)
        rule = rules(kata.implementation, given["schedule"], eta)[-1]
        return [*ALIKE] if is_quiet(rule, own or ddim_timesteps(total, count), given["x_T"]) else []
