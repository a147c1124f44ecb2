"""Gradescope's export: a folder for each submission, and submission_metadata.yml that says whose it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from grading.classroom.collect.platforms import Piece
from grading.submission.errors import UsageError

METADATA = "submission_metadata.yml"
MOST_BYTES = 256 << 20


def pieces_of_export(folder: Path) -> list[Piece]:
    """A piece for each student of each submission; two who hand in together are two pieces with one folder.

    Raises:
        UsageError (a ValueError): the metadata cannot be read.
    """
    import yaml

    path = folder / METADATA
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"{path}: larger than {MOST_BYTES >> 20} MiB")
        told = yaml.load(path.read_text(encoding="utf-8-sig", errors="replace"), Loader=_loader())
    except (OSError, yaml.YAMLError, RecursionError, ValueError) as error:
        said = " ".join(str(error).split())[:200]
        raise UsageError(f"{path}: Gradescope's metadata cannot be read ({said})") from None
    if not isinstance(told, dict):
        raise UsageError(f"{path}: Gradescope's metadata is not a table of submissions")
    return [
        piece
        for name, about in told.items()
        if isinstance(about, dict)
        for piece in _pieces(folder / Path(str(name)).name, about)
    ]


def _pieces(path: Path, about: dict[str, Any]) -> list[Piece]:
    about = {str(key).lstrip(":"): value for key, value in about.items()}
    number = path.name.rpartition("_")[2]
    submitters = about.get("submitters") or [{}]
    found = []
    for who in submitters if isinstance(submitters, list) else [{}]:
        who = {str(k).lstrip(":"): "" if v is None else str(v) for k, v in who.items()} if isinstance(who, dict) else {}
        key = who.get("sid") or who.get("email") or who.get("name") or path.name
        ids = {"gradescope": number} | ({"sid": who["sid"]} if who.get("sid") else {})
        order = (int(number), 0) if number.isdigit() else (0, 0)
        name, email = who.get("name") or path.name, who.get("email", "")
        when = _moment(about.get("created_at"))
        found.append(Piece(path, "gradescope", key, name, order=order, ids=ids, email=email, submitted=when))
    return found


def _moment(value: Any) -> str:
    """ISO 8601 from what YAML or Ruby made of a date; UTC where no zone is given."""
    from datetime import datetime, timezone

    text = str(value or "").strip().replace(" UTC", "+00:00").replace(" Z", "+00:00")
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(text)
    except ValueError:
        return ""
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).isoformat(timespec="seconds")


def _loader() -> Any:
    """YAML's safe loader, for which a number stays text (a sid may begin with 0) and a tag of Ruby's is passed over."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        yaml_implicit_resolvers = {
            first: [(tag, regexp) for tag, regexp in rows if not tag.endswith((":int", ":float", ":bool"))]
            for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    Loader.add_multi_constructor("!", lambda *_: None)
    return Loader
