"""Gradescope's results.json: https://gradescope-autograders.readthedocs.io/en/latest/specs/"""

from __future__ import annotations

import json
from typing import Any

from grading.grade.result import Result
from grading.reports.parts import Part, parts
from grading.reports.sanitize import one_line, plain


def gradescope(result: Result) -> str:
    """The result as results.json: a test for each task and each sampler, all visible, nothing from standard output.

    Text is declared as text: Gradescope shows it as it is.
    """
    whole = {
        "score": result.points,
        "execution_time": round(result.seconds.get("whole", 0)),
        "output": _about(result),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [_test(part) for part in parts(result)],
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
