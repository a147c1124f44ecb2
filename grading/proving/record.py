"""What was last found of a student's tests, kept in .kata/proved.json for the board, while the file is the same."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from grading.machine.files import write_whole
from grading.proving.run import file_of
from grading.proving.verdict import Verdict
from grading.submission.katas import ROOT, Task

KEPT = ROOT / ".kata" / "proved.json"


def keep(path: Path, verdict: Verdict) -> int:
    """Note a verdict; return how often the same file was asked about before, without a change."""
    kept, id = _read(), str(path)
    text = _hash(path)
    before = kept.get(id, {})
    asked = before.get("asked", 0) + 1 if before.get("text") == text else 0
    valid = not verdict.problem and not verdict.faults and not verdict.refusals
    row = {"text": text, "asked": asked, "caught": verdict.caught, "of": len(verdict.wrongs), "valid": valid}
    write_whole(KEPT, json.dumps(kept | {id: row}))
    return asked


def proved(folder: Path, task: Task) -> tuple[int, int, bool] | None:
    """How many wrong implementations the tests of a task catch, of how many, and whether they accept every right one.

    None where they were never run, or have changed since.
    """
    path = file_of(folder, task)
    row = _read().get(str(path))
    if row is None or row["text"] != _hash(path):
        return None
    return row["caught"], row["of"], row["valid"]


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _read() -> dict[str, dict[str, Any]]:
    """What is kept; nothing where the file is missing or is not ours."""
    try:
        read = json.loads(KEPT.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    rows = read.items() if isinstance(read, dict) else ()
    keys = {"text": str, "asked": int, "caught": int, "of": int, "valid": bool}
    return {
        id: row
        for id, row in rows
        if isinstance(row, dict) and all(isinstance(row.get(key), kind) for key, kind in keys.items())
    }
