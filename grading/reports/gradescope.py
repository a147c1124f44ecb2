"""Gradescope's results.json: https://gradescope-autograders.readthedocs.io/en/latest/specs/"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from html import escape
from typing import Any

from grading.grade.result import Result
from grading.reports.parts import Part, parts
from grading.reports.sanitize import one_line, plain


def gradescope(result: Result, picture: bytes = b"", notes: Sequence[str] = ()) -> str:
    """The result as results.json: a test for each task and each sampler, all visible, nothing from standard output.

    Text is declared as text: Gradescope shows it as it is. A picture (PNG) of what the samplers drew stands in the
    first sampler's test, which is HTML then. Notes say what was done to find the files.
    """
    tests = [_test(part) for part in parts(result)]
    first = next((test for part, test in zip(parts(result), tests) if not part.module), None)
    if picture and first:
        source = base64.b64encode(picture).decode()
        shown = f'<img alt="samples of DDPM, then DDIM" src="data:image/png;base64,{source}">'
        shown = f"<pre>{escape(first['output'])}</pre>{shown}"
        first |= {"output": shown, "output_format": "html"}
    whole = {
        "score": result.points,
        "execution_time": round(result.seconds.get("whole", 0)),
        "output": "\n".join([_about(result), *map(one_line, notes)]),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
        "extra_data": {"settings": result.settings, "isolation": result.isolation, "versions": result.versions},
    }
    return json.dumps(whole, indent=1, allow_nan=False)


def not_graded(why: str) -> str:
    """Zero points, and why: what stands in results.json until there is a grade."""
    whole = {"score": 0, "output": plain(why), "output_format": "text", "visibility": "visible"}
    return json.dumps(whole, indent=1, allow_nan=False)


def _test(part: Part) -> dict[str, Any]:
    return {
        "number": part.id,
        "name": one_line(f"{part.name}: {part.title}"),
        "score": part.points,
        "max_score": part.max_points,
        "status": "passed" if part.passed else "failed",
        "output": part.message,
        "output_format": "text",
        "visibility": "visible",
    }


def _about(result: Result) -> str:
    said = [f"{result.points:g} of {result.max_points:g} points"]
    if result.training_message:
        said.append(f"training: {plain(result.training_message)}")
    return "\n".join(said)
