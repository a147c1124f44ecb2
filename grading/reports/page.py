"""The report as one HTML file that needs no network: what a student looks at, and an instructor files."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from grading.katas import katas
from grading.reports.parts import again, next_task, number, ratio
from grading.reports.scale import scale
from grading.reports.text import one_line, plain
from grading.result import Result, SamplerResult, TaskResult

STATES = {"done": ("✓", "done"), "wrong": ("✗", "wrong"), "todo": ("○", "to do"), "locked": ("·", "not run")}
MOST_SHOWN = 5  # failures of one task; the rest are counted


@dataclass(frozen=True)
class Picture:
    """A PNG on disk and what it shows, for those who do not see it."""

    path: Path
    alt: str
    caption: str

    @property
    def source(self) -> str:
        return "data:image/png;base64," + base64.b64encode(self.path.read_bytes()).decode()


def page(result: Result, samples: Picture | None = None, loss: Picture | None = None, player: str = "") -> str:
    """Make the page.

    Args:
        result: the grade. Its text is escaped wherever it appears.
        samples, loss: pictures, put into the page.
        player: HTML of our own with scripts in it; no other script runs in the page.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"plain": plain, "one_line": one_line, "number": number}
    following = next_task(result)
    return environment.get_template("page.html").render(
        result=result,
        groups=groups(result),
        states=STATES,
        most=MOST_SHOWN,
        failures=failures,
        scale=lambda sampler: Markup(scale(sampler, result.floor)),
        beside=lambda sampler: beside(sampler, result.floor),
        samples=samples,
        loss=loss,
        player=Markup(player),
        scripts=script_sources(player),
        following=following,
        again=again(following) if following else "",
        first=next((task.id for task in result.tasks if task.status == "wrong"), None),
        environment=environment_rows(result),
    )


def groups(result: Result) -> list[tuple[str, str, list[TaskResult]]]:
    """Title, file and tasks of each kata that the result knows of."""
    found = []
    for kata in katas():
        mine = [task for task in result.tasks if task.module == kata.module]
        if mine:
            found.append((f"{kata.number} {kata.title}", f"{kata.module}.py", mine))
    return found


def failures(task: TaskResult) -> list[str]:
    """What failed in a task, as the student reads it."""
    return [case.message or f"{case.name}: no message" for case in task.cases if case.status == "failed"]


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
    settings = [(name.replace("_", " "), str(value)) for name, value in result.settings.items()]
    seconds = [(f"seconds: {name}", f"{value:.1f}") for name, value in result.seconds.items()]
    return [*settings, ("sandbox", result.isolation), *result.versions.items(), *seconds]
