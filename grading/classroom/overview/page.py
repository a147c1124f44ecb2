"""The class on one page: what it misunderstood, how the points lie, and a row for everybody. No network needed."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from grading.reports.page import script_sources
from grading.reports.parts import WORDS, parts
from grading.reports.sanitize import one_line

if TYPE_CHECKING:
    from grading.classroom.gradebook.rows import Row

HERE = Path(__file__).parent
MOST_SLIPS = 30


def class_page(rows: list[Row], kept: dict[str, Any]) -> str:
    """The page, from the rows and what gradebook.json says of the class."""
    script = (HERE / "class.js").read_text(encoding="utf-8")
    tasks = kept["class"]["tasks"]
    return _template().render(
        rows=[_row(row, len(tasks)) for row in rows],
        kept=kept,
        about=kept["class"],
        sections=sorted({row.submission.section for row in rows if row.submission.section}),
        regraded=any(row.before is not None for row in rows),
        late=any(row.late_days or row.submission.late for row in rows),
        slips=kept["class"]["slips"][:MOST_SLIPS],
        most_in_bin=max((bin["students"] for bin in kept["class"]["distribution"]), default=1) or 1,
        words=WORDS,
        style=Markup((HERE / "class.css").read_text(encoding="utf-8")),
        script=Markup(script),
        scripts=script_sources(f"<script>{script}</script>"),
    )


@cache
def _template() -> Template:
    how = {"autoescape": True, "undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    environment = Environment(loader=FileSystemLoader(HERE), **how)  # type: ignore[arg-type]
    environment.filters["one_line"] = one_line
    return environment.get_template("class.html")


def _row(row: Row, tasks: int) -> dict[str, Any]:
    """What a line of the table shows."""
    found = parts(row.result) if row.result else []
    columns = row.columns()
    looks = f"measured: {columns['misconception']}" if columns["misconception"] else ""
    return {
        "row": row,
        "cells": [(part, one_line(f"{part.id} {part.name}: {WORDS[part.status]}")) for part in found],
        "empty": 0 if found else tasks,
        "seen": [one_line(text, 300) for text in (looks, row.message) if text],
        "notes": [one_line(note, 300) for note in row.submission.notes],
        "thumbnail": f"students/{row.submission.slug}/thumbnail.png" if row.thumbnail else "",
    }
