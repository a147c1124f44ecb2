"""GitHub: the step summary, annotations at the student's own functions, and the `result` that Classroom reads.

Whatever a submission wrote is shown as it is: in the summary inside code, where Markdown, HTML and mentions mean
nothing; in the log between stop-commands, so that no line of it is a workflow command.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from grading.grade.result import Result
from grading.isolation.submission_files import submission_files
from grading.reports.parts import WORDS, parts
from grading.reports.sanitize import one_line, plain

MOST_ANNOTATIONS = 10  # GitHub shows no more of one step
MARKS = {"done": "✅", "wrong": "❌", "todo": "⬜", "locked": "⏸️"}


def summary(result: Result) -> str:
    """Markdown for $GITHUB_STEP_SUMMARY: points, a row for each part, and each failure as it reads on a terminal.

    At most 14 messages of at most `text.MOST` characters: far below the 1 MiB that a step may write.
    """
    rows = [
        f"| {MARKS[part.status]} {WORDS[part.status]} | {part.id} | {code(part.name)} | {escaped(part.title)} "
        f"| {part.points:g} / {part.max_points:g} |"
        for part in parts(result)
    ]
    lines = [
        f"## Diffusion Kata: {result.points:g} of {result.max_points:g} points",
        "",
        code(result.impl),
        "",
        "| | | function | | points |",
        "|---|---|---|---|---:|",
        *rows,
        "",
    ]
    told = [(f"{part.id} {part.name}", part.message) for part in parts(result) if part.message]
    if result.training_message:
        told.insert(0, ("training", plain(result.training_message)))
    for name, message in told:
        lines += [f"### {escaped(name)}", "", fenced(message), ""]
    return "\n".join(lines)


def code(text: str) -> str:
    """One line of a submission's as inline code, where mentions and addresses mean nothing either."""
    return f"<code>{escaped(text)}</code>"


def escaped(text: str) -> str:
    """One line in which nothing is Markdown or HTML: every mark of punctuation is a character reference."""
    return re.sub(r"[^\w ]|_", lambda match: f"&#{ord(match[0])};", one_line(text))


def fenced(text: str) -> str:
    """A code block behind a fence longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{plain(text)}\n{fence}"


def error_commands(result: Result, folder: str = "exercises", lines: dict[str, int] | None = None) -> list[str]:
    """Workflow commands, one for each task that failed: an error at the function, or at the top of its file.

    Args:
        folder: where the modules lie in the student's repository.
        lines: the line of each function, from `lines_of`.
    """
    return [
        f"::error file={_property(f'{folder}/{part.module}.py')},line={(lines or {}).get(part.name, 1)},"
        f"title={_property(f'{part.id} {part.name}')}::{_data(part.message)}"
        for part in parts(result)
        if part.module and part.status in ("wrong", "todo")
    ][:MOST_ANNOTATIONS]


def _data(text: str) -> str:
    return plain(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(one_line(text)).replace(":", "%3A").replace(",", "%2C")


def lines_of(folder: Path) -> dict[str, int]:
    """The line at which each function of a submission begins. The files are read as text, not parsed, never run."""
    found: dict[str, int] = {}
    for content in submission_files(folder)[1].values():
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            match = re.match(r"def (\w+)", line)
            if match:
                found.setdefault(match[1], number)
    return found


@contextmanager
def commands_stopped(wanted: bool = True) -> Iterator[None]:
    """Within the block no line of the log is a workflow command; the word that ends it cannot be guessed."""
    token = secrets.token_hex(16)
    if wanted:
        print(f"::stop-commands::{token}", flush=True)
    try:
        yield
    finally:
        if wanted:
            print(f"\n::{token}::", flush=True)


def publish(result: Result, folder: Path, environment: Mapping[str, str] = os.environ) -> None:
    """Within a step of GitHub Actions: append the summary, print the annotations.

    Args:
        folder: the submission; annotations need it to lie in the checkout.
        environment: where GITHUB_STEP_SUMMARY and GITHUB_WORKSPACE are looked up.
    """
    if environment.get("GITHUB_STEP_SUMMARY"):
        with open(environment["GITHUB_STEP_SUMMARY"], "a", encoding="utf-8") as file:
            file.write(summary(result) + "\n")
    checkout = Path(environment.get("GITHUB_WORKSPACE") or ".").resolve()
    if in_actions(environment) and folder.resolve().is_relative_to(checkout):
        within = folder.resolve().relative_to(checkout).as_posix()
        print("\n".join(error_commands(result, within, lines_of(folder))), flush=True)


def in_actions(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is a step of GitHub Actions, where a line of the log may be a command."""
    return environment.get("GITHUB_ACTIONS") == "true"
