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
    """Write a zip of your files, and nothing else, and test what is in it: in a sandbox, as the grader will.

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
    _write(out, files)
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
    screen.write_line(said)


def _write(out: Path, files: list[Path]) -> None:
    try:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                archive.write(file, file.name)
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
