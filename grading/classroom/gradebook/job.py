"""What one measurement needs, as plain JSON text: the same for this machine and for a cluster."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grading.classroom.collect import Submission
from grading.grade.rubric import Rubric
from grading.submission.katas import tasks

if TYPE_CHECKING:
    from grading.classroom.gradebook.answer import Proved
    from grading.grade.result import Result

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
PROVING = ("grading/proving/**/*.py", "grading/grade/proofs.py")  # beside that, what becomes of a student's own tests
TRAIN = ("once", "each")


@cache
def measuring_version() -> str:
    """A fingerprint of everything of the kata that a measurement depends on: the measuring code, suites, tasks."""
    rest = [[task.id, task.function, task.module] for task in tasks()]
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]
    return _fingerprint(MEASURING, json.dumps([rest, options], sort_keys=True))


@cache
def proving_version() -> str:
    """A fingerprint of everything of the kata that a verdict on a student's own tests depends on."""
    return _fingerprint(PROVING, measuring_version())


def _fingerprint(patterns: tuple[str, ...], rest: str) -> str:
    digest = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in ROOT.glob(pattern)}):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT).as_posix()} {len(content)}\n".encode() + content)
    digest.update(rest.encode())
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
    measured: frozenset[str] = field(default=frozenset(), compare=False)  # keys of what lies there already

    def key(self, submission: Submission) -> str:
        """Names the measurement that a submission needs: its files by content, the settings, the measuring code."""
        parts = {"files": hashes(submission.files), "version": measuring_version(), **self._measured()}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]

    def tests_key(self, submission: Submission) -> str:
        """Names the verdict on a submission's own tests; empty where none is needed."""
        if not (self.rubric.prove and submission.tests):
            return ""
        parts = {"tests": hashes(submission.tests), "version": proving_version()}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]

    @property
    def training_key(self) -> str:
        """Names the training for all."""
        parts = [measuring_version(), self._measured()]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    def serves(self, result: Result) -> bool:
        """Whether a kept measurement is one on these terms: in the sandbox demanded, by this deadline or without it."""
        cut = result.settings.get("deadline") if result.cut_short else self.deadline
        return self._safe(result.isolation) and cut == self.deadline

    def serves_tests(self, proved: Proved) -> bool:
        """The same of a verdict on a submission's own tests."""
        return self._safe(proved.isolation) and proved.cut_by in (None, self.deadline)

    def _safe(self, isolation: str) -> bool:
        return isolation == self.sandbox or (self.sandbox == "auto" and isolation in ("namespaces", "portable"))

    def job(self, submission: Submission) -> str:
        """The order to measure what is not measured yet of a submission, on one line."""
        files = {} if self.key(submission) in self.measured else submission.files
        tests = submission.tests if self.tests_key(submission) else {}
        what = {"files": _as_text(files), "tests": _as_text(tests)}
        how = {"sandbox": self.sandbox, "deadline": self.deadline, "shared": self.shared, "version": kata_version()}
        return json.dumps(what | self._measured() | how)

    def training_job(self, path: str) -> str:
        """The order to train once for all, and to leave what comes of it at a path."""
        how = {"train_for_all": path, "deadline": self.deadline, "version": kata_version()}
        return json.dumps(self._measured() | how)

    def _measured(self) -> dict[str, Any]:
        return {"setting": self.setting, "recipe": self.recipe, "train": self.train}


def hashes(files: dict[str, bytes]) -> dict[str, str]:
    """What names the content of files."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}


def _as_text(files: dict[str, bytes]) -> dict[str, str]:
    return {name: base64.b64encode(content).decode() for name, content in files.items()}
