"""What a student sees: typical failures, kept as text in `golden/` and read as such.

After a change of the wording: `KATA_RENEW_GOLDEN=1 pytest tests/harness/test_golden.py`, then read the difference.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grading.judging.failure import WIDTH
from grading.submission.implementation import ROOT
from grading.submission.katas import required
from grading.suites import plugin
from grading.suites.runner import run_suites

GOLDEN = Path(__file__).parents[1] / "golden"
RENEW = bool(os.environ.get("KATA_RENEW_GOLDEN"))

# name: (module, task, code added to the reference). Errors are Python's or ours: torch words its own anew now and then.
SCREENS = {
    "forgot_to_return": (
        "beta_schedule",
        "1.1",
        "def linear_beta_schedule(T, a=1e-4, b=0.02): torch.linspace(a, b, T)",
    ),
    "wrong_value_with_a_name": (
        "q_sample",
        "2.1",
        "def q_sample(x0, t, schedule, noise):\n"
        "    a = schedule.alphas_cumprod[t].reshape(-1, *[1] * (x0.ndim - 1))\n"
        "    return a * x0 + (1 - a) * noise",
    ),
    "wrong_value_without_a_name": (
        "q_sample",
        "2.1",
        "def q_sample(x0, t, schedule, noise):\n"
        "    a = schedule.alphas_cumprod[t].reshape(-1, *[1] * (x0.ndim - 1))\n"
        "    return a.sqrt() * x0 + (1.1 - a).sqrt() * noise",
    ),
    "wrong_shape": (
        "loss",
        "3.1",
        "def ddpm_loss(model, x0, t, schedule, noise):\n"
        "    return ((model(q_sample(x0, t, schedule, noise), t) - noise) ** 2).mean(dim=-1)",
    ),
    "wrong_dtype": (
        "beta_schedule",
        "1.3",
        "def cosine_beta_schedule(num_timesteps, s=0.008, max_beta=0.999, plain=cosine_beta_schedule):\n"
        "    return plain(num_timesteps, s, max_beta).double()",
    ),
    "not_a_number": (
        "ddim_step",
        "5.2",
        "def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):\n"
        "    a = schedule.alphas_cumprod[t]\n"
        "    p = schedule.alphas_cumprod[t_prev] if t_prev >= 0 else torch.ones_like(a)\n"
        "    sigma = eta * ((1 - p) / (1 - a) * (1 - a / p)).sqrt()\n"
        "    x0 = (x_t - (1 - a).sqrt() * eps) / a.sqrt()\n"
        "    x = p.sqrt() * x0 + (1 - p - sigma**2) / (1 - p - sigma**2).sqrt() * eps\n"
        "    return x + sigma * noise if eta else x",
    ),
    "crash": (
        "ddpm_step",
        "4.1",
        "def mean_of(x_t, t, eps, schedule):\n"
        "    alpha_bar = schedule.alpha_bars[t]\n"
        "    return (x_t - (1 - alpha_bar).sqrt() * eps) / alpha_bar.sqrt()\n\n"
        "def ddpm_step(x_t, t, eps, schedule, noise):\n"
        "    return mean_of(x_t, t, eps, schedule)",
    ),
    "syntax_error": ("q_sample", "2.1", "def q_sample(x0, t, schedule, noise)\n    return x0"),
    "missing_name": ("ddim_step", "5.1", "del ddim_timesteps"),
    "endless_loop": (
        "ddim_step",
        "5.1",
        "def ddim_timesteps(num_timesteps, num_inference_steps):\n"
        "    t, steps = num_timesteps, [0]\n"
        "    while t != 0:\n"
        "        t = t + num_inference_steps\n"
        "    return steps",
    ),
    "changed_in_place": (
        "ddpm_step",
        "4.1",
        "def ddpm_step(x_t, t, eps, schedule, noise, plain=ddpm_step):\n"
        "    x_t.copy_(plain(x_t, t, eps, schedule, noise))\n"
        "    return x_t",
    ),
    "graph_recorded": ("ddpm_step", "4.2", "ddpm_sample = ddpm_sample.__wrapped__"),
    "loop_the_wrong_way_round": (
        "ddpm_step",
        "4.2",
        "@torch.no_grad()\n"
        "def ddpm_sample(model, x_T, schedule, generator=None):\n"
        "    x = x_T\n"
        "    for t in range(len(schedule.betas)):\n"
        "        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)\n"
        "        x = ddpm_step(x, t, model(x, torch.full((len(x),), t, device=x.device)), schedule, noise)\n"
        "    return x",
    ),
    "same_noise_every_step": (
        "ddpm_step",
        "4.2",
        "@torch.no_grad()\n"
        "def ddpm_sample(model, x_T, schedule, generator=None):\n"
        "    x = x_T\n"
        "    noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)\n"
        "    for t in reversed(range(len(schedule.betas))):\n"
        "        x = ddpm_step(x, t, model(x, torch.full((len(x),), t, device=x.device)), schedule, noise)\n"
        "    return x",
    ),
    "noise_on_the_wrong_device": (
        "ddpm_step",
        "4.2",
        "@torch.no_grad()\n"
        "def ddpm_sample(model, x_T, schedule, generator=None):\n"
        "    x = x_T\n"
        "    for t in reversed(range(len(schedule.betas))):\n"
        "        noise = torch.randn(x.shape, generator=generator).to(x)\n"
        "        x = ddpm_step(x, t, model(x, torch.full((len(x),), t, device=x.device)), schedule, noise)\n"
        "    return x",
    ),
}


def compare(name: str, screen: str) -> None:
    path = GOLDEN / f"{name}.txt"
    screen = screen.replace(f"of {len(required())} tasks", "of N tasks")
    if RENEW:
        path.parent.mkdir(exist_ok=True)
        path.write_text(screen + "\n")
    assert [line for line in screen.splitlines() if len(line) > WIDTH] == []
    assert not re.search(r"site-packages|torch/|grading/|Traceback", screen)
    assert screen == path.read_text().rstrip("\n")


@pytest.mark.parametrize("name", SCREENS)
def test_a_failure_reads_as_it_was_reviewed(name, tmp_path, monkeypatch):
    module, task, source = SCREENS[name]
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "solutions", "submission")
    with Path("submission", f"{module}.py").open("a") as file:
        file.write(f"\n\n{source}\n")
    monkeypatch.setattr(plugin, "SECONDS", 1.0)
    outcomes = run_suites("submission", "-x", "--task", task)
    compare(name, next(outcome.message for outcome in outcomes if outcome.status == "failed"))


def whole_screen(folder: Path, *arguments: str) -> str:
    """What plain `pytest` prints in a copy of the repository, but for versions, times and numbers of tests."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("KATA_", "PYTEST_"))} | {"COLUMNS": "80"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    printed = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120).stdout
    header = r"(platform|rootdir|configfile|plugins|testpaths|cachedir|hypothesis).*"
    kept = [line.rstrip() for line in printed.splitlines() if not re.fullmatch(header, line)]
    screen = re.sub(r"(?m)^(\d+ (?:failed|passed).*) in [\d.]+s.*", r"\1", "\n".join(kept))
    screen = re.sub(r"(tests/\S+\.py).*\[ *\d+%\]", r"\1 ...", screen)
    return re.sub(
        r"\d+(/\d+)?(?= (failed|passed|skipped|locked|items|tests))", "N", screen
    )  # they grow with the suites


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "kata"
    folder.mkdir()
    for part in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / part, folder)
    leave_out = shutil.ignore_patterns("__pycache__", "harness")
    for part in ("grading", "tests", "exercises"):
        shutil.copytree(ROOT / part, folder / part, ignore=leave_out)
    return folder


def test_the_first_screen_of_all(repository):
    compare("first_screen", whole_screen(repository))


def test_the_screen_half_way(repository):
    shutil.copy(ROOT / "solutions" / "beta_schedule.py", repository / "exercises")
    source = SCREENS["wrong_value_with_a_name"][2]
    (repository / "exercises" / "q_sample.py").write_text(source + "\n")
    compare("half_way", whole_screen(repository))
