"""A failed check, as a student reads it: a headline that stands alone, then a few short lines, 80 columns."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field

WIDTH = 80
LABEL = 11
KEPT = "\N{NO-BREAK SPACE}"


@dataclass
class Failure(AssertionError):
    """One thing that is wrong with one task.

    Attributes:
        task: the task's id, `4.1`.
        headline: `4.1 ddpm_step: wrong value at t=3`.
        kind: `todo`, `load`, `crash`, `timeout`, `gone` or `wrong`.
        lines: label and text, in the order shown.
        misconception: what was measured to be wrong, in one phrase: `ddpm_step: sigma^2 = beta`.
        printed: what the failing call has printed; None where nobody listened.
        repeat: makes the failing call again, where it came by a breakpoint.
    """

    task: str
    headline: str
    kind: str = "wrong"
    lines: list[tuple[str, str]] = field(default_factory=list)
    misconception: str | None = None
    printed: str | None = None
    repeat: Callable[[], None] | None = None

    def __str__(self) -> str:
        return "\n".join([_wrapped("", self.headline, 0), *(_wrapped(*line, LABEL) for line in self.lines)])


class Hopeless(BaseException):
    """A failure of a function that gave no answer: no Exception, so that hypothesis neither repeats nor shrinks it."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


def quoted(argument: str) -> str:
    """An argument as it has to be typed, where there is a space in it."""
    return subprocess.list2cmdline([argument]) if sys.platform == "win32" else shlex.quote(argument)


def _wrapped(label: str, text: str, indent: int) -> str:
    first = f"  {label:<{indent}}" if indent else ""
    later = " " * (indent + 2)
    whole = re.sub(r"(?<=\d,) (?=\d)|(?<=\w) (?=\(\d)", KEPT, text)  # x_t (64, 2) stays on one line
    filled = textwrap.fill(whole, WIDTH, initial_indent=first, subsequent_indent=later, break_on_hyphens=False)
    return filled.replace(KEPT, " ")
