"""What one measurement needs, and what comes back, as plain JSON text: the same for this machine and for a cluster."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from grading.classroom.collect import Submission
from grading.grade.result import Result
from grading.grade.rubric import Rubric
from grading.submission.katas import tasks

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[3]
# What a measurement depends on. Not among it: points, reports, the command line, this room.
ROOMS = ("machine", "submission", "isolation", "judging", "suites", "experiment")
MEASURING = (
    *(f"grading/{room}/**/*.{kind}" for room in ROOMS for kind in ("py", "toml", "txt")),
    *("grading/grade/grade.py", "grading/grade/deadline.py", "tests/*.py", "conftest.py"),
)
MOST_ANSWER_BYTES = 64 << 20
TRAIN = ("once", "each")


@cache
def measuring_version() -> str:
    """A fingerprint of everything of the kata that a measurement depends on: the measuring code, suites, tasks."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in MEASURING for path in ROOT.glob(pattern)}):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT).as_posix()} {len(content)}\n".encode() + content)
    rest = [[task.id, task.function, task.module] for task in tasks()]
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]
    digest.update(json.dumps([rest, options], sort_keys=True).encode())
    return digest.hexdigest()[:16]


@cache
def kata_version() -> str:
    """A fingerprint of the whole kata: what a machine that helps to grade must have the same of."""
    digest = hashlib.sha256(measuring_version().encode())
    for path in sorted((ROOT / "grading").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Terms:
    """What a whole class is graded by.

    Attributes:
        setting: the fields of experiment.Setting.
        recipe: the fields of training.Recipe; in full, so that a changed recipe is another measurement.
        rubric: what a measurement is worth; it may change without anything being run again.
        sandbox: the tier to demand.
        deadline: seconds after which nothing more is asked of a submission; what it has earned by then counts.
        train: `once` for all whose loss is proven the same, or `each`.
    """

    setting: dict[str, Any]
    recipe: dict[str, Any]
    rubric: Rubric
    sandbox: str = "auto"
    deadline: float = 1200.0
    train: str = "once"
    shared: str = field(default="", compare=False)  # where the training for all lies, once there is one

    def key(self, submission: Submission) -> str:
        """Names the measurement that a submission needs: its files by content, the settings, the measuring code."""
        files = {name: hashlib.sha256(content).hexdigest() for name, content in submission.files.items()}
        parts = {"files": files, "version": measuring_version(), **self._measured()}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]

    @property
    def training_key(self) -> str:
        """Names the training for all."""
        parts = [measuring_version(), self._measured()]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    def serves(self, result: Result) -> bool:
        """Whether a kept measurement is one on these terms: in the sandbox demanded, by this deadline or without it."""
        safe = result.isolation == self.sandbox or (
            self.sandbox == "auto" and result.isolation in ("namespaces", "portable")
        )
        return safe and (not result.cut_short or result.settings.get("deadline") == self.deadline)

    def job(self, submission: Submission) -> str:
        """The order to measure a submission, on one line."""
        files = {name: base64.b64encode(content).decode() for name, content in submission.files.items()}
        how = {"sandbox": self.sandbox, "deadline": self.deadline, "shared": self.shared, "version": kata_version()}
        return json.dumps({"files": files, **self._measured(), **how})

    def training_job(self, path: str) -> str:
        """The order to train once for all, and to leave what comes of it at a path."""
        how = {"train_for_all": path, "deadline": self.deadline, "version": kata_version()}
        return json.dumps(self._measured() | how)

    def _measured(self) -> dict[str, Any]:
        return {"setting": self.setting, "recipe": self.recipe, "train": self.train}


@dataclass(frozen=True)
class Answer:
    """A measurement that has arrived: the result, the drawn pieces of its page by name (HTML), and a small picture."""

    result: Result
    pieces: dict[str, Any]
    thumbnail: bytes

    def to_json(self) -> str:
        thumbnail = base64.b64encode(self.thumbnail).decode()
        parts = {"result": self.result.to_json(), "pieces": self.pieces, "thumbnail": thumbnail}
        return json.dumps({"version": kata_version(), **parts})


class Lost(Exception):
    """A measurement that was begun and did not arrive: one sentence."""


def receive(text: str, terms: Terms) -> Answer:
    """Read the answer to a job, and believe nothing of it that can be checked.

    Raises:
        Lost: the worker says that it could not measure, or what it says is no measurement on these terms.
    """
    try:
        data = json.loads(text)
        if "lost" in data:
            raise Lost(" ".join(str(data["lost"]).split())[:500])
        if data["version"] != kata_version():
            raise ValueError("the worker runs another version of the kata")
        return read_answer(data, terms)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Lost(f"the worker's answer is no measurement: {error}") from None


def read_answer(data: dict[str, Any], terms: Terms) -> Answer:
    """An answer from its parts; ValueError, KeyError, TypeError or AttributeError where they are none."""
    pieces = data["pieces"]
    drawn = {"clouds": pieces["clouds"], "loss": pieces["loss"], "player": pieces["player"]}
    texts = [drawn["loss"], drawn["player"], *drawn["clouds"].values()]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("its pictures are not text")
    result = Result.from_json(data["result"])
    check(result, terms)
    return Answer(result, drawn, base64.b64decode(data["thumbnail"], validate=True))


def check(result: Result, terms: Terms) -> None:
    """Raise ValueError unless a result is a possible one on these terms. Its points do not matter: they are ours."""
    there = {task.id for task in result.tasks}
    due = [(task.id, task.function) for task in tasks() if not task.optional or task.id in there]
    if [(task.id, task.function) for task in result.tasks] != due:
        raise ValueError("its tasks are not those of the kata")
    for task in result.tasks:
        if any(case.status not in ("passed", "failed", "skipped") for case in task.cases):
            raise ValueError("a test passes, fails or is skipped")
    if [sampler.name for sampler in result.samplers] != ["DDPM", "DDIM"]:
        raise ValueError("its samplers are not DDPM and DDIM")
    for sampler in result.samplers:
        if sampler.chamfer is not None and not (math.isfinite(sampler.chamfer) and sampler.chamfer >= 0):
            raise ValueError("a Chamfer distance is a number, 0 or more")
        if sampler.counted is not None and not (sampler.chamfer is not None and sampler.counted >= sampler.chamfer):
            raise ValueError("what counts is no nearer than the distance")
    if {name: result.settings.get(name) for name in terms.setting} != terms.setting:
        raise ValueError("it was graded on another setting")
