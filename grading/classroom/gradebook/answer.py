"""What comes back of a measurement, as plain JSON text, and what of it is believed."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import asdict, dataclass
from typing import Any

from grading.classroom.gradebook.job import Terms, kata_version
from grading.grade.result import ProofResult, Result
from grading.proving.run import provable
from grading.submission.katas import tasks

MOST_ANSWER_BYTES = 64 << 20


@dataclass(frozen=True)
class Proved:
    """The verdict on a submission's own tests: for each task, in which sandbox, and the deadline if it cut it short."""

    proofs: list[ProofResult]
    isolation: str
    cut_by: float | None = None

    def to_json(self) -> str:
        return json.dumps({"version": kata_version(), "proved": asdict(self)})


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


def receive(text: str, terms: Terms) -> tuple[Answer | None, Proved | None]:
    """Read the answer to a job, and believe nothing of it that can be checked.

    Returns:
        what was measured, and the verdict on the submission's own tests; None for what was not asked for.

    Raises:
        Lost: the worker says that it could not measure, or what it says is no measurement on these terms.
    """
    try:
        data = json.loads(text)
        if "lost" in data:
            raise Lost(" ".join(str(data["lost"]).split())[:500])
        if data["version"] != kata_version():
            raise ValueError("the worker runs another version of the kata")
        if not {"result", "proved"} & set(data):
            raise ValueError("there is nothing in it")
        answer = read_answer(data, terms) if "result" in data else None
        return answer, read_proved(data) if "proved" in data else None
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


def read_proved(data: dict[str, Any]) -> Proved:
    """A verdict on a submission's own tests from its parts; raises what `read_answer` does where it cannot be one."""
    proofs = [ProofResult(**row) for row in data["proved"]["proofs"]]
    if [(proof.id, proof.function) for proof in proofs] != [(task.id, task.function) for task in provable()]:
        raise ValueError("its tasks are not those that tests are written for")
    for proof in proofs:
        if not all(isinstance(text, str) for text in (proof.problem, *proof.slips, *proof.refusals)):
            raise ValueError("what it says of tests is not text")
        if not (0 <= int(proof.accepted) <= int(proof.rights) and 0 <= int(proof.caught) <= int(proof.wrongs)):
            raise ValueError("tests accept and catch no more than there is")
    cut_by = data["proved"]["cut_by"]
    return Proved(proofs, str(data["proved"]["isolation"]), None if cut_by is None else float(cut_by))
