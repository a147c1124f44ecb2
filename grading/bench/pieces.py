"""The pieces that are timed, each against something a reader knows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from unittest import mock

import torch
from torch import Tensor

from grading.bench.timing import Pair, in_turns, seconds
from grading.experiment.data import make_dataset
from grading.experiment.distances.chamfer import chamfer_distance
from grading.experiment.networks.training import RECIPES, train
from grading.experiment.stages import Setting
from grading.isolation import IsolatedImplementation
from grading.submission.contract import linear_schedule
from grading.submission.implementation import ROOT, Implementation, find

POINTS = 2048
AGREE = 1e-4  # float32, diffusers' own tables: a step itself is 0.01 and more
QUICK_SIZES = (1_000, 3_162, 10_000, 31_623)
FULL_SIZES = (*QUICK_SIZES, 100_000, 316_228, 1_000_000)


class Disagreement(Exception):
    """Two things that were to be timed give different numbers: their times mean nothing."""


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def agree(name: str, ours: Tensor, theirs: Tensor) -> None:
    gap = float((ours - theirs).abs().max())
    if not gap <= AGREE:
        raise Disagreement(f"{name}: ours and theirs differ by {gap:.2g}, above {AGREE:g}")


def steps(quick: bool) -> list[Pair]:
    """ddpm_step and ddim_step against diffusers' schedulers at (2048, 2): a walk of 50 steps, same numbers checked.

    The solutions are called as a submission's author calls them, as plain functions. Noise is drawn beforehand on both
    sides: ddpm_step is given it, and diffusers' step, which draws its own, finds it in place of its generator's.
    """
    from diffusers.schedulers import scheduling_ddpm
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler
    from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

    functions = Implementation(find("solutions"))._loader.function
    ddpm_step, ddim_step = functions("ddpm_step", "ddpm_step"), functions("ddim_step", "ddim_step")
    schedule, rounds = linear_schedule(1000, torch.float32), 15 if quick else 60
    x_t, eps, noise = draw(POINTS, 2), draw(POINTS, 2, seed=1), draw(POINTS, 2, seed=2)
    ts = list(range(980, 0, -20))

    ddpm = DDPMScheduler(variance_type="fixed_small", clip_sample=False)

    def ours_ddpm(t: int) -> Tensor:
        return ddpm_step(x_t, t, eps, schedule, noise)

    def theirs_ddpm(t: int) -> Tensor:
        return ddpm.step(eps, t, x_t).prev_sample

    ddim = DDIMScheduler(clip_sample=False, set_alpha_to_one=True, steps_offset=0)
    ddim.set_timesteps(50)

    def ours_ddim(t: int) -> Tensor:
        return ddim_step(x_t, t, t - 20, eps, schedule)

    def theirs_ddim(t: int) -> Tensor:
        return ddim.step(eps, t, x_t).prev_sample

    pairs = []
    with mock.patch.object(scheduling_ddpm, "randn_tensor", return_value=noise):
        for name, mine, other in (("ddpm_step", ours_ddpm, theirs_ddpm), ("ddim_step", ours_ddim, theirs_ddim)):
            for t in ts:
                agree(f"{name} at t = {t}", mine(t), other(t))
            times = in_turns(partial(_each, mine, ts), partial(_each, other, ts), rounds)
            per_step = times[0] / len(ts), times[1] / len(ts)
            pairs.append(Pair(f"{name} (2048, 2)", *per_step, "diffusers' scheduler", 2.0))
    return pairs


def _each(step: Callable[[int], Tensor], ts: list[int]) -> None:
    for t in ts:
        step(t)


def dense(a: Tensor, b: Tensor) -> float:
    """The Chamfer distance by a matrix of all distances, in float64 as the tree works."""
    square = torch.cdist(a.double(), b.double(), compute_mode="donot_use_mm_for_euclid_dist").square()
    return float(square.amin(dim=1).sum() + square.amin(dim=0).sum())


def chamfer(quick: bool) -> list[Pair]:
    """The KD-tree against the dense matrix, on two draws of the spiral."""
    a, b = (make_dataset("swiss_roll", POINTS, seed) for seed in (1, 2))
    agree("chamfer_distance", torch.tensor(chamfer_distance(a, b)), torch.tensor(dense(a, b)))
    times = in_turns(lambda: chamfer_distance(a, b), lambda: dense(a, b), 15 if quick else 60)
    return [Pair("chamfer_distance, 2,048 points", *times, "dense cdist", 6.0)]


def chamfer_scaling(quick: bool) -> list[tuple[int, float]]:
    """(points, seconds) for clouds of growing size, the best of three up to 100,000 points, once beyond."""
    rows = []
    for size in QUICK_SIZES if quick else FULL_SIZES:
        a, b = (make_dataset("swiss_roll", size, seed) for seed in (1, 2))
        rows.append((size, min(seconds(partial(chamfer_distance, a, b)) for _ in range(3 if size <= 100_000 else 1))))
    return rows


def slope(rows: list[tuple[int, float]], smallest: int = 3_000) -> float:
    """The exponent p of seconds ~ points^p, by least squares on logarithms, from `smallest` points up."""
    import numpy as np

    kept = [(n, s) for n, s in rows if n >= smallest]
    points, spent = np.log(np.array(kept, dtype=float)).T
    return float(np.polyfit(points, spent, 1)[0])


def run(*arguments: str) -> None:
    """One Python process from the repository's root, output thrown away; a failing suite still counts as run.

    Byte code is kept, as on a user's machine: without it, pytest writes every assertion anew in each run.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=kept, capture_output=True, check=False)


def suites(quick: bool) -> list[Pair]:
    """The suites on the solutions, and the first screen of the stubs, as processes against `import torch`."""
    unit = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests").glob("test_[1-5]_*.py"))
    times = 2 if quick else 5
    bare = ("-c", "import torch")
    whole = in_turns(lambda: run("-m", "pytest", "-q", *unit, "--impl", "solutions"), lambda: run(*bare), times)
    first = in_turns(lambda: run("-m", "pytest"), lambda: run(*bare), times)
    return [
        Pair("all suites, solutions", *whole, "bare import torch", 3.5, at_most=True),
        Pair("first screen, stubs", *first, "bare import torch", 1.6, at_most=True),
    ]


def isolated(quick: bool) -> list[Pair]:
    """Training with the loss behind the pipe against training with it in this process: seconds a step."""
    setting = Setting()
    recipe = replace(RECIPES["kata"], steps=100 if quick else 500)
    data = setting.points("train", 65_536)
    inside = Implementation(find("solutions"))

    def steps_of(impl: Any) -> None:
        train(impl, data, setting.schedule, recipe, seed=0)

    with IsolatedImplementation(find("solutions")) as outside:
        times = in_turns(lambda: steps_of(outside), lambda: steps_of(inside), 3 if quick else 5)
        tier = outside.tier
    per_step = times[0] / recipe.steps, times[1] / recipe.steps
    return [Pair(f"training step, isolated ({tier})", *per_step, "in process", 1.25, at_most=True)]


def recipes(quick: bool) -> list[Pair]:
    """Training by our recipe against the course's, whole recipes, from a part of each recipe's steps."""
    setting, part = Setting(), 100 if quick else 1000
    data, impl = setting.points("train", 65_536), Implementation(find("solutions"))

    def some(name: str) -> None:
        train(impl, data, setting.schedule, replace(RECIPES[name], steps=part), seed=0)

    ours, theirs = in_turns(lambda: some("kata"), lambda: some("course"), 3)
    whole = ours / part * RECIPES["kata"].steps, theirs / part * RECIPES["course"].steps
    return [Pair("training, kata recipe", *whole, "the course's recipe", 0.5, at_most=True)]


PIECES = {
    "steps": steps,
    "chamfer": chamfer,
    "suites": suites,
    "isolated": isolated,
    "recipes": recipes,
}
