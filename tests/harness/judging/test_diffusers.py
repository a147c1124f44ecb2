"""Somebody else's DDPM and DDIM: the `diffusers` library, against the solutions, the closed forms and the suites."""

import shutil
from pathlib import Path

import pytest
import summary
import torch
from given_checks import given_checks

from grading.judging import closed_form
from grading.submission.contract import linear_schedule, schedule_from
from grading.submission.implementation import ROOT, Implementation
from grading.suites.runner import run_suites

pytest.importorskip("diffusers", reason="diffusers is not installed: pip install 'diffusion-kata[dev]'")

WRAPPED = Path(__file__).parents[1] / "diffusers_submission"
SCHEDULE = linear_schedule()
EXACT = 1e-5
# diffusers makes its tables in float32, and works beta out as 1 - alpha_bar_t / alpha_bar_prev, which keeps three or
# four digits of 1e-4: measured, 8e-5 at t <= 2 and 4e-5 at t <= 10.
FIRST_STEPS = 5e-4
NATIVE = schedule_from(torch.linspace(1e-4, 0.02, 1000))  # as both schedulers make them by themselves


@pytest.fixture(scope="module")
def solutions():
    return Implementation(ROOT / "solutions")


@pytest.fixture(scope="module")
def theirs():
    return Implementation(WRAPPED)


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def model(x_t, t):
    return 0.6 * x_t.tanh() + 0.1 * torch.cos(0.01 * t)[:, None]


def gap(left, right):
    """The largest difference, relative where the numbers are above 1."""
    return ((left - right).abs() / right.abs().clamp(min=1)).max().item()


def tolerance(t):
    return FIRST_STEPS if t <= 10 else EXACT


def test_every_ddpm_step_agrees(solutions, theirs):
    """At every t of the papers' schedule: with exact tables in its scheduler, and with its own."""
    from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

    scheduler = DDPMScheduler(variance_type="fixed_small", clip_sample=False)
    x_t, eps = draw(64, 2), draw(64, 2, seed=1)
    for t in range(1000):
        noise = draw(64, 2, seed=t)
        native = scheduler.step(eps, t, x_t, generator=torch.Generator().manual_seed(t)).prev_sample
        for ours in (solutions.ddpm_step, closed_form.ddpm_step):
            x = ours(x_t, t, eps, SCHEDULE, noise)
            assert gap(x, theirs.ddpm_step(x_t, t, eps, SCHEDULE, noise)) < EXACT
            assert gap(x, native) < tolerance(t), t


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("steps", [1000, 50, 30])
def test_every_ddim_step_agrees(solutions, steps, eta):
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    scheduler = DDIMScheduler(clip_sample=False, set_alpha_to_one=True, timestep_spacing="leading")
    scheduler.set_timesteps(steps)
    timesteps = solutions.ddim_timesteps(1000, steps)
    assert scheduler.timesteps.tolist() == timesteps
    x_t, eps, noise = draw(64, 2), draw(64, 2, seed=1), draw(64, 2, seed=2)
    for t, t_prev in zip(timesteps, [*timesteps[1:], -1]):
        theirs = scheduler.step(eps, t, x_t, eta=eta, variance_noise=noise).prev_sample
        for ours in (solutions.ddim_step, closed_form.ddim_step):
            assert gap(ours(x_t, t, t_prev, eps, SCHEDULE, eta, noise), theirs) < tolerance(min(t, max(t_prev, 0)))


def test_the_whole_ddpm_loop_agrees(solutions, theirs):
    """A thousand steps, the same noise from the same generator."""
    x_T = draw(64, 2)
    ends = [f.ddpm_sample(model, x_T, SCHEDULE, torch.Generator().manual_seed(5)) for f in (solutions, theirs)]
    assert gap(*ends) < EXACT


@pytest.mark.parametrize("eta", [0.0, 0.7])
@pytest.mark.parametrize("steps", [50, 999])
def test_the_whole_ddim_loop_agrees(solutions, theirs, steps, eta):
    x_T, seed = draw(64, 2), torch.Generator().manual_seed
    ends = [f.ddim_sample(model, x_T, SCHEDULE, steps, eta, seed(5)) for f in (solutions, theirs)]
    assert gap(*ends) < EXACT


def test_the_forward_process_and_the_schedules_agree(solutions, theirs):
    x0, noise, t = draw(1000, 2), draw(1000, 2, seed=1), torch.arange(1000)
    for ours in (solutions.q_sample, closed_form.q_sample):
        assert gap(ours(x0, t, SCHEDULE, noise), theirs.q_sample(x0, t, NATIVE, noise)) < EXACT
    for name in ("linear_beta_schedule", "quadratic_beta_schedule", "cosine_beta_schedule"):
        assert gap(getattr(solutions, name)(1000), getattr(theirs, name)(1000)) < EXACT


def test_the_suites_pass_diffusers_as_a_submission(tmp_path):
    """Written by others, against no text of ours: right code, so no test may fail it."""
    folder = shutil.copytree(WRAPPED, tmp_path / "diffusers_submission")
    for path in folder.glob("*.py"):
        source = path.read_text(encoding="utf-8")
        path.write_text(source + given_checks(path.stem, source), encoding="utf-8")
    outcomes = run_suites(folder)
    assert [(o.test, o.message) for o in outcomes if o.status != "passed"] == []
    summary.lines.append(f"diffusers, wrapped as a submission, passes {len(outcomes)}/{len(outcomes)} tests")
