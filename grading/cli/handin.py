"""kata handin: the zip to hand in, and what the grader will make of it."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from typing import Annotated

import typer

from grading.cli import app
from grading.cli.run import chosen, outcomes, shown
from grading.cli.screen import Screen
from grading.submission.errors import UsageError
from grading.submission.folders import find
from grading.submission.katas import MODULES, REQUIRED, in_words


@app.command(short_help="Make the zip to hand in, tried as the grader will try it.")
def handin(
    impl: Annotated[
        str | None, typer.Option("--impl", metavar="FOLDER", envvar="KATA_IMPL", help="Whose code; yours if left out.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The zip to write.")] = Path("handin.zip"),
) -> None:
    """Write a zip of your files and of your own tests, and test what is in it: in a sandbox, as the grader will.

    Example: kata handin
    """
    from grading.suites import display

    folder = find(chosen(impl))
    files = [folder / f"{module}.py" for module in MODULES if (folder / f"{module}.py").is_file()]
    missing = [f"{module}.py" for module in REQUIRED if folder / f"{module}.py" not in files]
    if missing:
        raise UsageError(
            f"kata handin: {folder.name}/ lacks {', '.join(missing)}; what is not done is handed in as it is"
        )
    tests, fresh = _own_tests(folder)
    _write(out, {file: file.name for file in files} | {path: f"tests/{path.name}" for path in tests.values()})
    with tempfile.TemporaryDirectory() as scratch:
        unpacked = Path(scratch) / folder.name
        with zipfile.ZipFile(out) as archive:
            archive.extractall(unpacked)
        alone, said = _sandbox()
        seen = outcomes(str(unpacked), "--all", *alone)
        screen = Screen()
        display.write_board(screen, seen, folder)
        display.write_remarks(screen, folder)
    count = in_words(len(files))
    screen.write_line(f"\n{shown(out.resolve())}  {count} files: {', '.join(file.name for file in files)}", bold=True)
    if tests:
        screen.write_line(f"With your tests of {', '.join(tests)}, for a course that counts them; see them: kata prove")
    if fresh:
        screen.write_line(f"Left out: the tests of {', '.join(fresh)}, for nothing is added to their example.")
    screen.write_line(said)


def _own_tests(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """The student's own tests, by task; and the tasks whose tests are as they were made."""
    from grading.proving.run import file_of, provable
    from grading.proving.stubs import untouched

    begun = {task: file_of(folder, task) for task in provable() if file_of(folder, task).is_file()}
    tests = {task.id: path for task, path in begun.items() if not untouched(path, task)}
    return tests, [task.id for task in begun if task.id not in tests]


def _write(out: Path, files: dict[Path, str]) -> None:
    try:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for file, name in files.items():
                archive.write(file, name)
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written ({error.strerror})") from None


def _sandbox() -> tuple[tuple[str, ...], str]:
    """The option that tests in a sandbox, and what to say about it; none where none is to be had."""
    from grading.isolation import server

    try:
        server()
    except UsageError:
        return (), "It was unpacked and tested in this process: there is no sandbox here."
    return ("--isolated",), "It was unpacked and tested in a sandbox, as the grader will."
