"""What can go wrong with a submission, each as one sentence a student can act on."""

from __future__ import annotations

import ast
import linecache
import re
import traceback
from dataclasses import dataclass
from pathlib import Path

from grading.submission.call_limit import Overdue

NO_ANSWER = "no answer in time; does a loop never end?"


class UsageError(ValueError):
    """A wrong argument of ours (an unknown task, a folder that is not there): one sentence, exit code 2."""


@dataclass(frozen=True)
class Frame:
    """One line of the submission that was running when something went wrong."""

    file: str
    line: int
    source: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}  {self.source}".rstrip()


class SubmissionError(Exception):
    """Something that a submission did instead of returning a value.

    Attributes:
        function: the function that was asked for.
        kind: `todo` (not written yet), `load` (the module cannot be imported, or lacks the name),
            `crash` (an exception), `timeout` (no answer) or `gone` (its process ended).
        message: one sentence.
        frames: the submission's own frames, outermost first.
    """

    def __init__(self, function: str, kind: str, message: str, frames: tuple[Frame, ...] = ()) -> None:
        super().__init__(f"{function}: {message}")
        self.function = function
        self.kind = kind
        self.message = message
        self.frames = frames


def _function_around(error: SyntaxError) -> str:
    """` in ddim_step`: the function that a SyntaxError stands in, where there is one above it."""
    above = [linecache.getline(error.filename or "", line) for line in range(error.lineno or 0, 0, -1)]
    found = next((m for line in above if (m := re.match(r"(?:async )?def (\w+)", line))), None)
    return f" in {found[1]}" if found else ""


def describe(error: BaseException) -> str:
    """Say what was raised: `ZeroDivisionError: division by zero`."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}{_function_around(error)}: {error.msg}"
    if isinstance(error, Overdue):
        return NO_ANSWER
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def frames_within(error: BaseException, folder: Path) -> tuple[Frame, ...]:
    """Keep the frames of a traceback that lie in the submission's folder; a SyntaxError has one of its own."""
    if isinstance(error, SyntaxError) and error.filename and _inside(error.filename, folder):
        return (Frame(_short(error.filename, folder), error.lineno or 0, (error.text or "").strip()),)
    frames = tuple(
        Frame(_short(frame.filename, folder), frame.lineno or 0, frame.line or "")
        for frame in traceback.extract_tb(error.__traceback__)
        if _inside(frame.filename, folder)
    )
    if not frames and isinstance(error.__context__, Overdue):  # told again while the first was on its way out
        return frames_within(error.__context__, folder)
    return frames


def frame_of(file: str, line: int, folder: Path) -> Frame:
    """The frame of a line that is running in the submission's folder."""
    return Frame(_short(file, folder), line, linecache.getline(file, line).strip())


def _inside(file: str, folder: Path) -> bool:
    return Path(file).parent == folder


def _short(file: str, folder: Path) -> str:
    return f"{folder.name}/{Path(file).name}"


def submission_error(function: str, error: BaseException, folder: Path) -> SubmissionError:
    """Turn whatever a submission raised into a SubmissionError, with the submission's own frames."""
    frames = frames_within(error, folder)
    if isinstance(error, NotImplementedError) and _is_a_stub(error, frames):
        if frames and _is_written(folder / Path(frames[-1].file).name, frames[-1].line):
            message = f"line {frames[-1].line} still raises NotImplementedError: take that line away"
            return SubmissionError(function, "crash", message, frames)
        return SubmissionError(function, "todo", "not written yet", frames)
    if isinstance(error, Overdue):
        return SubmissionError(function, "timeout", NO_ANSWER, frames)
    return SubmissionError(function, "crash", describe(error), frames)


def _is_a_stub(error: NotImplementedError, frames: tuple[Frame, ...]) -> bool:
    """Tell a stub from the NotImplementedError that torch raises for what a device cannot do."""
    raised_here = bool(frames) and frames[-1].source.startswith("raise")
    return raised_here or not str(error) or bool(re.match(r"\d+\.\d+ ", str(error)))


def _is_written(path: Path, line: int) -> bool:
    """Whether the function with this line has code above it: more than its docstring and the checks that are given."""
    tree = ast.parse("".join(linecache.getlines(str(path))))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    body = next((n.body for n in functions if n.lineno <= line <= (n.end_lineno or 0)), [])
    return any(not _is_given(statement) for statement in body if (statement.end_lineno or 0) < line)


def _is_given(statement: ast.stmt) -> bool:
    constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    check = isinstance(statement, ast.If) and isinstance(statement.body[0], ast.Raise)
    return constant or check or isinstance(statement, ast.Pass)
