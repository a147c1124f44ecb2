"""The report as one HTML file that needs no network: what a student looks at, and an instructor files."""

from __future__ import annotations

import base64
import re
from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from grading.grade.result import CaseResult, Result, SamplerResult, TaskResult
from grading.judging.failure import LABEL
from grading.reports.distance_scale import scale
from grading.reports.parts import WORDS, next_task, number, ratio
from grading.reports.sanitize import one_line, plain
from grading.submission.katas import katas

MARKS = {"done": "✓", "wrong": "✗", "todo": "○", "locked": "·"}
NAMES = {"dataset": "data set", "num_points": "points of each sampler", "num_inference_steps": "steps of DDIM"}


def page(result: Result, clouds: dict[str, str] | None = None, loss: str = "", player: str = "") -> str:
    """Make the page.

    Args:
        result: the grade. Its text is escaped wherever it appears.
        clouds: DDPM and DDIM -> SVG of the samples, where there are any.
        loss: HTML of the training loss; empty where nothing was trained.
        player: HTML with scripts in it; no other script runs in the page. All three are our own.
    """
    return template("page.html").render(
        result=result,
        groups=groups(result),
        marks=MARKS,
        words=WORDS,
        failures=failures,
        headline=headline,
        labelled=labelled,
        scale=lambda sampler: Markup(scale(sampler, result.floor)),
        beside=lambda sampler: beside(sampler, result.floor),
        clouds={name: Markup(drawn) for name, drawn in (clouds or {}).items()},
        loss=Markup(loss),
        player=Markup(player),
        scripts=script_sources(player),
        following=next_task(result),
        first=next((task.id for task in result.tasks if task.status == "wrong"), None),
        environment=environment_rows(result),
    )


@cache
def template(name: str) -> Template:
    """A template of ours; whatever is put into it is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"plain": plain, "one_line": one_line, "number": number}
    return environment.get_template(name)


def groups(result: Result) -> list[tuple[str, str, list[TaskResult]]]:
    """Title, file and tasks of each kata that the result knows of."""
    found = []
    for kata in katas():
        mine = [task for task in result.tasks if task.module == kata.module]
        if mine:
            found.append((f"{kata.number} {kata.title}", f"{kata.module}.py", mine))
    return found


def failures(task: TaskResult) -> list[CaseResult]:
    """The tests of a task that failed."""
    return task.failures


def headline(message: str) -> str:
    """The line of a failure that stands alone."""
    return one_line(message.partition("\n")[0], 120) or "no message"


def labelled(message: str) -> list[tuple[str, str]]:
    """What follows the headline, as (label, text) with wrapped lines joined again; empty where it has another form."""
    rows: list[tuple[str, str]] = []
    for line in message.split("\n")[1:]:
        label, text = line[2 : LABEL + 2].strip(), line[LABEL + 2 :].strip()
        if line[:2].strip() or not text:
            return []
        if label:
            rows.append((label, text))
        elif rows:
            rows[-1] = (rows[-1][0], f"{rows[-1][1]} {text}")
        else:
            return []
    return rows


def beside(sampler: SamplerResult, floor: float | None) -> str:
    """2.41, 6.2 times the floor"""
    if sampler.chamfer is None:
        return "not measured"
    times = ratio(sampler, floor)
    return number(sampler.chamfer) + (f", {times} the floor" if times else "")


def script_sources(fragment: str) -> str:
    """What a Content-Security-Policy lets run: exactly the scripts of the fragment."""
    scripts = set(re.findall(r"<script>(.*?)</script>", fragment, re.DOTALL))
    hashes = [base64.b64encode(sha256(script.encode()).digest()).decode() for script in sorted(scripts)]
    return " ".join(f"'sha256-{code}'" for code in hashes) or "'none'"


def environment_rows(result: Result) -> list[tuple[str, str]]:
    """What the numbers depend on, and how long it took."""
    settings = [(NAMES.get(name, name), str(value)) for name, value in result.settings.items()]
    whole = result.seconds.get("whole", sum(result.seconds.values()))
    stages = ", ".join(f"{name} {value:.1f}" for name, value in result.seconds.items() if name != "whole")
    seconds = ("seconds", f"{whole:.1f} ({stages})" if stages else f"{whole:.1f}")
    if result.training:
        settings.append(("training", result.training))
    return [*settings, ("sandbox", result.isolation), *result.versions.items(), seconds]
