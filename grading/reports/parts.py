"""The parts of a grade that earn points, in one form for every format: the tasks, samples and own tests."""

from __future__ import annotations

from dataclasses import dataclass

from grading.grade.result import ProofResult, Result, SamplerResult, TaskResult
from grading.reports.sanitize import one_line, plain
from grading.submission.katas import quality

WORDS = {"done": "done", "wrong": "wrong", "todo": "to do", "locked": "not run"}


@dataclass(frozen=True)
class Part:
    """One thing that earns points.

    Attributes:
        id: `4.1` for a task, `6.1` and `6.2` for the samples, `6.3` and on for own tests.
        name: what it is called, `ddpm_step` or `DDPM samples`.
        status: `done`, `wrong`, `todo` or `locked` (not run), as on the board.
        message: what a student reads: the first failure, or the distance and what it was read against.
        module: the file's stem; empty for samples and own tests.
    """

    id: str
    name: str
    title: str
    status: str
    points: float
    max_points: float
    message: str
    module: str
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether it earned all that it could."""
        return self.status == "done"


def parts(result: Result) -> list[Part]:
    """Tasks in their order, then DDPM and DDIM, then the submission's own tests where they are worth anything."""
    samples = [_samples(f"{quality().number}.{i}", sampler, result) for i, sampler in enumerate(result.samplers, 1)]
    begin = len(samples) + 1
    proofs = [_proof(f"{quality().number}.{i}", one) for i, one in enumerate(result.proofs, begin) if one.max_points]
    return [*map(_task, result.tasks), *samples, *proofs]


def _task(task: TaskResult) -> Part:
    failures = task.failures
    message = plain(failures[0].message) if failures else ""
    if task.accepted:
        message = "\n\n".join(filter(None, (f"taken as right: {', '.join(map(one_line, task.accepted))}", message)))
    if len(failures) > 1:
        message += f"\n\n{len(failures)} of {len(task.cases)} tests of this task fail; this is the first."
    if task.status == "locked":
        message = "not run"
    seconds = sum(case.seconds for case in task.cases)
    return Part(
        *(task.id, task.function, task.title, task.status, task.points, task.max_points, message, task.module, seconds)
    )


def _samples(id: str, sampler: SamplerResult, result: Result) -> Part:
    title = f"samples in {sampler.steps} steps"
    message = "\n".join(filter(None, (distance(sampler, result.floor), plain(sampler.message))))
    full = sampler.chamfer is not None and sampler.points >= sampler.max_points
    status = "done" if full else "locked" if result.training_message else "wrong"
    name, seconds = f"{one_line(sampler.name)} samples", sampler.seconds
    return Part(id, name, title, status, sampler.points, sampler.max_points, message, "", seconds)


def _proof(id: str, proof: ProofResult) -> Part:
    valid = f"{proof.accepted} of {proof.rights} right implementations accepted"
    said = [valid, *proof.refusals, f"{proof.caught} of {proof.wrongs} wrong ones caught", *proof.slips]
    message = plain(proof.problem or "\n".join(said))
    status = "done" if proof.points >= proof.max_points else "wrong"
    title = f"own tests of {proof.id}"
    return Part(id, f"{proof.function} tests", title, status, proof.points, proof.max_points, message, "", 0.0)


def distance(sampler: SamplerResult, floor: float | None) -> str:
    """Chamfer 0.71; floor 0.39; full points below 20. Empty where nothing was measured."""
    if sampler.chamfer is None:
        return ""
    said = [f"Chamfer {number(sampler.chamfer)}"]
    if floor is not None:
        said.append(f"floor {number(floor)}")
    if sampler.bands:
        said.append(f"full points below {short(sampler.bands[0].below)}")
    return "; ".join(said)


def short(threshold: float) -> str:
    """A band's threshold, which may be a multiple of a floor, in three digits: 1.16, 20, 1000."""
    return f"{threshold:.3g}" if threshold < 1000 else f"{threshold:g}"


def number(value: float) -> str:
    """Three digits, which is as many as two runs agree on: 0.71, 24.3, 1.2e+06."""
    return f"{value:.3g}" if value >= 1 else f"{value:.2f}"


def ratio(sampler: SamplerResult, floor: float | None) -> str:
    """How often the floor fits into the distance: `6.2 times`; empty where either is unknown."""
    if sampler.chamfer is None or not floor:
        return ""
    return f"{sampler.chamfer / floor:.2g} times" if sampler.chamfer < 100 * floor else "over 100 times"


def next_task(result: Result) -> TaskResult | None:
    """The first task that is not done: what to work on."""
    return next((task for task in result.tasks if task.first_failure), None)
