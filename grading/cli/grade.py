"""kata grade: the suites, a training run with the submission's loss, its samples, and what all that is worth."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from grading.cli import app
from grading.cli.progress import Bars
from grading.errors import UsageError

Impl = Annotated[
    str,
    typer.Option(
        "--impl",
        metavar="NAME_OR_PATH",
        envvar="KATA_IMPL",
        help="Whose code: exercises, solutions, or a folder with the five modules.",
    ),
]


@app.command()
def grade(
    impl: Impl = "exercises",
    dataset: Annotated[str, typer.Option(help="The data to learn; swiss_roll and others.")] = "swiss_roll",
    recipe: Annotated[str, typer.Option(help="How to train: kata, or course, the original assignment's way.")] = "kata",
    seed: Annotated[int, typer.Option(help="Decides every random number.")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    num_points: Annotated[int, typer.Option(help="How many points each sampler draws.")] = 2048,
    num_inference_steps: Annotated[int, typer.Option(help="How many steps DDIM takes.")] = 50,
    rubric: Annotated[Path | None, typer.Option(help="A TOML file with your own points and bands.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the report; default reports/NAME.")] = None,
    sandbox: Annotated[
        str, typer.Option(help="Demand a sandbox: namespaces, portable or none; auto takes the best there is.")
    ] = "auto",
    in_process: Annotated[
        bool, typer.Option("--in-process", help="Run the code in this process: breakpoints work, nothing is safe.")
    ] = False,
) -> None:
    """Grade an implementation: test it, train with its loss, sample with its steps, measure, and write a report."""
    from rich.console import Console

    from grading.experiment import Setting
    from grading.grade import grade as run
    from grading.implementation import find
    from grading.reports import terminal, write_report
    from grading.rubric import load_rubric

    if device not in ("cpu", "cuda"):
        raise UsageError(f"--device {device}: give cpu or cuda")
    setting, points = Setting(dataset, recipe, seed, device, num_points, num_inference_steps), load_rubric(rubric)
    folder = _made(out or Path("reports") / find(impl).name)
    console = Console(highlight=False)
    with Bars(console) as bars:
        graded = run(impl, setting, points, isolated=not in_process, sandbox=sandbox, progress=bars.progress)
        bars.say("writing the report")
        page = write_report(graded, folder)
    terminal.write(console, graded.result, points)
    console.print(f"report  {os.path.relpath(page)}", soft_wrap=True)


def _made(folder: Path) -> Path:
    """The report's folder, made now: better to learn before the training run than after it that it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise UsageError(f"--out {folder}: that is a file; give a folder for the report") from None
    except OSError as error:
        raise UsageError(f"--out {folder}: cannot be made ({error.strerror}); give a folder for the report") from None
    return folder
