"""A table of recorded calls is no submission: what the suites ask is drawn anew for every grade."""

import pytest
import torch

from grading.grade.grade import run_tests
from grading.grade.judge import Judge
from grading.submission.errors import SubmissionError
from grading.submission.implementation import ROOT, Implementation
from grading.submission.katas import MODULE_OF, tasks
from grading.suites.runner import run_suites


def key(value):
    """What tells one argument from another, as a submission could."""
    if isinstance(value, torch.Tensor):
        numbers = [] if value.is_meta else value.flatten().tolist()
        return tuple(value.shape), str(value.dtype), value.device.type, str(numbers)
    if hasattr(value, "betas"):
        return tuple(key(table) for table in (value.betas, value.alphas, value.alphas_cumprod))
    return type(value).__name__, "" if callable(value) or isinstance(value, torch.Generator) else value


class Recorded:
    """The solutions, noting each call; with a table, the table alone."""

    folder = ROOT / "solutions"

    def __init__(self, table=None):
        self.right, self.table, self.noted = Implementation(self.folder), table, {}

    def __getattr__(self, name):
        if name not in MODULE_OF:
            raise AttributeError(name)

        def call(*args, **kwargs):
            named = tuple((k, key(v)) for k, v in sorted(kwargs.items()))
            asked = (name, torch.get_default_dtype(), *map(key, args), named)
            if self.table is None:
                self.noted[asked] = getattr(self.right, name)(*args, **kwargs)
                return self.noted[asked]
            if asked not in self.table:
                raise SubmissionError(name, "crash", "KeyError: never seen")
            return self.table[asked]

        return call


def earned(outcomes) -> list[str]:
    ended: dict[str, set] = {}
    for outcome in outcomes:
        ended.setdefault(outcome.task, set()).add(outcome.status)
    return [task for task, how in ended.items() if how == {"passed"}]


@pytest.mark.timeout(600)
def test_recorded_calls_earn_nothing_under_another_seed():
    recorder = Recorded()
    assert earned(run_suites("solutions", "--seed", "7", make=lambda: recorder)) == [task.id for task in tasks()]
    table = Recorded(recorder.noted)
    assert earned(run_suites("solutions", "--seed", "8", make=lambda: table)) == []


@pytest.mark.timeout(600)
def test_a_seed_repeats_what_is_asked_and_left_out_it_is_another_each_time(monkeypatch):
    seeds = []

    def noted(folder, *options, **_):
        seeds.append(options[options.index("--seed") + 1])
        return []

    monkeypatch.setattr("grading.grade.grade.run_suites", noted)
    monkeypatch.setattr("grading.grade.grade.train_stage", lambda *_: (None, "no time for that"))
    from grading.experiment.stages import Setting
    from grading.grade.grade import grade

    results = [grade("solutions", isolated=False, tests_seed=given).result for given in (None, None, 5)]
    assert len({*seeds}) == 3
    assert seeds[2] == "5"
    assert [str(result.settings["tests_seed"]) for result in results] == seeds
    assert run_tests(Judge("solutions", isolated=False), Setting(), tests_seed=6) == []
    assert seeds[3] == "6"
