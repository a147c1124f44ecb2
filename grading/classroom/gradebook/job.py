"""What one grade needs, and what comes back, as plain JSON text: the same for a process here and for a cluster."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from grading.classroom.gradebook.collect import Submission
from grading.grade.result import Result
from grading.grade.rubric import Band, Rubric, points_for

ROOT = Path(__file__).resolve().parents[3]
JUDGES = ("grading/**/*.py", "grading/**/*.toml", "tests/*.py", "exercises/katas.toml", "conftest.py", "pyproject.toml")
MOST_ANSWER_BYTES = 64 << 20
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")


@cache
def kata_version() -> str:
    """A fingerprint of everything of the kata that a verdict depends on: the grader's sources and the suites."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in JUDGES for path in ROOT.glob(pattern)}):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Terms:
    """What a whole class is graded by.

    Attributes:
        setting: the fields of experiment.Setting.
        recipe: the fields of training.Recipe; in full, so that a changed recipe is another grade.
        rubric: points and bands.
        sandbox: the tier to demand.
        deadline: seconds after which nothing more is asked of a submission; what it has earned by then counts.
    """

    setting: dict[str, Any]
    recipe: dict[str, Any]
    rubric: Rubric
    sandbox: str = "auto"
    deadline: float = 1200.0

    def key(self, submission: Submission) -> str:
        """Decides whether a grade need not be run again: the same files on the same terms by the same kata."""
        return hashlib.sha256(json.dumps(self._graded(submission), sort_keys=True).encode()).hexdigest()

    def job(self, submission: Submission) -> str:
        """The order to grade a submission, on one line."""
        return json.dumps(self._graded(submission) | {"name": submission.name})

    def _graded(self, submission: Submission) -> dict[str, Any]:
        return {
            "files": {name: base64.b64encode(content).decode() for name, content in submission.files.items()},
            "setting": self.setting,
            "recipe": self.recipe,
            "rubric": asdict(self.rubric),
            "sandbox": self.sandbox,
            "deadline": self.deadline,
            "version": kata_version(),
        }


def rubric_of(data: dict[str, Any]) -> Rubric:
    """The rubric that asdict took apart."""
    return Rubric({name: tuple(Band(**band) for band in bands) for name, bands in data["bands"].items()}, data["tasks"])


@dataclass(frozen=True)
class Answer:
    """A grade that has arrived: the result, its report (page is one of the files, or empty), and a small picture."""

    result: Result
    page: str
    files: dict[str, bytes]
    thumbnail: bytes

    def to_json(self) -> str:
        files = {name: base64.b64encode(content).decode() for name, content in self.files.items()}
        thumbnail = base64.b64encode(self.thumbnail).decode()
        parts = {"result": self.result.to_json(), "page": self.page, "files": files, "thumbnail": thumbnail}
        return json.dumps({"version": kata_version(), **parts})


class Lost(Exception):
    """A grade that was begun and did not arrive: one sentence."""


def receive(text: str, terms: Terms) -> Answer:
    """Read the answer to a job, and believe nothing of it that can be checked.

    Raises:
        Lost: the worker says that it could not grade, or what it says is no grade on these terms.
    """
    try:
        data = json.loads(text)
        if "lost" in data:
            raise Lost(" ".join(str(data["lost"]).split())[:500])
        if data["version"] != kata_version():
            raise ValueError("the worker runs another version of the kata")
        files = {name: base64.b64decode(content, validate=True) for name, content in data["files"].items()}
        wrong = [name for name in files if not NAME.fullmatch(name) or len(PurePosixPath(name).parts) > 4]
        if wrong or (data["page"] and data["page"] not in files):
            raise ValueError("its report has files that no report has")
        result = Result.from_json(data["result"])
        check(result, terms)
        return Answer(result, data["page"], files, base64.b64decode(data["thumbnail"], validate=True))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Lost(f"the worker's answer is no grade: {error}") from None


def check(result: Result, terms: Terms) -> None:
    """Raise ValueError unless a result is a possible one on these terms."""
    from grading.submission.katas import tasks

    there = {task.id for task in result.tasks}
    owed = [task for task in tasks() if not task.optional or task.id in there]
    due = [(task.id, task.function, terms.rubric.points_of(task)) for task in owed]
    if [(task.id, task.function, task.max_points) for task in result.tasks] != due:
        raise ValueError("its tasks are not those of the kata, or are worth something else")
    if any(task.points not in (0, task.max_points) for task in result.tasks):
        raise ValueError("a task earns all its points or none")
    if [sampler.name for sampler in result.samplers] != ["DDPM", "DDIM"]:
        raise ValueError("its samplers are not DDPM and DDIM")
    for sampler in result.samplers:
        if sampler.chamfer is not None and not (math.isfinite(sampler.chamfer) and sampler.chamfer >= 0):
            raise ValueError("a Chamfer distance is a number, 0 or more")
        bands = terms.rubric.bands_for(sampler.name.lower(), result.floor or 0.0)
        given = {0.0, *(band.points for band in bands)}
        if sampler.points not in given or sampler.points > points_for(sampler.chamfer, bands):
            raise ValueError("a sampler's points are not those of its Chamfer distance")
    if {name: result.settings.get(name) for name in terms.setting} != terms.setting:
        raise ValueError("it was graded on another setting")
