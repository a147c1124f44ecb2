"""A measurement is made once; what it is worth follows from any rubric, in no time."""

import dataclasses

import pytest
from made_results import made

from grading.experiment.stages import Setting
from grading.grade.result import Result
from grading.grade.rubric import Band, load_rubric
from grading.grade.worth import floor_warnings, worth
from grading.submission.errors import UsageError


def rubric(tmp_path, text=""):
    (tmp_path / "r.toml").write_text(text, encoding="utf-8")
    return load_rubric(tmp_path / "r.toml")


def with_slip(name: str, kind: str = "wrong") -> Result:
    """4.1 fails one of three tests by a named slip; all else passes."""
    result = made(passing=True)
    task = next(task for task in result.tasks if task.id == "4.1")
    good = task.cases[0]
    bad = dataclasses.replace(good, name="bad", status="failed", kind=kind, message="4.1 no", misconception=name)
    tasks = [
        dataclasses.replace(t, cases=[good, good, bad], status="wrong", points=0.0) if t is task else t
        for t in result.tasks
    ]
    return dataclasses.replace(result, tasks=tasks)


def test_points_follow_the_rubric_and_nothing_else_changes(tmp_path):
    measured = made(passing=True)
    dear = worth(measured, rubric(tmp_path, '[tasks]\n"1.1" = 40\n[ddpm]\nbands = [{below = 0.5, points = 30}]'))
    assert dear.tasks[0].points == dear.tasks[0].max_points == 40
    assert (dear.samplers[0].points, dear.samplers[0].max_points) == (0, 30)
    assert dear.samplers[0].bands == [Band(0.5, 30.0)]
    assert worth(dear, load_rubric()) == worth(measured, load_rubric())


def test_samples_that_the_model_did_not_lead_to_earn_nothing():
    result = made(passing=True)
    samplers = [dataclasses.replace(sampler, counted=None) for sampler in result.samplers]
    assert [s.points for s in worth(dataclasses.replace(result, samplers=samplers), load_rubric()).samplers] == [0, 0]


def test_a_walk_with_noise_of_its_own_counts_as_the_grader_s_own_walk():
    result = made(passing=True, chamfer=0.5)
    samplers = [dataclasses.replace(sampler, counted=2.0) for sampler in result.samplers]
    ddpm, ddim = worth(dataclasses.replace(result, samplers=samplers), load_rubric()).samplers
    assert (ddpm.points, ddim.points) == (5, 10)
    assert ddpm.message.startswith("counted as 2")
    kinder = worth(dataclasses.replace(result, samplers=[ddpm, ddim]), load_rubric("course")).samplers
    assert [(sampler.points, sampler.message) for sampler in kinder] == [(10, ""), (10, "")]


@pytest.mark.parametrize("name", ["sigma^2 = beta", "Sigma^2 = beta_t", "sigma2=beta"])
@pytest.mark.parametrize("task", ["ddpm_step", '"4.1"'])
def test_a_named_variant_is_taken_as_right(name, task, tmp_path):
    measured = with_slip("ddpm_step: sigma^2 = beta")
    assert next(t for t in worth(measured, load_rubric()).tasks if t.id == "4.1").points == 0
    result = worth(measured, rubric(tmp_path, f'[accept]\n{task} = ["{name}"]'))
    taken = next(t for t in result.tasks if t.id == "4.1")
    assert (taken.points, taken.status) == (taken.max_points, "done")
    assert taken.accepted == ["ddpm_step: sigma^2 = beta"]
    assert taken.first_failure is None
    back = next(t for t in worth(result, load_rubric()).tasks if t.id == "4.1")
    assert (back.points, back.status, back.accepted) == (0, "wrong", [])


def test_another_slip_of_the_task_is_not_accepted_with_it(tmp_path):
    result = worth(
        with_slip("ddpm_step: noise at t = 0 too"), rubric(tmp_path, '[accept]\nddpm_step = ["sigma^2 = beta"]')
    )
    assert next(t for t in result.tasks if t.id == "4.1").points == 0


def test_a_variant_is_accepted_for_its_own_function_alone(tmp_path):
    accepting = rubric(tmp_path, '[accept]\nddpm_step = ["sigma^2 = beta"]')
    assert accepting.accepts("ddpm_step: sigma^2 = beta")
    assert not accepting.accepts("ddim_step: sigma^2 = beta")
    assert not accepting.accepts(None)


def test_partial_credit_is_the_share_of_tests_but_nothing_for_a_stub(tmp_path):
    partial = rubric(tmp_path, "partial = true")
    task = next(t for t in worth(with_slip("x: y"), partial).tasks if t.id == "4.1")
    assert task.points == pytest.approx(task.max_points * 2 / 3, abs=0.01)
    assert task.status == "wrong"
    assert next(t for t in worth(with_slip("x: y", "todo"), partial).tasks if t.id == "4.1").points == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('partial = "yes"', "partial must be true or false"),
        ("accept = 3", "accept must be a table"),
        ('[accept]\nddpm_stop = ["x"]', "accept.ddpm_stop: there is no such task"),
        ('[accept]\nddpm_step = "sigma"', "must be a list of names"),
        ('[accept]\nddpm_step = ["  "]', "must be a list of names"),
    ],
)
def test_a_rubric_that_makes_no_sense_is_a_sentence(text, says, tmp_path):
    with pytest.raises(UsageError, match=says):
        rubric(tmp_path, text)


def test_a_rubric_from_windows_is_read(tmp_path):
    (tmp_path / "r.toml").write_bytes(b'\xef\xbb\xbf[tasks]\r\n"1.1" = 7\r\n')
    assert load_rubric(tmp_path / "r.toml").tasks == {"1.1": 7.0}


def test_a_band_below_the_floor_is_warned_of():
    assert floor_warnings(Setting("gaussian_centered"), load_rubric()) == []
    assert floor_warnings(Setting(), load_rubric("course")) == []
    (warning,) = floor_warnings(Setting("gaussian_centered"), load_rubric("course"))
    assert "gaussian_centered" in warning
    assert "below 20" in warning
