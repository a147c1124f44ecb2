"""The board: where a student stands, kata by kata, worked out from how the tests ended and from nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from grading.judging.failure import Failure
from grading.submission.katas import Task, required, tasks

MOST_PRINTED = 20_000  # characters


@dataclass(frozen=True)
class Outcome:
    """How one test ended.

    Attributes:
        task: id of the task it belongs to.
        test: the test's name.
        behaviour: the first line of its docstring: what is asked.
        status: `passed`, `failed` or `skipped`.
        kind: for a failure, what Failure.kind says; `error` where the test itself broke; else empty.
        message: the failure as shown, or the reason of the skip.
        misconception: what was measured to be wrong, in one phrase: `ddpm_step: sigma^2 = beta`.
        seconds: how long the test took.
        printed: what the failing call has printed.
        at: file and line that a failure names, as `ddpm_step.py:31`; empty where it names none.
        remarks: what is no mistake and better done otherwise, a line each; it costs nothing.
    """

    task: str
    test: str
    behaviour: str
    status: str
    kind: str
    message: str
    misconception: str | None
    seconds: float
    printed: str = ""
    at: str = ""
    remarks: tuple[str, ...] = ()


class Shown:
    """A failure in the form that pytest's terminal writer wants."""

    def __init__(self, failure: Failure, item: Any) -> None:
        self.failure = failure
        self.reprcrash = _Crash(str(item.path), item.location[1] or 0, failure.headline)

    def toterminal(self, writer: Any) -> None:
        headline, *rest = str(self.failure).splitlines()
        writer.line(headline, red=True, bold=True)
        for line in rest:
            writer.line(line)

    def __str__(self) -> str:
        return str(self.failure)


@dataclass(frozen=True)
class _Crash:
    path: str
    lineno: int
    message: str


def outcome(id: str, item: Any, report: Any, error: BaseException | None, remarks: tuple[str, ...] = ()) -> Outcome:
    """Sum up a pytest report."""
    known = isinstance(error, Failure)
    skipped = report.longrepr[2] if report.skipped and isinstance(report.longrepr, tuple) else ""
    return Outcome(
        task=id,
        test=test_name(item),
        behaviour=behaviour(item),
        status=report.outcome,
        kind=error.kind if isinstance(error, Failure) else "error" if report.failed else "",
        message=str(error) if known else str(report.longrepr) if report.failed else skipped,
        misconception=error.misconception if isinstance(error, Failure) else None,
        seconds=report.duration,
        printed=_printed(error, report) if report.failed else "",
        at=_at(error) if isinstance(error, Failure) else "",
        remarks=remarks,
    )


def _printed(error: BaseException | None, report: Any) -> str:
    """What the failing call printed; where that is not known, all that the test did."""
    known = error.printed if isinstance(error, Failure) else None
    return (report.capstdout + report.capstderr if known is None else known)[:MOST_PRINTED]


def _at(failure: Failure) -> str:
    """The last line that a failure names."""
    named = [re.match(r".*?(\w+\.py:\d+)", text) for label, text in failure.lines if label == "at"]
    return next((found[1] for found in reversed(named) if found), "")


def test_name(item: Any) -> str:
    """A test's name within its file: `TestDdpmSample::test_the_noise_is_fresh`."""
    return item.nodeid.partition("::")[2]


def behaviour(item: Any) -> str:
    """What a test asks, in one line: the first of its docstring."""
    return (item.function.__doc__ or item.name).strip().splitlines()[0]


def state(outcomes: list[Outcome]) -> str:
    """`done`, `wrong`, `todo` or `locked`, from the outcomes of one task or of one kata."""
    failures = [o for o in outcomes if o.status == "failed"]
    if failures:
        return "todo" if all(o.kind == "todo" for o in failures) else "wrong"
    return "done" if any(o.status == "passed" for o in outcomes) else "locked"


def number(outcome: Outcome) -> int:
    """The kata that an outcome belongs to."""
    return int(outcome.task.partition(".")[0])


def first_failure(outcomes: list[Outcome]) -> Outcome | None:
    """The first failure in the order of learning: a task's last tests may stand behind those of the next."""
    order = {task.id: place for place, task in enumerate(tasks())}
    failed = (o for o in outcomes if o.status == "failed")
    return min(failed, key=lambda o: (number(o), order.get(o.task, len(order))), default=None)


def done_tasks(outcomes: list[Outcome]) -> list[Task]:
    """The tasks whose every test has passed."""
    return [task for task in tasks() if state([o for o in outcomes if o.task == task.id]) == "done"]


def all_done(outcomes: list[Outcome]) -> bool:
    """Whether nothing is left that is owed, and nothing optional is wrong."""
    return first_failure(outcomes) is None and {*required()} <= {*done_tasks(outcomes)}


def progress(outcomes: list[Outcome]) -> str:
    """`7 of 11 tasks`; what is done beyond is counted apart."""
    done = done_tasks(outcomes)
    more = sum(task.optional for task in done)
    return f"{len(done) - more} of {len(required())} tasks" + f" + {more}" * bool(more)


def of_task(outcomes: list[Outcome], id: str) -> list[Outcome]:
    """The outcomes of one task."""
    return [outcome for outcome in outcomes if outcome.task == id]


def remarks_of(outcomes: list[Outcome]) -> list[str]:
    """Every remark once."""
    return list(dict.fromkeys(remark for outcome in outcomes for remark in outcome.remarks))


def count(outcomes: list[Outcome]) -> str:
    """How many tests pass of how many; nothing where they wait for a function to be written."""
    run = [o for o in outcomes if o.status != "skipped"]
    waiting = not run or state(outcomes) == "todo" or any(o.kind == "todo" for o in run)
    return "" if waiting else f"{sum(o.status == 'passed' for o in run)}/{len(run)} tests"
