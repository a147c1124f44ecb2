"""The experiment: train with a submission's loss, sample with its steps, measure the distance to fresh data."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grading.experiment.data import DATASETS, SHOWN, make_dataset
from grading.experiment.distances.chamfer import chamfer_distance
from grading.experiment.distances.sliced_wasserstein import reference, wasserstein_floor
from grading.experiment.networks.training import RECIPES, Progress, Trained, TrainingFailed, train
from grading.experiment.path.ddpm_path import copy_of, fair_walk
from grading.experiment.path.path_check import check_path
from grading.experiment.path.recorder import Recorder
from grading.experiment.versions import versions
from grading.experiment.watched_network import SamplesRejected, Watched, check_samples
from grading.judging.parts import whole
from grading.machine.threads import one_thread
from grading.submission.contract import NoiseSchedule, linear_schedule
from grading.submission.errors import SubmissionError, UsageError, describe

TRAINING_POINTS = 65_536
FLOOR_DRAWS = 5
SAMPLERS = ("ddpm", "ddim")
BROKEN = "ddpm_loss: the network that it trained answers with numbers beyond all bounds"


@dataclass(frozen=True)
class Setting:
    """Everything that an experiment depends on, apart from the submission."""

    dataset: str = "swiss_roll"
    recipe: str = "kata"
    seed: int = 0
    device: str = "cpu"
    num_points: int = 2048
    num_inference_steps: int = 50

    def __post_init__(self) -> None:
        if self.dataset not in DATASETS:
            raise UsageError(f"there is no data set {self.dataset!r}; the data sets are {', '.join(DATASETS)}")
        if self.recipe not in RECIPES:
            raise UsageError(f"there is no recipe {self.recipe!r}; the recipes are {', '.join(RECIPES)}")
        if self.seed < 0:
            raise UsageError(f"seed must be 0 or more; got {self.seed}")
        if self.num_points < 1:
            raise UsageError(f"num_points must be at least 1; got {self.num_points}")
        if not 1 <= self.num_inference_steps <= len(self.schedule.betas):
            steps = len(self.schedule.betas)
            raise UsageError(f"num_inference_steps must be from 1 to {steps}; got {self.num_inference_steps}")
        if torch.device(self.device).type == "cuda" and not torch.cuda.is_available():
            raise UsageError(f"device {self.device}: torch finds no CUDA device here")

    @property
    def schedule(self) -> NoiseSchedule:
        """DDPM's own: T = 1000, betas evenly from 1e-4 to 0.02."""
        return linear_schedule(1000, torch.float32, self.device)

    def seed_for(self, purpose: str) -> int:
        """An independent seed below 2**32 for each purpose, the same whichever stages run and in which order."""
        key = int.from_bytes(purpose.encode(), "big")
        return int(np.random.SeedSequence([self.seed, key]).generate_state(1)[0])

    def points(self, purpose: str, num_points: int) -> Tensor:
        """A fresh draw of the data set (n, 2) float32, on the device."""
        return make_dataset(self.dataset, num_points, self.seed_for(purpose)).to(self.device)


@dataclass(frozen=True)
class Part:
    """What one sampler made: samples (n, 2) and their distance to fresh data, or a sentence that says why not.

    `unlawful` says why the samples are not where the model led (see path_check); `path` is the walk of SHOWN points,
    x_T first, x_0 last. `fair` is the distance that the grader's own walk reaches with the same network, measured where
    a sampler's noise was not the generator's. `density` is the sliced Wasserstein distance: it sees where points crowd.
    """

    samples: Tensor | None = None
    chamfer: float | None = None
    failure: str | None = None
    seconds: float = 0.0
    unlawful: str | None = None
    path: list[tuple[int, Tensor]] = field(default_factory=list)
    fair: float | None = None
    density: float | None = None

    @property
    def counted(self) -> float | None:
        """The distance that points are given for: no nearer to the data than fair noise leads."""
        return self.chamfer if self.chamfer is None or self.fair is None else max(self.chamfer, self.fair)


@dataclass(frozen=True)
class Experiment:
    """One run, whole even where a stage failed. Tensors are on the CPU."""

    setting: Setting
    data: Tensor
    floor: float
    losses: list[float]
    training_seconds: float
    training_failure: str | None
    ddpm: Part
    ddim: Part
    density_floor: float | None = None
    versions: dict[str, str] = field(default_factory=dict)


def run_experiment(
    impl: Any,
    *,
    dataset: str = "swiss_roll",
    recipe: str = "kata",
    seed: int = 0,
    device: str = "cpu",
    num_points: int = 2048,
    num_inference_steps: int = 50,
    progress: Progress | None = None,
) -> Experiment:
    """Train with impl.ddpm_loss, sample with impl.ddpm_sample and impl.ddim_sample, measure both against fresh data.

    Args:
        impl: anything with those three functions. A grader that gives each stage a fresh one calls the stages itself.
        dataset, recipe: keys of DATASETS and RECIPES.
        seed: decides every draw; the same seed on the same machine gives the same numbers, on the CPU bit for bit.
        device: where network and points live.
        num_points: how many points each sampler makes, and how many fresh ones they are compared with.
        num_inference_steps: how many steps DDIM takes.
        progress: called now and then as progress(stage, done, total), stage one of train, ddpm, ddim.

    Raises:
        UsageError (a ValueError): an argument makes no sense. What the submission does wrong never raises.
    """
    setting = Setting(dataset, recipe, seed, device, num_points, num_inference_steps)
    trained, failure = train_stage(impl, setting, progress)
    parts = {name: sample_stage(impl, name, trained, setting, progress) for name in SAMPLERS}
    return conclude(setting, trained, failure, **parts)


def train_stage(impl: Any, setting: Setting, progress: Progress | None = None) -> tuple[Trained | None, str | None]:
    """Train with impl.ddpm_loss: the trained network, or None and a sentence that says why there is none."""
    data = setting.points("train", TRAINING_POINTS)
    try:
        recipe = RECIPES[setting.recipe]
        return train(impl, data, setting.schedule, recipe, setting.seed_for("weights"), setting.device, progress), None
    except Exception as error:
        return None, sentence(error)


@one_thread()
def sample_stage(
    impl: Any, name: str, trained: Trained | None, setting: Setting, progress: Progress | None = None
) -> Part:
    """Sample with impl.ddpm_sample or impl.ddim_sample (name "ddpm" or "ddim") and measure the result."""
    if trained is None:
        return Part(failure="not run: there is no trained network to sample with")
    steps = len(setting.schedule.betas) if name == "ddpm" else setting.num_inference_steps
    generator = torch.Generator(setting.device).manual_seed(setting.seed_for(name))
    x_T = torch.randn(setting.num_points, 2, device=setting.device, generator=generator)
    given = copy_of(generator)
    watched = Watched(trained.network, len(setting.schedule.betas), name, steps, progress)
    tick = (lambda: progress(name, steps, steps)) if progress else (lambda: None)
    model = Recorder(watched, most=4 * steps * (x_T.numel() + len(x_T)), refusing=tick)
    started = time.perf_counter()
    try:
        if name == "ddpm":
            samples = impl.ddpm_sample(model, x_T.clone(), setting.schedule, generator=generator)
        else:
            samples = impl.ddim_sample(model, x_T.clone(), setting.schedule, steps, 0.0, generator=generator)
        watched.check_timesteps()
        samples = check_samples(samples, x_T, f"{name}_sample")
    except Exception as error:
        failure = sentence(error) if watched.sound else BROKEN
        return Part(failure=failure, seconds=time.perf_counter() - started)
    seconds = time.perf_counter() - started
    if hasattr(impl, "close"):
        impl.close()  # its process has done its work: what it holds is free while the walk is judged
    if not watched.sound:
        return Part(failure=BROKEN, seconds=seconds)
    try:
        return _judged(name, setting, model, x_T, samples, given, seconds, tick)
    except Exception as error:  # whatever has led here: points that cannot be judged are worth none
        return Part(failure=f"the points cannot be judged ({describe(error)})", seconds=seconds)


def _judged(
    name: str,
    setting: Setting,
    model: Recorder,
    x_T: Tensor,
    samples: Tensor,
    given: torch.Generator,
    seconds: float,
    tick: Callable[[], None],
) -> Part:
    """Look at the path, and measure where it led."""
    held_out, lawful = setting.points("held-out", setting.num_points), lawful_timesteps(name, setting)
    eta = None if name == "ddpm" else 0.0
    verdict = check_path(model, x_T, samples, setting.schedule, lawful, eta, held_out, given, tick)
    asked = zip(lawful, whole(model.calls, x_T.cpu())) if verdict.lawful else ()
    chamfer, fair = chamfer_distance(samples, held_out), None
    if verdict.chosen:
        own = torch.Generator(setting.device).manual_seed(setting.seed_for("fair walk"))
        fair = chamfer_distance(fair_walk(model.model, x_T, setting.schedule, own, tick), held_out)
    points = samples.cpu()
    density = reference(setting.dataset, setting.num_points, setting.seed_for("density"))(points)
    path = [*((t, x_t[:SHOWN].clone()) for t, (x_t, _, _) in asked), (-1, points[:SHOWN])]
    return Part(points, chamfer, None, seconds, verdict.sentence or None, path, fair, density)


def lawful_timesteps(name: str, setting: Setting) -> list[int]:
    """The timesteps that a right sampler visits, the noisiest first: all of them, or those of DDIM's strides."""
    T, S = len(setting.schedule.betas), setting.num_inference_steps
    return list(range(T))[::-1] if name == "ddpm" else [i * (T // S) for i in reversed(range(S))]


def conclude(setting: Setting, trained: Trained | None, failure: str | None, ddpm: Part, ddim: Part) -> Experiment:
    """Put the stages' results together, with the held-out points and the floor to read them against."""
    return Experiment(
        setting=setting,
        data=setting.points("held-out", setting.num_points).cpu(),
        floor=floor(setting.dataset, setting.num_points),
        density_floor=wasserstein_floor(setting.dataset, setting.num_points).mean,
        losses=trained.losses if trained else [],
        training_seconds=trained.seconds if trained else 0.0,
        training_failure=failure,
        ddpm=ddpm,
        ddim=ddim,
        versions=versions(),
    )


def sentence(error: Exception) -> str:
    """What went wrong, in one sentence for the author of the submission."""
    plain = isinstance(error, (TrainingFailed, SamplesRejected, SubmissionError))
    return str(error) if plain else describe(error)


@cache
def floor(dataset: str, num_points: int) -> float:
    """What a perfect sampler scores: the mean distance of two independent draws of the data. Always the same draws."""
    draws = [make_dataset(dataset, num_points, 1000 + i) for i in range(2 * FLOOR_DRAWS)]
    return sum(map(chamfer_distance, draws[::2], draws[1::2])) / FLOOR_DRAWS
