"""A copy of the repository with one more task and one more, optional, kata: made just as CONTRIBUTING.md says."""

import shutil
import subprocess
import sys
from pathlib import Path

from grading.submission.katas import ROOT

LEFT_OUT = {".git", ".venv", ".kata", "reports"}  # at the top

TASK = """
[[kata.task]]
id = "2.2"
function = "predict_x0"
title = "the way back, if the noise is known"
points = 5
hints = ["Solve eq. 4.", "x0 = (x_t - sqrt(1 - alpha_bar_t) * noise) / sqrt(alpha_bar_t)", "Two roots, one division."]

"""
SOLUTION = '''

def predict_x0(x_t: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    """Solve eq. 4 for x0.

    x0 = (x_t - sqrt(1 - alpha_bar_t) * noise) / sqrt(alpha_bar_t)        (DDPM, eq. 4)
    """
    alpha_bar = schedule.alphas_cumprod.to(x_t)[t]
    alpha_bar = alpha_bar.reshape(-1, *[1] * (x_t.ndim - 1))
    return (x_t - (1 - alpha_bar).sqrt() * noise) / alpha_bar.sqrt()
'''
TESTS = '''

@pytest.mark.task("2.2")
def test_what_q_sample_did_is_undone(kata):
    """Whoever knows the noise can take it out again."""
    x0, noise, t = kata.randn(10, 2), kata.randn(10, 2, seed=1), every_t(kata)
    x_t = closed_form.q_sample(x0, t, kata.on(COARSE), noise)
    kata(x_t, t, kata.on(COARSE), noise).gives(x0, "DDPM eq. 4, solved for x0")
'''
KATA = """
[[kata]]
number = 7
module = "velocity"
title = "Another target"
idea = "A network can learn a mixture of noise and data just as well."
optional = true

[[kata.task]]
id = "7.1"
function = "velocity"
title = "noise and data, turned by a quarter"
hints = ["x_t turns away.", "v = sqrt(alpha_bar_t) * noise - sqrt(1 - alpha_bar_t) * x0", "As in q_sample."]
"""
MODULE = '''"""Kata 7. What a network may learn in place of the noise."""

from torch import Tensor

from .beta_schedule import NoiseSchedule


def velocity(x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    """The direction in which x_t turns from data to noise.

    v = sqrt(alpha_bar_t) * noise - sqrt(1 - alpha_bar_t) * x0        (Salimans & Ho 2022, section 4)
    """
    alpha_bar = schedule.alphas_cumprod.to(x0)[t]
    alpha_bar = alpha_bar.reshape(-1, *[1] * (x0.ndim - 1))
    return alpha_bar.sqrt() * noise - (1 - alpha_bar).sqrt() * x0
'''
SUITE = '''"""Kata 7. Another target: a mixture of noise and data."""

import pytest
import torch

from grading.judging.examples import COARSE, STEPS

pytestmark = pytest.mark.task("7.1")


def test_without_noise_the_data_shrink(kata):
    """No noise: v is the data times minus the root of what is gone."""
    x0, t = kata.randn(10, 2), torch.arange(STEPS, device=kata.device)
    gone = (1 - COARSE.alphas_cumprod).sqrt().to(x0)[:, None]
    kata(x0, t, kata.on(COARSE), torch.zeros_like(x0)).gives(-gone * x0, "Salimans & Ho 2022, section 4")
'''


def copy(folder: Path) -> Path:
    """The repository as it is, in a folder that is not there yet."""

    def left_out(place: str, names: list[str]) -> set[str]:
        built = {name for name in names if name.startswith("__pycache__") or name.endswith(("_cache", ".egg-info"))}
        return built | (LEFT_OUT if Path(place) == ROOT else set())

    shutil.copytree(ROOT, folder, ignore=left_out)
    return folder


def extend(folder: Path) -> set[str]:
    """Add task 2.2 to a module that is there, and optional kata 7 with a module of its own; name the files touched."""
    before = _contents(folder)
    table = folder / "exercises" / "katas.toml"
    text = table.read_text(encoding="utf-8")
    third = text.index("[[kata]]\nnumber = 3")
    table.write_text(
        text[:third].rstrip("\n") + "\n" + TASK + text[third:].rstrip("\n") + "\n" + KATA, encoding="utf-8"
    )
    for name, more in (("solutions/q_sample.py", SOLUTION), ("tests/test_2_q_sample.py", TESTS)):
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(more)
    (folder / "solutions" / "velocity.py").write_text(MODULE, encoding="utf-8")
    (folder / "tests" / "test_7_velocity.py").write_text(SUITE, encoding="utf-8")
    made = run(folder, "-m", "grading.submission.stubs", "exercises")
    assert made.returncode == 0, made.stderr
    after = _contents(folder)
    return {name for name in after if after[name] != before.get(name)}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Python in the copy, with the copy's own grading."""
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True)


def kata(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """The kata command of the copy."""
    return run(folder, "-c", "from grading.cli import main; main()", *arguments)


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
