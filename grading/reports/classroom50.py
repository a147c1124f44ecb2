"""Classroom 50's result.json, which its runner reads from the folder that it starts the grader in.

https://github.com/foundation50/classroom50
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from grading.grade.result import Result
from grading.reports.parts import parts
from grading.reports.sanitize import one_line

# Its fields that the runner tells the grader, and where.
TOLD = {
    "classroom": "CLASSROOM",
    "assignment": "ASSIGNMENT",
    "submission": "SUBMISSION_TAG",
    "commit": "COMMIT_URL",
    "release": "RELEASE_URL",
    "review": "REVIEW_URL",
}


def classroom50(result: Result, environment: Mapping[str, str] = os.environ) -> str:
    """The result as `classroom50/result/v1`: whole points, because it knows no others; the sum is that of the tests."""
    tests: list[dict[str, Any]] = [
        {
            "test-name": one_line(f"{part.id} {part.name}"),
            "passed": part.passed,
            "score": round(part.points),
            "max-score": round(part.max_points),
        }
        for part in parts(result)
    ]
    told = {field: environment.get(variable) or "unknown" for field, variable in TOLD.items()}
    if not environment.get("REVIEW_URL"):
        told["review"] = told["commit"]
    whole = {
        "schema": "classroom50/result/v1",
        **told,
        "datetime": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "score": sum(test["score"] for test in tests),
        "max-score": sum(test["max-score"] for test in tests),
        "tests": tests,
    }
    return json.dumps(whole, indent=1, allow_nan=False)
