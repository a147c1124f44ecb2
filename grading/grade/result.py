"""The result of a grade: plain data, written as JSON whole or not at all. Every report is made from this."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

from grading.grade.rubric import Band

FORMAT = 2


@dataclass(frozen=True)
class CaseResult:
    """One test: `passed`, `failed` or `skipped`, and for a failure what a student reads."""

    name: str
    behaviour: str
    status: str
    kind: str
    message: str
    misconception: str | None
    seconds: float


@dataclass(frozen=True)
class TaskResult:
    """One function: its points are all or nothing, because a step that is right most of the time is wrong.

    `accepted` are the named variants among the failures that the rubric takes as right.
    """

    id: str
    function: str
    module: str
    title: str
    status: str  # done, wrong, todo or locked (not run)
    points: float
    max_points: float
    cases: list[CaseResult]
    accepted: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)  # what is better done otherwise, and costs nothing by itself

    @property
    def passed(self) -> int:
        return sum(case.status == "passed" for case in self.cases)

    @property
    def failures(self) -> list[CaseResult]:
        """The tests that failed, apart from those that failed for an accepted variant."""
        return [c for c in self.cases if c.status == "failed" and c.misconception not in self.accepted]

    @property
    def first_failure(self) -> CaseResult | None:
        return next(iter(self.failures), None)


@dataclass(frozen=True)
class SamplerResult:
    """What one sampler drew with the trained network.

    `chamfer` is None where nothing could be scored; `message` says why, or why a score earns no points.
    `counted` is the distance that points are given for: None where the samples are not where the model led. `bands` are
    the rubric's: what a distance is worth. `density` is the sliced Wasserstein distance, which sees where points crowd,
    and earns nothing.
    """

    name: str  # DDPM or DDIM
    steps: int
    chamfer: float | None
    points: float
    max_points: float
    seconds: float
    message: str
    bands: list[Band] = field(default_factory=list)
    counted: float | None = None
    density: float | None = None


@dataclass(frozen=True)
class ProofResult:
    """A submission's own tests of one task, judged by right and wrong implementations.

    `caught` counts by tests that accept every right one; `problem` says why nothing was judged; `slips` name what the
    wrong implementations that were caught do wrong, `refusals` what tests get wrong.
    """

    id: str
    function: str
    problem: str
    accepted: int
    rights: int
    caught: int
    wrongs: int
    slips: list[str]
    refusals: list[str]
    points: float = 0.0
    max_points: float = 0.0


@dataclass(frozen=True)
class Result:
    """Everything that a grade found out.

    Attributes:
        impl: what was graded, as it was named.
        tasks, samplers: the two parts of the points.
        proofs: the submission's own tests; a third part, where the rubric has one.
        floor: Chamfer distance between two independent draws of the data: as near as anything can come.
        density_floor: the same for the sliced Wasserstein distance.
        settings: data set, recipe, seed, device, number of points.
        isolation: the sandbox tier, or that the submission ran in the grader's own process.
        training_message: why there is no trained network; empty where there is one.
        training: whose loss trained it, and how that is known.
        cut_short: the deadline passed before all was measured.
        losses: the training loss, thinned out for plotting.
        versions: of python, torch and the kata.
        seconds: of each stage.
    """

    impl: str
    tasks: list[TaskResult]
    samplers: list[SamplerResult]
    floor: float | None
    settings: dict[str, Any]
    isolation: str
    density_floor: float | None = None
    training_message: str = ""
    training: str = ""
    cut_short: bool = False
    losses: list[float] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    proofs: list[ProofResult] = field(default_factory=list)
    format: int = FORMAT

    @property
    def parts(self) -> list[TaskResult | SamplerResult | ProofResult]:
        """All that has points."""
        return [*self.tasks, *self.samplers, *self.proofs]

    @property
    def points(self) -> float:
        return round(sum(part.points for part in self.parts), 6)

    @property
    def max_points(self) -> float:
        return round(sum(part.max_points for part in self.parts), 6)

    def to_json(self) -> str:
        """Finite numbers only; a number that is none becomes null."""
        totals = {"points": self.points, "max_points": self.max_points}
        return json.dumps(_finite(totals | asdict(self)), indent=1, allow_nan=False)

    @staticmethod
    def from_json(text: str) -> Result:
        """Read what `to_json` wrote; ValueError for anything else."""
        try:
            data = json.loads(text)
            if data.pop("format") != FORMAT:
                raise ValueError("another format")
            tasks = [
                TaskResult(**(t | {"cases": [CaseResult(**case) for case in t["cases"]]})) for t in data.pop("tasks")
            ]
            samplers = [
                SamplerResult(**(s | {"bands": [Band(**band) for band in s["bands"]]})) for s in data.pop("samplers")
            ]
            proofs = [ProofResult(**proof) for proof in data.pop("proofs", [])]
            parts: dict[str, Any] = {"tasks": tasks, "samplers": samplers, "proofs": proofs}
            return Result(**parts, **{k: v for k, v in data.items() if not k.endswith("points")})
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError, ValueError) as error:
            raise ValueError(f"this is not a result of format {FORMAT}: {error}") from error


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
