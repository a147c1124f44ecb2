"""`python -m grading.bench gpu`: what a GPU makes of all this, in a few minutes, as JSON and as a table for the README.

Each part takes a device and sizes, so that each can be tried on a CPU. A part that fails says why, and the rest go on.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from grading.experiment.data import make_dataset
from grading.experiment.distances.chamfer import chamfer_distance
from grading.experiment.networks.training import RECIPES, train
from grading.experiment.stages import TRAINING_POINTS, Setting
from grading.grade.grade import grade
from grading.machine.files import write_whole
from grading.submission.contract import linear_schedule
from grading.submission.errors import UsageError
from grading.submission.implementation import Implementation, find
from grading.suites.runner import run_suites

WAITING = "called a synchronizing CUDA operation"  # torch's words, in its warning


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    particles: int = 1_000_000
    cloud: int = 1_000_000
    training_steps: int = 200
    training_points: int = TRAINING_POINTS
    suites: list[Path] | None = None  # all five
    setting: dict[str, Any] = field(default_factory=dict)  # of the grade, where it is not the usual one


@dataclass(frozen=True)
class Finding:
    """One figure: what was measured, what came out, what is wanted of it, and whether that was reached."""

    what: str
    found: str
    wanted: str = ""
    reached: bool | None = None
    numbers: dict[str, float] = field(default_factory=dict)


def measure(path: Path, sizes: Sizes | None = None) -> list[Finding]:
    """Run every part on the GPU, and write what was found to path as JSON.

    Raises:
        UsageError: there is no GPU here.
    """
    if not torch.cuda.is_available():
        raise UsageError("python -m grading.bench gpu: torch finds no CUDA device here")
    found, sizes = [], sizes or Sizes()
    for part in PARTS:
        try:
            found += part("cuda", sizes)
        except Exception as error:
            found.append(Finding(part.__name__, f"{type(error).__name__}: {error}", reached=False))
    report = {"device": torch.cuda.get_device_name(), "torch": torch.__version__, "date": f"{date.today()}"}
    write_whole(path, json.dumps(report | {"found": [asdict(finding) for finding in found]}, indent=2))
    return found


def markdown(found: list[Finding]) -> str:
    """The findings as a table, ready for the README."""
    rows = [f"| {f.what} | {f.found} | {f.wanted} |" for f in found]
    return "\n".join([f"| {torch.cuda.get_device_name()} | | wanted |", "|---|---|---|", *rows])


def timed(device: str, work: Callable[[], Any]) -> tuple[Any, float]:
    """What work returns, and the seconds until the device has done it."""
    settle(device)
    started = time.perf_counter()
    made = work()
    settle(device)
    return made, time.perf_counter() - started


def settle(device: str) -> None:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()


def waits(device: str, work: Callable[[], Any]) -> int:
    """How often work makes the host wait for the GPU."""
    on_gpu = torch.device(device).type == "cuda"
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        if on_gpu:
            torch.cuda.set_sync_debug_mode("warn")
        try:
            work()
        finally:
            if on_gpu:
                torch.cuda.set_sync_debug_mode("default")
    return sum(WAITING in str(warning.message) for warning in seen)


def suites(device: str, sizes: Sizes) -> list[Finding]:
    """The five suites on the solutions, all tensors on the device."""
    outcomes, seconds = timed(device, lambda: run_suites("solutions", "--device", device, files=sizes.suites))
    passed = sum(outcome.status == "passed" for outcome in outcomes)
    found = f"{passed} of {len(outcomes)} tests pass, {seconds:.1f} s"
    return [Finding("the five suites", found, "all pass", passed == len(outcomes), {"seconds": seconds})]


def whole_grade(device: str, sizes: Sizes) -> list[Finding]:
    """`kata grade --impl solutions --device cuda`, after the imports."""
    made, seconds = timed(device, lambda: grade("solutions", Setting(device=device, **sizes.setting)))
    distances = {part.name: part.chamfer for part in made.result.samplers}
    shown = ", ".join(f"{name} {distance:.2f}" for name, distance in distances.items() if distance is not None)
    stages = {f"{name} seconds": value for name, value in made.result.seconds.items()}
    found = f"{seconds:.1f} s, {made.result.points:g} points, {shown}"
    reached = None if device == "cpu" else seconds <= 10  # the goal is a GPU's
    return [Finding("a whole grade, after imports", found, "10 s", reached, stages)]


def particles(device: str, sizes: Sizes) -> list[Finding]:
    """Many points through a short walk: DDIM with 50 steps, network and steps on the device."""
    impl, setting = Implementation(find("solutions")), Setting(device=device)
    network = trained(impl, setting, sizes)
    x_T = torch.randn(sizes.particles, 2, device=device, generator=torch.Generator(device).manual_seed(0))

    def walk() -> Tensor:
        return impl.ddim_sample(network, x_T, setting.schedule, 50)

    walk()
    _, seconds = timed(device, walk)
    found = f"{seconds:.2f} s, {sizes.particles / seconds:,.0f} points a second"
    return [Finding(f"{sizes.particles:,} points through DDIM-50", found, "", None, {"seconds": seconds})]


def trained(impl: Any, setting: Setting, sizes: Sizes) -> Any:
    """A network after a few steps of training: as quick as any other."""
    data, recipe = setting.points("train", sizes.training_points), replace(RECIPES["kata"], steps=sizes.training_steps)
    return train(impl, data, setting.schedule, recipe, 0, setting.device).network


def distances(device: str, sizes: Sizes) -> list[Finding]:
    """The Chamfer distance by tiles on the device, and by a tree on the CPU."""
    a, b = (make_dataset("swiss_roll", sizes.cloud, seed) for seed in (1, 2))
    near, far = a.to(device), b.to(device)
    here, here_seconds = timed("cpu", lambda: chamfer_distance(a, b))
    there, there_seconds = timed(device, lambda: chamfer_distance(near, far))
    gap = abs(here - there) / here
    found = f"{there_seconds:.2f} s, by a tree on the CPU {here_seconds:.2f} s; they differ by {gap:.1g} of it"
    numbers = {"seconds": there_seconds, "tree seconds": here_seconds, "gap": gap}
    return [Finding(f"Chamfer distance of {sizes.cloud:,} points", found, "1e-3 of it", gap <= 1e-3, numbers)]


def agreement(device: str, sizes: Sizes) -> list[Finding]:
    """The functions of the contract on the CPU and on the device, in float64: the largest gap."""
    impl, schedule = Implementation(find("solutions")), linear_schedule(device="cpu")
    x, eps, noise = (
        torch.randn(512, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) for seed in range(3)
    )
    t = torch.arange(512)
    calls: dict[str, tuple] = {
        "q_sample": (x, t, schedule, noise),
        "ddpm_loss": (_guess, x, t, schedule, noise),
        "ddpm_step": (x, 500, eps, schedule, noise),
        "ddim_step": (x, 500, 480, eps, schedule, 0.5, noise),
        "ddim_sample": (_guess, x, schedule, 50),
    }
    gaps = {}
    for name, arguments in calls.items():
        there = [value.to(device=device) if hasattr(value, "to") else value for value in arguments]
        ours, theirs = getattr(impl, name)(*arguments), getattr(impl, name)(*there)
        gaps[name] = float((ours - theirs.cpu()).abs().max())
    worst = max(gaps.values())
    found = f"{worst:.1g} at most, over {len(gaps)} functions"
    return [Finding("CPU and GPU differ by", found, "1e-10", worst <= 1e-10, gaps)]


def _guess(x_t: Tensor, t: Tensor) -> Tensor:
    return 0.3 * x_t


def waiting(device: str, sizes: Sizes) -> list[Finding]:
    """How often the host waits for the device while it trains, and while it walks."""
    impl, setting = Implementation(find("solutions")), Setting(device=device)
    made: list[Any] = []
    training = waits(device, lambda: made.append(trained(impl, setting, sizes)))
    x_T = torch.randn(1024, 2, device=device)
    walking = waits(device, lambda: impl.ddim_sample(made[0], x_T, setting.schedule, 50))
    steps = sizes.training_steps
    return [
        Finding(f"waits in {steps} steps of training", f"{training}", "fewer than 1 in 10", training < steps / 10),
        Finding("waits in a walk of 50 steps", f"{walking}", "one a step", walking <= 2 * 50),
    ]


PARTS = (suites, whole_grade, particles, distances, agreement, waiting)
