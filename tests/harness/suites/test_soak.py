"""The random tests: how often they fail right code, and how small an error they catch."""

import importlib
import shutil

import numpy as np
import pytest
import summary

from grading.judging.noise_bounds import NUMBERS, within_variance
from grading.submission.implementation import ROOT
from grading.suites import soak
from grading.suites.runner import run_suites

SEEDS = range(1, 4)
NOISIER = """
@torch.no_grad()
def ddpm_sample(model, x_T, schedule, generator=None):
    x = x_T
    for t in reversed(range(len(schedule.betas))):
        noise = {factor} * torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x = ddpm_step(x, t, model(x, torch.full((len(x),), t, device=x.device)), schedule, noise)
    return x
"""


def test_right_code_passes_with_every_seed():
    failures = soak.soak(SEEDS)
    assert failures == {}
    summary.lines.append(f"seeds soaked {len(SEEDS)} with {len(failures)} failures")
    summary.lines.extend(soak.stated())


def test_the_seed_reaches_every_random_input(monkeypatch):
    """Two seeds share no random tensor, and hypothesis tries other examples."""
    from grading.judging import checker, closed_form

    def drawn(seed):
        seen = {"randn": set(), "t": []}
        randn, q_sample = checker.Checker.randn, closed_form.q_sample

        def spy_randn(self, *shape, **kwargs):
            tensor = randn(self, *shape, **kwargs)
            seen["randn"].add(tuple(tensor.flatten().tolist()))
            return tensor

        def spy_q_sample(x0, t, schedule, noise):
            seen["t"].append(tuple(t.tolist()))
            return q_sample(x0, t, schedule, noise)

        with monkeypatch.context() as patched:
            patched.setattr(checker.Checker, "randn", spy_randn)
            patched.setattr(closed_form, "q_sample", spy_q_sample)
            assert {o.status for o in run_suites("solutions", "--seed", str(seed), "--task", "2.1")} == {"passed"}
        return seen

    first, again, second = drawn(1), drawn(1), drawn(2)
    assert first == again
    assert len(first["randn"]) > 10
    assert not first["randn"] & second["randn"]
    assert first["t"] != second["t"]


def test_a_run_fails_right_code_less_than_once_in_a_million(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tests"))
    walks = {
        "ddpm_sample": importlib.import_module("test_4_ddpm_step").TestDdpmSample,
        "ddim_sample": importlib.import_module("test_5_ddim_step").TestDdimSampleWithSomeNoise,
    }
    assert {name: len(walk.steps) - 1 for name, walk in walks.items()} == soak.NOISY_STEPS
    rate = sum(soak.false_alarm_rate(steps) for steps in soak.NOISY_STEPS.values()) + soak.followed_alarm_rate()
    assert rate < 1e-6


@pytest.mark.parametrize("count", [NUMBERS, 4 * NUMBERS, 9 * NUMBERS])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_power_is_as_stated(count, sign):
    """Sums of squares with an error of just that size: 999 of 1,000 lie outside the bound, give or take luck."""
    trials = 100_000
    factor = 1 + sign * soak.smallest_error_caught(count)
    squares = factor**2 * np.random.default_rng(0).chisquare(count, trials) / count
    missed = (abs(squares - 1) <= within_variance(count).atol).sum()
    assert (
        missed <= trials * 0.001 + 6 * (trials * 0.001) ** 0.5
    )  # the count is nearly Poisson: six standard deviations


@pytest.mark.parametrize("sign", [1, -1])
def test_the_suite_catches_an_error_of_that_size(sign, tmp_path):
    folder = shutil.copytree(ROOT / "solutions", tmp_path / "submission")
    error = soak.smallest_error_caught(soak.NOISY_STEPS["ddpm_sample"] * NUMBERS)
    with (folder / "ddpm_step.py").open("a") as file:
        file.write(NOISIER.format(factor=1 + sign * error))
    for seed in range(3):
        failed = {o.test for o in run_suites(folder, "--task", "4.2", "--seed", str(seed)) if o.status == "failed"}
        assert any("all_steps_together" in test for test in failed)


def test_a_senseless_number_of_seeds_is_turned_away(capsys):
    with pytest.raises(SystemExit) as stopped:
        soak.main(["--seeds", "0"])
    assert stopped.value.code == 2
    assert "--seeds must be 1 or more" in capsys.readouterr().err
