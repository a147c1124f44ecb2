"""A grade on the terminal, 80 columns: what passed, how near the samples came, what that is worth, what to do next.

Text of a submission is printed as Text, freed of control characters: neither markup nor an escape in it means anything.
"""

from __future__ import annotations

import shlex

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grading.grade.result import Result, SamplerResult, TaskResult
from grading.reports.parts import next_task, number, short
from grading.reports.sanitize import one_line, plain

MARKS = {"done": ("+", "green"), "wrong": ("x", "red"), "todo": (".", "yellow"), "locked": ("-", "dim")}
TELLING = ("yours is", "yours has", "measured", "at", "got")  # the line of a failure that says most, the best first


def write(console: Console, result: Result) -> None:
    """Print a result."""
    console.print(_tasks(result.tasks))
    console.print()
    console.print(_samples(result))
    if result.proofs:
        console.print()
        console.print(_proofs(result))
    said = messages(result)
    if said:
        console.print()
    for text in said:
        console.print(text, overflow="fold")
    console.print()
    console.print(f"total    {result.points:g} of {result.max_points:g} points", style="bold")
    console.print(Text(f"sandbox  {one_line(result.isolation)}"))
    for line in what_next(result):
        console.print(Text(line), soft_wrap=True)


def messages(result: Result) -> list[Text]:
    """Each wrong task by its headline and the line that says most; then training and samples, if something is amiss."""
    said = []
    for task in result.tasks:
        failure = task.first_failure
        if failure and task.status == "wrong":
            headline, *rest = shortened(failure.message)
            said += [Text(f"x {headline}", "red"), *map(Text, rest)]
    noted = [Text(f"~ {one_line(remark, 300)}", "cyan") for task in result.tasks for remark in task.remarks]
    unwritten = [task.id for task in result.tasks if task.status == "todo"]
    if unwritten:
        said.append(Text(f". not written yet: {', '.join(unwritten)}", "yellow"))
    if result.training_message:
        return [*said, *noted, Text(f"x training: {one_line(result.training_message, 300)}", "red")]
    wrong = [sampler for sampler in result.samplers if sampler.message]
    return said + noted + [Text(f"x {s.name} samples: {one_line(s.message, 300)}", "red") for s in wrong]


def shortened(message: str) -> list[str]:
    """A failure's headline, and of its labelled lines the one that says most, with what it runs on to."""
    headline, *lines = plain(message).splitlines() or [""]
    for label in TELLING:
        for i, line in enumerate(lines):
            if line.startswith(f"  {label} "):
                end = next((j for j in range(i + 1, len(lines)) if not lines[j].startswith(" " * 8)), len(lines))
                return [headline, *lines[i : min(end, i + 3)]]
    return [headline]


def what_next(result: Result) -> list[str]:
    """Which file to open and what to run, for the first task that is not done; nothing when all are."""
    task = next_task(result)
    if task is None:
        return []
    impl = one_line(result.impl)
    whose = "" if impl == "exercises" else f"--impl {shlex.quote(impl)} "
    return [
        f"next     {task.module}.py: {task.function}",
        f"         pytest {whose}--task {task.id}",
        f"         kata hint {task.id}",
    ]


def _tasks(tasks: list[TaskResult]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name, justify in (("", "left"), ("task", "left"), ("", "left"), ("tests", "right"), ("points", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for task in tasks:
        passed, points = f"{task.passed}/{len(task.cases)}", f"{task.points:g}/{task.max_points:g}"
        table.add_row(Text(*MARKS[task.status]), f"{task.id} {task.function}", task.title, passed, points)
    return table


def _samples(result: Result) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("samples", "steps", "Chamfer", "floor", "W2, floor", "bands", "points"):
        table.add_column(name, justify="left" if name in ("samples", "bands") else "right")
    floor = shown(result.floor)
    for sampler in result.samplers:
        distances = (shown(sampler.chamfer), floor, f"{shown(sampler.density)}, {shown(result.density_floor)}")
        points = f"{sampler.points:g}/{sampler.max_points:g}"
        table.add_row(sampler.name, str(sampler.steps), *distances, bands(sampler), points)
    return table


def shown(distance: float | None) -> str:
    return "-" if distance is None else number(distance)


def _proofs(result: Result) -> Table:
    """The submission's own tests, a row for each task that has any."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name, justify in (("own tests", "left"), ("valid", "left"), ("caught", "left"), ("points", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for proof in result.proofs:
        points = f"{proof.points:g}/{proof.max_points:g}"
        valid, caught = f"{proof.accepted} of {proof.rights}", f"{proof.caught} of {proof.wrongs}"
        said = ("", Text(one_line(proof.problem, 60))) if proof.problem else (valid, caught)
        table.add_row(f"{proof.id} {proof.function}", *said, points)
    return table


def bands(sampler: SamplerResult) -> str:
    """10 below 20, 5 below 40"""
    return ", ".join(f"{band.points:g} below {short(band.below)}" for band in sampler.bands)
