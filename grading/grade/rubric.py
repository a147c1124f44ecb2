"""What a submission is worth: points for each task, and bands of Chamfer distance for the samples.

A band's threshold is a distance, or a multiple of the floor: the distance between two draws of the data themselves. The
second kind means the same for every data set and every number of points.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grading.submission.errors import UsageError
from grading.submission.katas import Task, tasks
from grading.submission.toml_rows import checked

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).parent
DEFAULT = HERE / "rubric.toml"
NAMED = {"course": HERE / "rubric_course.toml"}  # the other rubrics that come with the kata
SAMPLERS = ("ddpm", "ddim")
OTHERS = ("tasks", "accept", "partial", "prove")
MOST = 1e6  # of points, and of a threshold: a typing mistake lies beyond


@dataclass(frozen=True)
class Band:
    """`points` for a Chamfer distance below `below`, which counts in floors where `floors` says so."""

    below: float
    points: float
    floors: bool = False


def points_for(chamfer: float | None, bands: Sequence[Band]) -> float:
    """Points of the first band that a Chamfer distance fits; 0 for none, for None and for NaN."""
    if chamfer is None:
        return 0.0
    return next((band.points for band in bands if chamfer < band.below), 0.0)


@dataclass(frozen=True)
class Rubric:
    """What everything is worth.

    Attributes:
        bands: for each sampler, thresholds rising, points falling.
        tasks: tasks whose points differ from the table's, by id.
        accept: named variants that count as right, by function: `ddpm_step` -> (`sigma^2 = beta`,).
        partial: a task that passes some of its tests earns that share of its points.
        prove: for a submission's own tests: shared out over the tasks, and for each as many as it catches wrong ones.
    """

    bands: dict[str, tuple[Band, ...]]
    tasks: dict[str, float] = field(default_factory=dict)
    accept: dict[str, tuple[str, ...]] = field(default_factory=dict)
    partial: bool = False
    prove: float = 0.0

    def bands_for(self, sampler: str, floor: float) -> tuple[Band, ...]:
        """A sampler's bands as distances, for data with this floor."""
        return tuple(Band(b.below * (floor if b.floors else 1), b.points) for b in self.bands[sampler])

    def full_points(self, sampler: str) -> float:
        """The most that a sampler's samples can earn."""
        return self.bands[sampler][0].points

    def points_of(self, task: Task) -> float:
        """What a task is worth when all its tests pass."""
        return float(self.tasks.get(task.id, task.points))

    def accepts(self, misconception: str | None) -> bool:
        """Whether a wrong form, `ddpm_step: sigma^2 = beta`, counts as right."""
        function, name = slip_of(misconception)
        return plain_name(name) in map(plain_name, self.accept.get(function, ()))

    @property
    def total(self) -> float:
        """The most that a submission can earn."""
        return sum(map(self.points_of, tasks())) + sum(map(self.full_points, SAMPLERS)) + self.prove


def slip_of(misconception: str | None) -> tuple[str, str]:
    """The function that a mistake is made in, and its name there: `ddpm_step: sigma^2 = beta`."""
    function, _, name = (misconception or "").partition(": ")
    return function, name


def plain_name(name: str) -> str:
    """A variant's name as it is compared: `Sigma^2 = beta_t` and `sigma2=beta` are one."""
    return "".join(c for c in re.sub(r"_t\b", "", name.casefold()) if c.isalnum())


def load_rubric(path: Path | str | None = None) -> Rubric:
    """Read and check a rubric: a file, or a name of NAMED; None means the default one.

    Tables that a file leaves out are the default's too.

    Raises:
        UsageError (a ValueError): the file cannot be read, is not TOML, or says something that makes no sense.
    """
    given = _read(rubric_file(path)) if path is not None else {}
    unknown = sorted(set(given) - {*SAMPLERS, *OTHERS})
    if unknown:
        raise UsageError(f"rubric: unknown key {unknown[0]!r}; the keys are {', '.join((*SAMPLERS, *OTHERS))}")
    rows = {"accept": {}, "partial": False, "prove": 0} | _read(DEFAULT) | given
    if not isinstance(rows["partial"], bool):
        raise UsageError(f"rubric: partial must be true or false; got {rows['partial']!r}")
    bands = {name: _bands(name, rows[name]) for name in SAMPLERS}
    rubric = Rubric(
        bands, _task_points(rows["tasks"]), _accepted(rows["accept"]), rows["partial"], _number("prove", rows["prove"])
    )
    if rubric.total == 0:
        raise UsageError("rubric: everything is worth 0 points; give points to at least one task or band")
    return rubric


def rubric_file(path: Path | str) -> Path:
    """The file that is meant: a path, or one of the names."""
    return NAMED.get(str(path), Path(path))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"rubric: cannot read {path}: {error.strerror or error}") from None
    except ValueError as error:  # TOMLDecodeError, UnicodeDecodeError
        raise UsageError(f"rubric: {path} is not valid TOML: {error}") from None


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MOST:
        raise UsageError(f"rubric: {name} must be a number from 0 to {MOST:,.0f}; got {value!r}")
    return float(value)


def _bands(name: str, value: Any) -> tuple[Band, ...]:
    rows = checked("rubric", name, value, ("bands",))["bands"]
    if not isinstance(rows, list) or not rows:
        raise UsageError(f"rubric: {name}.bands must be a list of at least one band; got {rows!r}")
    bands = []
    for i, row in enumerate(rows):
        at = f"{name}.bands[{i}]"
        band = checked("rubric", at, row, ("points",), ("below", "below_floors"))
        if len(band) != 2:
            raise UsageError(f"rubric: {at} must have one of 'below' and 'below_floors'; got {band!r}")
        kind = "below" if "below" in band else "below_floors"
        bands.append(
            Band(_number(f"{at}.{kind}", band[kind]), _number(f"{at}.points", band["points"]), kind != "below")
        )
    if bands[0].below == 0:
        raise UsageError(f"rubric: {name}.bands[0].below must be above 0: no distance is below 0")
    if len({band.floors for band in bands}) > 1:
        raise UsageError(f"rubric: {name}.bands must all say below, or all below_floors; got {rows!r}")
    for better, worse in zip(bands, bands[1:]):
        if not (better.below < worse.below and better.points > worse.points):
            raise UsageError(f"rubric: {name}.bands must have rising thresholds and falling points; got {rows!r}")
    return tuple(bands)


def _task_points(value: Any) -> dict[str, float]:
    if not isinstance(value, dict):
        raise UsageError(f"rubric: tasks must be a table; got {value!r}")
    known = [task.id for task in tasks()]
    for id in value:
        if id not in known:
            raise UsageError(f"rubric: there is no task {id!r}; the tasks are {', '.join(known)}")
    return {id: _number(f"tasks.{id}", points) for id, points in value.items()}


def _accepted(value: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise UsageError(f"rubric: accept must be a table; got {value!r}")
    functions = {key: task.function for task in tasks() for key in (task.id, task.function)}
    accepted: dict[str, tuple[str, ...]] = {}
    for key, names in value.items():
        if key not in functions:
            raise UsageError(f"rubric: accept.{key}: there is no such task; the tasks are {', '.join(functions)}")
        if not isinstance(names, list) or not all(isinstance(name, str) and plain_name(name) for name in names):
            raise UsageError(f'rubric: accept.{key} must be a list of names, such as ["sigma^2 = beta"]; got {names!r}')
        accepted[functions[key]] = (*accepted.get(functions[key], ()), *names)
    return accepted
