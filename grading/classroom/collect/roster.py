"""The roster: who is in the class. It joins ids, names, emails and sections, whatever platform's table it is."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from itertools import permutations
from pathlib import Path

from grading.classroom.collect.student import readable
from grading.submission.errors import UsageError

# What each column may be called, in Canvas's, Moodle's and Gradescope's tables and in an instructor's own.
COLUMNS = {
    "name": ("name", "student", "full name", "student name"),
    "first": ("first name", "first", "given name", "preferred/first name"),
    "last": ("last name", "last", "surname", "family name"),
    "email": ("email", "email address", "e-mail"),
    "section": ("section", "sections", "group"),
    "canvas": ("id", "canvas id", "canvas user id", "user id"),
    "moodle": ("identifier", "participant", "moodle id"),
    "sid": ("sid", "sis user id", "student id", "id number", "student number", "matriculation number"),
    "login": ("login", "sis login id", "username", "user name", "netid"),
    "submitted": ("submitted", "submission time", "last modified (submission)"),
    "github": ("github", "github username", "github user", "github_username"),
}
IDS = ("canvas", "moodle", "sid", "login", "github")


@dataclass(frozen=True)
class Person:
    """One row of the roster: what it says under the names above, and the row itself for the way back."""

    name: str
    email: str = ""
    section: str = ""
    submitted: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    row: dict[str, str] = field(default_factory=dict)


class Roster:
    """The people of a class, found again by what a platform calls them."""

    def __init__(self, people: list[Person]) -> None:
        self.people = people

    def find(self, name: str, ids: dict[str, str], email: str) -> Person | None:
        """The one whom an id, the email or the name fits; None for nobody, or for more than one."""
        asked = [
            lambda p: any(ids[k].casefold() == p.ids.get(k, "").casefold() for k in IDS if ids.get(k)),
            lambda p: bool(email) and p.email.casefold() == email.casefold(),
            lambda p: any(plain(name) in (plain(value), plain(value.partition("@")[0])) for value in _handles(p)),
            lambda p: plain(name) in spellings(p.name),
            lambda p: any(plain(name).endswith(plain(value)) and name[-len(value) - 1 : -len(value)] in tuple("-_ ")
                          for value in _handles(p)),
        ]  # fmt: skip
        for fits in asked:
            found = [person for person in self.people if fits(person)]
            if len(found) == 1:
                return found[0]
        return None


def _handles(person: Person) -> list[str]:
    return [value for value in (*(person.ids.get(k, "") for k in ("github", "login", "sid")), person.email) if value]


def plain(name: str) -> str:
    """A name without accents, spaces and marks, in small letters: `Łukasz O'Neil` -> `lukaszoneil`."""
    text = unicodedata.normalize("NFKD", name.casefold().replace("ł", "l").replace("ø", "o"))
    return "".join(c for c in text if c.isalnum())


def spellings(name: str) -> set[str]:
    """The ways in which a platform may run a name's words together, first name first or last name first."""
    words = [word for word in map(plain, re.split(r"[\s,]+", name)) if word]
    if not 0 < len(words) <= 5:
        return {plain(name)}
    return {"".join(order) for order in permutations(words)}


def read_roster(path: Path) -> Roster:
    """Read a CSV with a header: Canvas's gradebook, Moodle's grading worksheet, Gradescope's roster, or your own.

    Raises:
        UsageError (a ValueError): it cannot be read, or has neither a name nor an id for anybody.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"--roster {path}: cannot be read ({error.strerror})") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))
    columns = {_meaning(column): column for column in reversed(list(rows[0] if rows else {})) if column}
    if not {"name", "last", "email", *IDS} & set(columns):
        raise UsageError(f"--roster {path}: its first line has no column such as name, email, id, sid or username")
    people = []
    for row in rows:
        told = {meaning: (row.get(column) or "").strip() for meaning, column in columns.items() if meaning}
        name = told.get("name") or " ".join(filter(None, (told.get("first"), told.get("last"))))
        if name.casefold().startswith(("points possible", "student, test")):
            continue  # Canvas's own rows
        ids = {kind: told[kind] for kind in IDS if told.get(kind)}
        if "moodle" in ids:
            ids["moodle"] = re.sub(r"\D+", "", ids["moodle"]) or ids["moodle"]
        named = readable(name or told.get("email", "") or next(iter(ids.values()), ""))
        if named:
            kept = {
                column: value or "" for column, value in row.items() if column and isinstance(value, (str, type(None)))
            }
            when = moment(told.get("submitted", ""))
            people.append(Person(named, told.get("email", ""), readable(told.get("section", "")), when, ids, kept))
    if not people:
        raise UsageError(f"--roster {path}: there is nobody in it")
    return Roster(people)


def moment(text: str) -> str:
    """ISO 8601 from a time as Moodle (`Friday, 20 November 2026, 9:00 AM`), Gradescope or a person writes it, or "".

    Without a zone it is this machine's.
    """
    for form in ("%A, %d %B %Y, %I:%M %p", "%d %B %Y, %I:%M %p", "%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M", None):
        try:
            found = datetime.strptime(text, form) if form else datetime.fromisoformat(text)
        except ValueError:
            continue
        return found.astimezone().isoformat(timespec="seconds")
    return ""


def _meaning(column: str) -> str:
    column = " ".join(column.casefold().replace("_", " ").split())
    return next(
        (meaning for meaning, names in COLUMNS.items() if column in names or column.replace(" ", "_") in names), ""
    )
