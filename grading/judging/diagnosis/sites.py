"""Where the steps are measured: inside the schedule, and at each of its edges, where real people slip."""

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import torch

from grading.judging import closed_form
from grading.judging.diagnosis.search.formulas import FORMULAS
from grading.judging.diagnosis.search.values import Numbers
from grading.submission.contract import NoiseSchedule, schedule_from


@dataclass(frozen=True)
class Site:
    """A schedule and a place in it; t_prev, eta and whether there is noise belong to DDIM alone."""

    schedule: NoiseSchedule
    t: int
    t_prev: int = -1
    eta: float = 0.0
    has_noise: bool = True

    def shown(self, function: str) -> str:
        jump = f" -> t_prev={self.t_prev}, eta={self.eta:g}" if function == "ddim_step" else ""
        return f"t={self.t}{jump}, T={len(self.schedule.betas)}"


UNEVEN = schedule_from(torch.tensor([0.03, 0.2, 0.1, 0.35, 0.25, 0.4, 0.15], dtype=torch.float64))
DICE = torch.Generator().manual_seed(5)
RANDOM = tuple(schedule_from(0.05 + 0.4 * torch.rand(T, generator=DICE, dtype=torch.float64))
               for T in (5, 6, 7, 8, 9, 11, 12, 13, 10, 1, 1, 1))  # fmt: skip
SCHEDULES = (*RANDOM, *3 * (schedule_from(closed_form.linear_beta_schedule(1000).double()),))
MIDDLE, BELOW = (3, 4, 4, 3, 5, 6, 7, 2, 8, 0, 0, 0, 103, 517, 911), (1, 1, 2, 1, 3, 2, 4, 1, 2, 0, 0, 0, 98, 250, 910)
INSIDE = {"eta > 0", "t_prev > 0"}  # nothing special
RARE = {"T = 1", "T = 1000", "t = 0", "t = 1", "t = T - 1", "noise = None"}  # what holds elsewhere may not hold there
ETAS = 2 * (0.5, 0.25, 0.75, 1.0, 0.625, 0.125, 0.375, 0.875)  # of few binary digits: the same numbers in float32


def inside(function: str) -> tuple[Site, ...]:
    """Places with neighbours on both sides, none of them special."""
    return next(sites for what, sites in _places(function).items() if what <= INSIDE)


def edges(function: str) -> dict[frozenset[str], tuple[Site, ...]]:
    """Places where something else may hold, each in several schedules, by all that is special about them."""
    return {what: sites for what, sites in _places(function).items() if not what <= INSIDE}


@cache
def _places(function: str) -> dict[frozenset[str], tuple[Site, ...]]:
    found: dict[frozenset[str], tuple[Site, ...]] = {}
    for schedule, middle, below, eta in zip(SCHEDULES, MIDDLE, BELOW, ETAS):
        last = len(schedule.betas) - 1
        ts, prevs = ({middle}, {below}) if last > 100 else ({0, 1, middle, last}, {-1, 0, below})
        hows = ((eta, True), (0.0, True), (0.0, False))
        jumps = product(ts, prevs, hows) if function == "ddim_step" else product(ts, (-1,), hows[:1])
        for site in (Site(schedule, t, prev, *how) for t, prev, how in jumps if prev < t <= last):
            what = frozenset(mark for mark, holds in _marks(function, site, last).items() if holds)
            found[what] = (*found.get(what, ()), site)
    return found


def _marks(function: str, site: Site, last: int) -> dict[str, bool]:
    """All that may be special about a place, and whether it is."""
    t, prev, eta = site.t, site.t_prev, site.eta
    marks = {"T = 1": last == 0, "T = 1000": last == 999, "t = 0": t == 0 < last, "t = T - 1": t == last > 0}
    if function != "ddim_step":
        return marks | {"t = 1": function == "ddpm_step" and t == 1}
    return marks | {"t_prev = -1": prev == -1 and last > 0, "t_prev = 0": prev == 0, "t_prev > 0": prev > 0,
                    "eta = 0": eta == 0, "eta > 0": eta > 0, "noise = None": not site.has_noise}  # fmt: skip


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
    t, last = site.t, len(site.schedule.betas) - 1
    found = {"eta": site.eta, "eta_int": int(site.eta), "eta_round": round(site.eta)}
    places = {"": t, "_before": t - 1, "_after": t + 1, "_two": t - 2, "_mirror": last - t, "_last": last, "_first": 0,
              "_prev": prev, "_prev_after": prev + 1, "_prev_before": prev - 1}  # fmt: skip
    for name, table in zip(BEFORE, site.schedule):
        for where, index in places.items():
            inside = float(table[index]) if 0 <= index <= last else float("nan")
            found[name + where] = BEFORE[name] if index < 0 else inside
    return found | {"beta_bar": float(site.schedule.betas[: t + 1].prod())}
