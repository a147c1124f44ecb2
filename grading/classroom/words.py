"""What a result comes to in a sentence."""

from __future__ import annotations

from grading.grade.result import CaseResult, Result
from grading.grade.rubric import slip_of
from grading.reports.sanitize import one_line

MOST_MESSAGE = 300


def misconception(result: Result) -> str:
    """The first wrong formula that was recognised, by its task and in words."""
    for task in result.tasks:
        for case in task.failures:
            if case.misconception:
                return one_line(f"{task.id} {in_words(task.function, case)}")
    return ""


def in_words(function: str, case: CaseResult) -> str:
    """The phrase for a mistake that was measured."""
    return slip_of(case.misconception)[1]


def message(result: Result) -> str:
    """The first thing that went wrong: a task's failure, then training, then samples."""
    failures = [task.first_failure for task in result.tasks]
    if all(task.status == "todo" for task in result.tasks):
        return "nothing is written yet"
    said = [failure.message.partition("\n")[0] for failure in failures if failure]
    said += [result.training_message] + [f"{s.name}: {s.message}" for s in result.samplers if s.message]
    return one_line(next((text for text in said if text), ""))[:MOST_MESSAGE]
