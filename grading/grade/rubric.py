"""What a submission is worth: points for each task, and bands of Chamfer distance for the samples."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grading.submission.errors import UsageError
from grading.submission.katas import Task, tasks

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT = Path(__file__).with_name("rubric.toml")
SAMPLERS = ("ddpm", "ddim")
MOST = 1e6  # of points, and of a threshold: a typing mistake lies beyond


@dataclass(frozen=True)
class Band:
    """`points` for a Chamfer distance below `below`."""

    below: float
    points: float


@dataclass(frozen=True)
class Rubric:
    """Bands for each sampler, thresholds rising, points falling; and tasks whose points differ from the table's."""

    bands: dict[str, tuple[Band, ...]]
    tasks: dict[str, float] = field(default_factory=dict)

    def points_for(self, sampler: str, chamfer: float | None) -> float:
        """Points of the first band that a Chamfer distance fits; 0 for none, for None and for NaN."""
        if chamfer is None:
            return 0.0
        return next((band.points for band in self.bands[sampler] if chamfer < band.below), 0.0)

    def full_points(self, sampler: str) -> float:
        """The most that a sampler's samples can earn."""
        return self.bands[sampler][0].points

    def points_of(self, task: Task) -> float:
        """What a task is worth when all its tests pass."""
        return float(self.tasks.get(task.id, task.points))

    @property
    def total(self) -> float:
        """The most that a submission can earn."""
        return sum(map(self.points_of, tasks())) + sum(map(self.full_points, SAMPLERS))


def load_rubric(path: Path | str | None = None) -> Rubric:
    """Read and check a rubric; None means the course's. Tables that a file leaves out are the course's too.

    Raises:
        UsageError (a ValueError): the file cannot be read, is not TOML, or says something that makes no sense.
    """
    given = _read(Path(path)) if path is not None else {}
    unknown = sorted(set(given) - {*SAMPLERS, "tasks"})
    if unknown:
        raise UsageError(f"rubric: unknown key {unknown[0]!r}; the keys are {', '.join(SAMPLERS)} and tasks")
    rows = _read(DEFAULT) | given
    rubric = Rubric({name: _bands(name, rows[name]) for name in SAMPLERS}, _task_points(rows["tasks"]))
    if rubric.total == 0:
        raise UsageError("rubric: everything is worth 0 points; give points to at least one task or band")
    return rubric


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"rubric: cannot read {path}: {error.strerror or error}") from None
    except ValueError as error:  # TOMLDecodeError, UnicodeDecodeError
        raise UsageError(f"rubric: {path} is not valid TOML: {error}") from None


def _table(name: str, value: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"rubric: {name} must be a table; got {value!r}")
    for key in value:
        if key not in keys:
            raise UsageError(f"rubric: unknown key {key!r} in {name}; the keys are {', '.join(keys)}")
    for key in keys:
        if key not in value:
            raise UsageError(f"rubric: {name} lacks {key!r}")
    return value


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MOST:
        raise UsageError(f"rubric: {name} must be a number from 0 to {MOST:,.0f}; got {value!r}")
    return float(value)


def _bands(name: str, value: Any) -> tuple[Band, ...]:
    rows = _table(name, value, ("bands",))["bands"]
    if not isinstance(rows, list) or not rows:
        raise UsageError(f"rubric: {name}.bands must be a list of at least one band; got {rows!r}")
    bands = []
    for i, row in enumerate(rows):
        at = f"{name}.bands[{i}]"
        band = _table(at, row, ("below", "points"))
        bands.append(Band(_number(f"{at}.below", band["below"]), _number(f"{at}.points", band["points"])))
    if bands[0].below == 0:
        raise UsageError(f"rubric: {name}.bands[0].below must be above 0: no distance is below 0")
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
