"""The noise of a long walk is kept for the test that looks at it twice, and not for the next, nor for ever."""

import gc

import torch

from grading.submission.implementation import ROOT, Implementation
from grading.suites.runner import TESTS, run_suites

MANY = 20_000  # points of a walk whose noise is measured


class Counted:
    """The solutions, and how many long walks were asked of them."""

    def __init__(self):
        self.walks = 0

    def __getattr__(self, name):
        function = getattr(Implementation(ROOT / "solutions"), name)
        return self.walk if name == "ddpm_sample" else function

    def walk(self, model, x_T, schedule, generator=None):
        self.walks += len(x_T) == MANY
        return Implementation(ROOT / "solutions").ddpm_sample(model, x_T, schedule, generator=generator)


def long_walks():
    """The tensors that hold the numbers of a long walk."""
    gc.collect()
    return [held for held in gc.get_objects() if type(held) is torch.Tensor and MANY in held.shape]


def test_each_test_of_noise_walks_by_itself_and_its_noise_goes_with_the_implementation():
    made, before = [], long_walks()  # held here, so that none that another test has left goes meanwhile

    def make():
        made.append(Counted())
        return made[-1]

    outcomes = run_suites(ROOT / "solutions", "--task", "4.2", files=[TESTS / "test_4_ddpm_step.py"], make=make)
    assert {outcome.status for outcome in outcomes} <= {"passed", "skipped"}
    assert sum(implementation.walks for implementation in made) == 5  # as many tests measure the noise of a long walk
    made.clear()
    assert len(long_walks()) == len(before)
