"""A row of a TOML file that somebody has written: all that it needs, and nothing unknown."""

from __future__ import annotations

from typing import Any

from grading.submission.errors import UsageError


def checked(source: str, name: str, row: Any, needed: tuple[str, ...], more: tuple[str, ...] = ()) -> dict[str, Any]:
    """A row with every key that it needs and no other than those and `more`; UsageError names the row and the key."""
    if not isinstance(row, dict):
        raise UsageError(f"{source}: {name} must be a table; got {row!r}")
    for key in row:
        if key not in (*needed, *more):
            raise UsageError(f"{source}: unknown key {key!r} in {name}; the keys are {', '.join((*needed, *more))}")
    for key in needed:
        if key not in row:
            raise UsageError(f"{source}: {name} lacks {key!r}")
    return row
