"""A grade's own deadline: what was found out before it counts, what was not says so, and nothing runs on after it."""

import shutil
import time

import pytest
import torch

from grading.experiment.data import make_dataset
from grading.experiment.networks.network import NETWORKS
from grading.experiment.networks.training import Trained
from grading.experiment.stages import Setting, sample_stage
from grading.grade.deadline import Deadline, InTime
from grading.grade.grade import grade
from grading.grade.judge import Judge
from grading.grade.result import Result
from grading.reports.page import page
from grading.reports.terminal import messages
from grading.submission.implementation import ROOT, Implementation
from grading.suites.runner import TESTS

FOREVER = """

@torch.no_grad()
def ddpm_sample(model, x_T, schedule, generator=None):
    while True:
        try:
            model(x_T, torch.full((len(x_T),), 5))
        except Exception:
            pass
"""


@pytest.mark.parametrize("isolated", [True, False])
def test_after_the_deadline_nothing_is_asked_and_everything_says_why(isolated, monkeypatch):
    monkeypatch.setattr("grading.grade.grade.unit_suites", lambda: [TESTS / "test_2_q_sample.py"])
    result = grade("solutions", isolated=isolated, deadline=0.0).result
    assert result.points == 0
    task = next(task for task in result.tasks if task.id == "2.1")
    assert {case.status for case in task.cases if "wrong_arguments" not in case.name} == {"failed"}  # q_sample has none
    assert "the 0 seconds of this grade are over" in " ".join(task.first_failure.message.split())
    assert result.training_message == "ddpm_loss: not run to its end: the 0 seconds of this grade are over"
    assert all(sampler.message for sampler in result.samplers)


def test_what_a_file_lacks_where_it_is_graded_stands_with_its_first_task(tmp_path, monkeypatch):
    monkeypatch.setattr("grading.grade.grade.unit_suites", lambda: [TESTS / "test_3_loss.py"])
    folder = shutil.copytree(ROOT / "solutions", tmp_path / "mine")
    for module in ("loss", "ddim_step"):
        with open(folder / f"{module}.py", "a") as file:
            file.write("\nimport utils\n")
    (folder / "utils.py").touch()
    result = grade(folder, isolated=False, deadline=0.0).result
    noted = {task.id: task.remarks for task in result.tasks if task.remarks}
    says = "mine/{}.py imports utils: only the five files are handed in"
    assert noted == {"3.1": [says.format("loss")], "5.1": [says.format("ddim_step")]}
    assert Result.from_json(result.to_json()) == result
    assert f"~ {says.format('loss')}" in "\n".join(map(str, messages(result)))
    assert says.format("loss") in page(result)


@pytest.mark.parametrize("isolated", [True, False])
def test_a_sampler_that_never_ends_ends_at_the_deadline_even_where_it_catches_what_it_can(isolated, tmp_path):
    folder = shutil.copytree(ROOT / "solutions", tmp_path / "submission")
    with open(folder / "ddpm_step.py", "a") as file:
        file.write(FOREVER)
    setting, deadline = Setting(num_points=16), Deadline(2.0)
    network = NETWORKS["kata"](setting.schedule, make_dataset("swiss_roll", 64, 0), 8, 1)
    judge = Judge(folder, isolated=isolated, deadline=deadline)
    with judge.fresh() as implementation:
        part = sample_stage(implementation, "ddpm", Trained(network, [], 0.0), setting, deadline.watched(None))
    assert part.samples is None
    assert "the 2 seconds of this grade are over" in part.failure or "asked the model more than" in part.failure


def test_before_the_deadline_nothing_is_different():
    implementation = InTime(Implementation(ROOT / "solutions"), Deadline())
    assert implementation.folder == ROOT / "solutions"
    assert implementation.linear_beta_schedule.__name__ == "linear_beta_schedule"
    assert torch.equal(implementation.linear_beta_schedule(3), torch.linspace(1e-4, 0.02, 3))
    with pytest.raises(AttributeError):
        _ = implementation.no_such_function


def test_what_remains_falls_to_zero_and_no_further():
    deadline = Deadline(0.01)
    time.sleep(0.02)
    assert deadline.remaining == 0
    assert Deadline().remaining == float("inf")
