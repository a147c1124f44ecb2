"""The two samplers against each other: the same network and the same starting noise, few steps or many."""

from __future__ import annotations

import csv
import io
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from grading.experiment.chamfer import chamfer_distance
from grading.experiment.recorder import Recorder
from grading.experiment.stages import SAMPLERS, Setting, floor
from grading.experiment.training import Progress
from grading.experiment.watched_network import Network, Watched, check_samples

STEPS = (5, 10, 20, 50, 100, 250, 1000)
ETAS = (0.0, 0.5, 1.0)
NAMES = {0.0: "DDIM", 0.5: "eta = 0.5", 1.0: "DDPM, strided"}  # eta = 1 adds as much noise as DDPM does

ALIKE = 1.25  # distances of one draw each that differ by less are called about the same


@dataclass(frozen=True)
class Row:
    """One run of ddim_sample: how far its points are from fresh data, and how long it took."""

    eta: float
    steps: int
    chamfer: float
    seconds: float


@dataclass(frozen=True)
class Comparison:
    """All runs, and the floor to read them against."""

    rows: list[Row]
    floor: float
    num_points: int

    def of(self, eta: float) -> list[Row]:
        """The runs with one eta, the fewest steps first."""
        return sorted((row for row in self.rows if row.eta == eta), key=lambda row: row.steps)

    @property
    def etas(self) -> list[float]:
        return sorted({row.eta for row in self.rows})


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
    rows, done = [], 0
    for eta in etas:
        for count in steps:
            started = time.perf_counter()
            samples = sample(impl, "ddim", network, x_T, setting, count, eta)
            if samples.is_cuda:
                torch.cuda.synchronize(samples.device)
            seconds = time.perf_counter() - started
            rows.append(Row(eta, count, chamfer_distance(samples, held_out), seconds))
            done += count
            if progress is not None:
                progress("compare", done, sum(steps) * len(etas))
    return Comparison(rows, floor(setting.dataset, setting.num_points), setting.num_points)


def walks(
    impl: Any,
    network: Network,
    setting: Setting,
    num_points: int,
    progress: Progress | None = None,
    samplers: Sequence[str] = SAMPLERS,
) -> dict[str, list[tuple[int, Tensor]]]:
    """Each sampler's way from the same x_T: title -> [(t, x_t (n, 2)), ...], x_T first, (-1, x_0) last. On the CPU."""
    x_T, T = starting_noise(setting, num_points), len(setting.schedule.betas)
    found = {}
    for name in samplers:
        steps = T if name == "ddpm" else setting.num_inference_steps
        model = Recorder(Watched(network, T, name, steps, progress))
        x_0 = sample(impl, name, model, x_T, setting, steps, 0.0).cpu()
        states = [(int(t.flatten()[0]), x_t) for x_t, t, _ in model.calls]
        found[f"{name.upper()}, {len(states)} steps"] = [*states, (-1, x_0)]
    return found


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
    """All runs as CSV: sampler, eta, steps, chamfer, seconds, floor."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["sampler", "eta", "steps", "chamfer", "seconds", "floor"])
    for row in comparison.rows:
        numbers = [f"{row.chamfer:.6g}", f"{row.seconds:.4g}", f"{comparison.floor:.6g}"]
        writer.writerow([name_of(row.eta), row.eta, row.steps, *numbers])
    return text.getvalue()


def name_of(eta: float) -> str:
    """What a sampler with this eta is called."""
    return NAMES.get(eta, f"eta = {eta:g}")


def in_words(comparison: Comparison) -> str:
    """Say what is to be seen, in one paragraph; every statement is worked out from the numbers."""
    few, many = (pick(row.steps for row in comparison.rows) for pick in (min, max))
    said = [_order(comparison, few)]
    if many > few:
        said += [_order(comparison, many), _enough(comparison), _time(comparison, few, many)]
    best = min(comparison.rows, key=lambda row: row.chamfer)
    said.append(
        f"The nearest of all is {name_of(best.eta)} with {best.steps} steps, {times(best.chamfer / comparison.floor)} "
        f"the floor of {comparison.floor:.2f}, which two fresh draws of {comparison.num_points} points are apart."
    )
    return " ".join(said)


def _order(comparison: Comparison, steps: int) -> str:
    """Who is nearest and who farthest with this many steps; or, where they are close, that they are."""
    ranked = sorted((row for row in comparison.rows if row.steps == steps), key=lambda row: row.chamfer)
    first, last = ranked[0], ranked[-1]
    if last.chamfer < ALIKE * first.chamfer:
        return f"With {steps} steps all are about equally far off (Chamfer {first.chamfer:.3g} to {last.chamfer:.3g})."
    return (
        f"With {steps} steps {name_of(first.eta)} comes nearest to the data (Chamfer {first.chamfer:.3g}), and "
        f"{name_of(last.eta)} stays farthest ({last.chamfer:.3g}): {times(last.chamfer / first.chamfer)} as much."
    )


def _enough(comparison: Comparison) -> str:
    """From how many steps on each sampler stays within twice its own best."""
    parts = []
    for eta in comparison.etas:
        rows = comparison.of(eta)
        late = [row.steps for row in rows if row.chamfer > 2 * min(row.chamfer for row in rows)]
        enough = next((row.steps for row in rows if row.steps > max(late, default=0)), None)
        parts.append(f"{name_of(eta)} {f'from {enough} steps on' if enough else 'not even at the end'}")
    return f"Within twice the best that it reaches is {', '.join(parts)}."


def _time(comparison: Comparison, few: int, many: int) -> str:
    by_steps = {n: statistics.median(r.seconds for r in comparison.rows if r.steps == n) for n in (few, many)}
    return (
        f"{many} steps took {times(by_steps[many] / by_steps[few])} the time of {few}: "
        f"{by_steps[many]:.2g} s against {by_steps[few]:.2g} s."
    )


def times(ratio: float) -> str:
    """A ratio in words: `1.3 times`, `48 times`."""
    return f"{ratio:.1f} times" if ratio < 10 else f"{ratio:,.0f} times"
