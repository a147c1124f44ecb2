"""A process that is gone may have crashed of itself: what was asked of it is asked once more, of another."""

from types import SimpleNamespace

import pytest

from grading.experiment.stages import Part, Setting
from grading.grade.grade import grade, run_tests
from grading.submission.errors import SubmissionError
from grading.submission.implementation import ROOT, Implementation
from grading.suites.runner import TESTS


class Dies:
    """The solutions, with a function whose process dies."""

    def __getattr__(self, name):
        return self.dies if name == "q_sample" else getattr(Implementation(ROOT / "solutions"), name)

    def dies(self, *args, **kwargs):
        raise SubmissionError("q_sample", "gone", "its process was killed by SIGSEGV while running it")


@pytest.mark.parametrize(("deaths", "status"), [(1, {"passed"}), (9, {"failed"})])
def test_a_task_whose_process_dies_is_asked_once_more(deaths, status, monkeypatch):
    monkeypatch.setattr("grading.grade.grade.unit_suites", lambda: [TESTS / "test_2_q_sample.py"])
    made = []

    def make():
        made.append(Dies() if len(made) < deaths else Implementation(ROOT / "solutions"))
        return made[-1]

    outcomes = run_tests(SimpleNamespace(isolated=True, folder=ROOT / "solutions", make=make), Setting())
    asked = [outcome for outcome in outcomes if "wrong_arguments" not in outcome.test and outcome.status != "skipped"]
    assert {outcome.status for outcome in asked} == status
    assert len({outcome.test for outcome in outcomes}) == len(outcomes) > 5
    assert len(made) == 2


def test_a_stage_whose_process_dies_is_run_once_more(monkeypatch):
    monkeypatch.setattr("grading.grade.grade.unit_suites", lambda: [TESTS / "test_2_q_sample.py"])
    asked = []

    def training(*_):
        asked.append("training")
        return None, "ddpm_loss: its process was killed by SIGSEGV while running it"

    def sampling(implementation, name, *_):
        asked.append(name)
        return Part(failure=f"{name}_sample: RuntimeError: no")

    monkeypatch.setattr("grading.grade.grade.train_stage", training)
    monkeypatch.setattr("grading.grade.grade.sample_stage", sampling)
    grade("solutions", isolated=False)
    assert asked == ["training", "training", "ddpm", "ddim"]
