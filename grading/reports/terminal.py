"""A grade on the terminal: what passed, how near the samples came, and what that is worth."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grading.result import Result, SamplerResult, TaskResult
from grading.rubric import Rubric

MARKS = {"done": Text("+", "green"), "wrong": Text("x", "red"), "todo": Text(".", "yellow"), "locked": Text("-", "dim")}


def write(console: Console, result: Result, rubric: Rubric) -> None:
    """Print a result; the rubric says which bands a Chamfer distance was read against."""
    console.print(_tasks(result.tasks))
    console.print(_samples(result, rubric))
    for line in messages(result):
        console.print(Text(line), soft_wrap=True)
    console.print(f"total   {result.points:g} of {result.max_points:g} points", style="bold")
    console.print(Text(f"sandbox {result.isolation}"))


def messages(result: Result) -> list[str]:
    """What to know beyond the numbers, a sentence each."""
    said = [f"train   {result.training_message}"] if result.training_message else []
    return said + [f"{s.name:<7} {s.message}" for s in result.samplers if s.message]


def _tasks(tasks: list[TaskResult]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name, justify in (("", "left"), ("task", "left"), ("", "left"), ("tests", "right"), ("points", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for task in tasks:
        passed, points = f"{task.passed}/{len(task.cases)}", f"{task.points:g}/{task.max_points:g}"
        table.add_row(MARKS[task.status], f"{task.id} {task.function}", task.title, passed, points)
    return table


def _samples(result: Result, rubric: Rubric) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("samples", "steps", "Chamfer", "floor", "full points", "points"):
        table.add_column(name, justify="left" if name == "samples" else "right")
    for sampler in result.samplers:
        band = f"below {rubric.bands[sampler.name.lower()][0].below:g}"
        floor = "" if result.floor is None else f"{result.floor:.2f}"
        points = f"{sampler.points:g}/{sampler.max_points:g}"
        table.add_row(sampler.name, str(sampler.steps), _chamfer(sampler), floor, band, points)
    return table


def _chamfer(sampler: SamplerResult) -> str:
    return "-" if sampler.chamfer is None else f"{sampler.chamfer:.2f}"
