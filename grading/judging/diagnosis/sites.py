"""Where the steps are measured: inside the schedule, and at each of its edges, where real people slip."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import cycle

import numpy as np
import torch

from grading.judging.diagnosis.search.formulas import FORMULAS
from grading.judging.diagnosis.search.values import Numbers
from grading.judging.examples import COARSE
from grading.submission.contract import NoiseSchedule, schedule_from


@dataclass(frozen=True)
class Site:
    """A schedule and a place in it; t_prev and eta belong to DDIM alone."""

    schedule: NoiseSchedule
    t: int
    t_prev: int = -1
    eta: float = 0.0

    def shown(self, function: str) -> str:
        jump = f" -> t_prev={self.t_prev}, eta={self.eta:g}" if function == "ddim_step" else ""
        return f"t={self.t}{jump}, T={len(self.schedule.betas)}"


UNEVEN = schedule_from(torch.tensor([0.03, 0.2, 0.1, 0.35, 0.25, 0.4, 0.15], dtype=torch.float64))
DICE = torch.Generator().manual_seed(5)
RANDOM = tuple(schedule_from(0.05 + 0.4 * torch.rand(T, generator=DICE, dtype=torch.float64))
               for T in (5, 6, 7, 8, 9, 11, 12, 13, 10))  # fmt: skip
MIDDLE, HIGH, BELOW = (1, 2, 4, 6, 7, 9, 2, 5, 3), (3, 4, 4, 3, 5, 6, 7, 2, 8), (1, 1, 2, 1, 3, 2, 4, 1, 2)  # t in each
ETAS = (0.5, 0.25, 0.75, 1.0, 0.625, 0.125, 0.375, 0.875, 0.5)  # of few binary digits: the same numbers in float32
JUMPS = (
    (COARSE, 8, 4, 0.5), (COARSE, 7, 3, 0.25), (COARSE, 6, 2, 0.75), (COARSE, 5, 3, 1.0), (COARSE, 4, 2, 0.625),
    (COARSE, 8, 1, 0.875), (COARSE, 3, 1, 0.0625), (COARSE, 7, 6, 0.375), (COARSE, 5, 1, 0.125),
    (UNEVEN, 5, 2, 0.375), (UNEVEN, 4, 1, 0.75), (UNEVEN, 5, 3, 0.875), (UNEVEN, 3, 1, 0.1875),
)  # fmt: skip


@cache
def inside(function: str) -> tuple[Site, ...]:
    """Places with neighbours on both sides, none of them special."""
    if function == "ddim_step":
        return tuple(Site(*jump) for jump in JUMPS)
    return (*(Site(COARSE, t) for t in range(2, 9)), *(Site(UNEVEN, t) for t in range(2, 6)))


@cache
def edges(function: str) -> dict[str, tuple[Site, ...]]:
    """By name, the places where something else may hold; each in several schedules."""
    if function != "ddim_step":
        found = {"t = 0": _each((0,)), "t = 1": _each((1,)), "t = T - 1": _each((-1,))}
        return {name: sites for name, sites in found.items() if name != "t = 1" or function == "ddpm_step"}
    return {
        "t_prev = -1": _each(MIDDLE, (-1,), (0.0,)),
        "t_prev = -1 and eta > 0": _each(MIDDLE, (-1,)),
        "t_prev = 0": _each(MIDDLE, (0,)),
        "eta = 0": _each(HIGH, BELOW, (0.0,)),
        "t = 0": _each((0,), (-1,)),
        "t = T - 1": _each((-1,), (2,)),
        "t = T - 1 and t_prev = -1": _each((-1,), (-1,)),
    }


def _each(t: tuple[int, ...], t_prev: tuple[int, ...] = (-1,), eta: tuple[float, ...] = ETAS) -> tuple[Site, ...]:
    """A place in each schedule, t counted from its end where it is negative."""
    places = zip(RANDOM, cycle(t), cycle(t_prev), cycle(eta))
    return tuple(Site(schedule, at % len(schedule.betas), prev, e) for schedule, at, prev, e in places)


BEFORE = {"beta": float("nan"), "alpha": 1.0, "ab": 1.0}  # where a table has no entry, before the first step


@cache
def letters_at(function: str, sites: tuple[Site, ...]) -> dict[str, Numbers]:
    """Every letter of the formula as a column of numbers, one for each site, and the unit vectors."""
    rows = [_letters(site, site.t_prev if function == "ddim_step" else site.t - 1) for site in sites]
    letters = {name: np.array([[row[name]] for row in rows]) for name in rows[0]}
    if not letters["eta"].any():
        letters["sigma"] = letters["eta"]  # whatever its formula is, were it not for eta
    vectors = FORMULAS[function][0].vectors
    return letters | {name: np.eye(len(vectors))[None, i] for i, name in enumerate(vectors)}


def _letters(site: Site, prev: int) -> dict[str, float]:
    t, last, found = site.t, len(site.schedule.betas) - 1, {"eta": site.eta}
    places = {"": t, "_before": t - 1, "_after": t + 1, "_two": t - 2, "_mirror": last - t, "_last": last, "_first": 0,
              "_prev": prev, "_prev_after": prev + 1, "_prev_before": prev - 1}  # fmt: skip
    for name, table in zip(BEFORE, site.schedule):
        for where, index in places.items():
            inside = float(table[index]) if 0 <= index <= last else float("nan")
            found[name + where] = BEFORE[name] if index < 0 else inside
    return found | {"beta_bar": float(site.schedule.betas[: t + 1].prod())}
