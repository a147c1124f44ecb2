"""A submission's own tests as a part of its grade: run in a sandbox, or not at all."""

from __future__ import annotations

import math
import time
from pathlib import Path

from grading.grade.result import ProofResult
from grading.proving.run import file_of, provable
from grading.proving.stubs import untouched
from grading.proving.verdict import Verdict
from grading.submission.katas import Task

NO_SANDBOX = "not run: tests of a submission are run in a sandbox only"
NO_FILE = "there is no {}"
UNTOUCHED = "{} holds the example that it came with, and no test beside it"
LATE = "not judged: the deadline had passed"


def proofs(
    folder: Path, tier: str, sandbox: str = "auto", wanted: bool = False, until: float = math.inf
) -> list[ProofResult]:
    """Judge the tests beside a submission's code, one result for each task that they are for.

    Args:
        folder: the submission.
        tier: the sandbox that its code runs in; without one nothing is run.
        sandbox: the tier to demand.
        wanted: whether they are worth anything; then a task without any has a result too.
        until: when to stop, on time.monotonic's clock.
    """
    owed = [task for task in provable() if wanted or file_of(folder, task).is_file()]
    return [_proof(folder, task, tier, sandbox, until) for task in owed]


def _proof(folder: Path, task: Task, tier: str, sandbox: str, until: float) -> ProofResult:
    path = file_of(folder, task)
    name = f"tests/{path.name}"
    if not path.is_file():
        return _unjudged(task, NO_FILE.format(name))
    if tier.startswith("none"):
        return _unjudged(task, NO_SANDBOX)
    if untouched(path, task):
        return _unjudged(task, UNTOUCHED.format(name))
    if time.monotonic() > until:
        return _unjudged(task, LATE)
    from grading.proving.sandboxed import prove_sandboxed

    verdict = prove_sandboxed(folder, [task], sandbox, until)[0]
    return _unjudged(task, LATE) if time.monotonic() > until else _result(verdict)


def nothing_proved() -> list[ProofResult]:
    """The results of a submission that has no tests of its own, where they are worth something."""
    return [_unjudged(task, NO_FILE.format(f"tests/{file_of(Path(), task).name}")) for task in provable()]


def _unjudged(task: Task, problem: str) -> ProofResult:
    return ProofResult(task.id, task.function, problem, 0, 0, 0, 0, [], [])


def _result(verdict: Verdict) -> ProofResult:
    slips = [one.slip for one in verdict.wrongs if one.test]
    refusals = [*verdict.faults, *(f"{one.test} refuses {one.name}: {one.why}" for one in verdict.refusals)]
    counts = (verdict.accepted, verdict.rights, verdict.caught, len(verdict.wrongs))
    problem = f"tests/test_{verdict.id.replace('.', '_')}.py {verdict.problem}" if verdict.problem else ""
    return ProofResult(verdict.id, verdict.function, problem, *counts, slips, refusals)
