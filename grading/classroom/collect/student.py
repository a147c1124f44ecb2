"""One student's submission, whatever platform it came from."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Submission:
    """One student's files, or a sentence that says why there are none.

    Attributes:
        name: the student's, or what the folder or archive is called, with nothing in it that cannot be printed.
        slug: a name for its folder in the gradebook, one of a kind and safe in a path and in a link.
        files: bytes by file name; a file that is not there is missing here too.
        problem: why it cannot be graded; empty where it can.
        state: `here`; `missing` (in the roster, nothing handed in); `aside` (a file that is nobody's submission).
        ids: what the platforms call the student: canvas, moodle, moodle_folder, gradescope, sid, github, login.
        email, section: from the platform or the roster.
        submitted: when, as ISO 8601 with a time zone; empty where the platform does not say.
        late: the platform marked it as late.
        notes: what was repaired, chosen or left aside, a sentence each.
        earlier: older submissions of the same student, which do not count.
        row: the student's row of the roster, for the way back.
        tests: the student's own tests of the tasks, bytes by file name; they count where a rubric asks for them.
    """

    name: str
    slug: str
    files: dict[str, bytes] = field(default_factory=dict)
    problem: str = ""
    state: str = "here"
    ids: dict[str, str] = field(default_factory=dict)
    email: str = ""
    section: str = ""
    submitted: str = ""
    late: bool = False
    notes: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()
    row: dict[str, str] = field(default_factory=dict)
    tests: dict[str, bytes] = field(default_factory=dict)


def readable(text: str) -> str:
    """Text from outside with every character that cannot be printed, or could not be encoded, replaced."""
    return "".join(c if c.isprintable() else "?" for c in text.encode("utf-8", "replace").decode())


def slug(name: str) -> str:
    """A safe name for a folder: the name itself where it is one, else what can be kept of it and a few digits."""
    kept = re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:40].strip("-")
    return kept if kept == name else f"{kept}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}"
