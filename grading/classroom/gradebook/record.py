"""gradebook.json: the table with all that an appeal needs, in the form that gradebook.schema.json describes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from grading.classroom.gradebook.job import Terms, hashes, kata_version, measuring_version
from grading.classroom.gradebook.rows import Row
from grading.classroom.overview.insight import insight

FORMAT = 2


def record(rows: list[Row], terms: Terms, about: dict[str, Any]) -> dict[str, Any]:
    """Everything that the points rest on: when, by which rubric and settings, of which files, by which code."""
    return {
        "format": FORMAT,
        **about,
        "kata": kata_version(),
        "measuring": measuring_version(),
        "versions": _versions(rows),
        "setting": terms.setting,
        "recipe": terms.recipe,
        "sandbox": terms.sandbox,
        "deadline": terms.deadline,
        "train": terms.train,
        "rubric": asdict(terms.rubric),
        "max_points": terms.rubric.total,
        "class": insight(rows),
        "rows": [_row(row, terms) for row in rows],
    }


def _versions(rows: list[Row]) -> dict[str, list[str]]:
    """Each version that any grade was measured with: several, where the machines differ."""
    found: dict[str, set[str]] = {}
    for row in rows:
        for name, version in (row.result.versions if row.result else {}).items():
            found.setdefault(name, set()).add(version)
    return {name: sorted(versions) for name, versions in sorted(found.items())}


def _row(row: Row, terms: Terms) -> dict[str, Any]:
    tests = row.submission.tests if terms.rubric.prove else {}
    files = row.submission.files | {f"tests/{name}": content for name, content in tests.items()}
    return {
        **row.columns(),
        "notes": list(row.submission.notes),
        "earlier": list(row.submission.earlier),
        "slug": row.submission.slug,
        "report": row.report,
        "sha256": hashes(files),
        "measurement": row.key,
        "isolation": row.result.isolation if row.result else "",
        "training": row.result.training if row.result else "",
    }
