"""The two samplers against each other: the same network and the same starting noise, few steps or many."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from grading.experiment.distances.chamfer import chamfer_distance
from grading.experiment.distances.sliced_wasserstein import Floor, reference, wasserstein_floor
from grading.experiment.networks.training import Progress
from grading.experiment.path.recorder import Recorder
from grading.experiment.stages import SAMPLERS, Setting, floor
from grading.experiment.watched_network import Network, Watched, check_samples

STEPS = (5, 10, 20, 50, 100, 250, 1000)
ETAS = (0.0, 0.5, 1.0)
NAMES = {0.0: "DDIM", 0.5: "eta = 0.5", 1.0: "DDPM, strided"}  # eta = 1 adds as much noise as DDPM does


@dataclass(frozen=True)
class Row:
    """One run of ddim_sample: how far its points are from fresh data, by either distance, and how long it took."""

    eta: float
    steps: int
    chamfer: float
    wasserstein: float
    seconds: float
    samples: Tensor = field(repr=False)


@dataclass(frozen=True)
class Comparison:
    """All runs, and what to read them against.

    Attributes:
        rows: one for each eta and number of steps.
        floor: the Chamfer distance of two fresh draws of the data.
        wasserstein_floor: what a fresh draw has for sliced Wasserstein distance, and how much that varies.
        data: (n, 2), a fresh draw.
        x_T: (n, 2), where every run started.
    """

    rows: list[Row]
    floor: float
    wasserstein_floor: Floor
    data: Tensor = field(repr=False)
    x_T: Tensor = field(repr=False)

    def of(self, eta: float) -> list[Row]:
        """The runs with one eta, the fewest steps first."""
        return sorted((row for row in self.rows if row.eta == eta), key=lambda row: row.steps)

    def row(self, eta: float, steps: int) -> Row:
        return next(row for row in self.rows if (row.eta, row.steps) == (eta, steps))

    @property
    def etas(self) -> list[float]:
        return sorted({row.eta for row in self.rows})

    @property
    def steps(self) -> list[int]:
        return sorted({row.steps for row in self.rows})

    def moved(self, eta: float, few: int, many: int) -> float:
        """How far apart, in the middle, the ends of two runs are that the same x_T led to."""
        return float((self.row(eta, few).samples - self.row(eta, many).samples).norm(dim=1).median())


def compare(
    impl: Any,
    network: Network,
    setting: Setting,
    steps: Sequence[int] = STEPS,
    etas: Sequence[float] = ETAS,
    progress: Progress | None = None,
) -> Comparison:
    """Run impl.ddim_sample with every number of steps and every eta, from the same x_T.

    Args:
        impl: the implementation.
        network: what it samples with, as trained with its own loss.
        setting: data set, seed, device and number of points.
        steps, etas: what to try.
        progress: called as progress("compare", done, total) after each run; total is the sum of all steps.

    Raises:
        SubmissionError, SamplesRejected: the implementation cannot do it.
    """
    held_out, x_T = setting.points("held-out", setting.num_points), starting_noise(setting, setting.num_points)
    distance = reference(setting.dataset, setting.num_points, setting.seed_for("reference"))
    rows, done = [], 0
    for eta in etas:
        for count in steps:
            started = time.perf_counter()
            samples = sample(impl, "ddim", network, x_T, setting, count, eta)
            if samples.is_cuda:
                torch.cuda.synchronize(samples.device)
            seconds = time.perf_counter() - started
            distances = chamfer_distance(samples, held_out), distance(samples)
            rows.append(Row(eta, count, *distances, seconds, samples.cpu()))
            done += count
            if progress is not None:
                progress("compare", done, sum(steps) * len(etas))
    floors = (floor(setting.dataset, setting.num_points), wasserstein_floor(setting.dataset, setting.num_points))
    return Comparison(rows, *floors, held_out.cpu(), x_T.cpu())


def walks(
    impl: Any,
    network: Network,
    setting: Setting,
    num_points: int,
    progress: Progress | None = None,
    samplers: Sequence[str] = SAMPLERS,
) -> dict[str, list[tuple[int, Tensor]]]:
    """Each sampler's way from the same x_T: title -> [(t, x_t (n, 2)), ...], x_T first, (-1, x_0) last. On the CPU."""
    found = [walk(impl, network, setting, num_points, name, progress=progress) for name in samplers]
    return {f"{name.upper()}, {len(way) - 1} steps": way for name, way in zip(samplers, found)}


def walk(
    impl: Any,
    network: Network,
    setting: Setting,
    num_points: int,
    name: str,
    eta: float = 0.0,
    progress: Progress | None = None,
) -> list[tuple[int, Tensor]]:
    """The way of one sampler, "ddpm" or "ddim": [(t, x_t (n, 2)), ...], x_T first, (-1, x_0) last. On the CPU."""
    T = len(setting.schedule.betas)
    steps = T if name == "ddpm" else setting.num_inference_steps
    model = Recorder(Watched(network, T, name, steps, progress))
    x_0 = sample(impl, name, model, starting_noise(setting, num_points), setting, steps, eta).cpu()
    return [*((int(t.flatten()[0]), x_t) for x_t, t, _ in model.calls), (-1, x_0)]


def starting_noise(setting: Setting, num_points: int) -> Tensor:
    """The same x_T (n, 2) for every sampler."""
    generator = torch.Generator(setting.device).manual_seed(setting.seed_for("x_T"))
    return torch.randn(num_points, 2, device=setting.device, generator=generator)


def sample(impl: Any, name: str, model: Network, x_T: Tensor, setting: Setting, steps: int, eta: float) -> Tensor:
    """Call impl.ddpm_sample or impl.ddim_sample (name "ddpm" or "ddim") and check what comes back."""
    generator = torch.Generator(setting.device).manual_seed(setting.seed_for("noise"))
    if name == "ddpm":
        samples = impl.ddpm_sample(model, x_T.clone(), setting.schedule, generator=generator)
    else:
        samples = impl.ddim_sample(model, x_T.clone(), setting.schedule, steps, eta, generator=generator)
    return check_samples(samples, x_T, f"{name}_sample")


def to_csv(comparison: Comparison) -> str:
    """All runs as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["sampler", "eta", "steps", "chamfer", "sliced_wasserstein", "seconds", "floor", "w_floor", "w_noise"]
    )
    floors = (comparison.floor, comparison.wasserstein_floor.mean, comparison.wasserstein_floor.noise)
    for row in comparison.rows:
        numbers = (row.chamfer, row.wasserstein, row.seconds, *floors)
        writer.writerow([name_of(row.eta), row.eta, row.steps, *(f"{number:.6g}" for number in numbers)])
    return text.getvalue()


def name_of(eta: float) -> str:
    """What a sampler with this eta is called."""
    return NAMES.get(eta, f"eta = {eta:g}")
