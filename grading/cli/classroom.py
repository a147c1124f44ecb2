"""kata gradebook and kata release: for whoever gives the course."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from grading.cli import app
from grading.submission.errors import UsageError


@app.command(short_help="Grade a whole class into a table.")
def gradebook(
    submissions: Annotated[Path, typer.Argument(help="A folder with a folder or a zip for each student.")],
    out: Annotated[Path, typer.Option(help="Folder for the gradebook and every report.")] = Path("reports/gradebook"),
    rubric: Annotated[Path | None, typer.Option(help="A TOML file with your own points and bands, or course.")] = None,
    dataset: Annotated[str, typer.Option(help="The data to learn; swiss_roll and others.")] = "swiss_roll",
    recipe: Annotated[str, typer.Option(help="How to train: kata, or course, the original assignment's way.")] = "kata",
    seed: Annotated[int, typer.Option(help="Decides data, weights and noise; the tests ask each row anew.")] = 0,
    workers: Annotated[int | None, typer.Option(help="How many at once here; as many as cores if left out.")] = None,
    sandbox: Annotated[
        str, typer.Option(help="Demand a sandbox: namespaces, portable or none; auto takes the best there is.")
    ] = "auto",
    deadline: Annotated[
        float, typer.Option(help="Ask a submission nothing more after so many seconds; what it earned by then counts.")
    ] = 1200,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Grade on a Dask cluster, at tcp://HOST:PORT or tls://HOST:PORT."),
    ] = None,
) -> None:
    """Grade a whole class into a table (CSV, JSON, HTML); run again, it grades only what is new or has changed.

    A zip holds the files at its top or in one folder. A submission that cannot be graded is a row with a sentence.
    The exit code is 1 where the grader itself failed on a submission: run again to try those.
    """
    from dataclasses import asdict

    from rich.console import Console

    from grading.classroom import gradebook as book
    from grading.classroom.gradebook.cluster import run_on_cluster
    from grading.classroom.gradebook.pool import run_here
    from grading.cli.class_progress import Roll
    from grading.experiment.stages import Setting
    from grading.experiment.training import RECIPES
    from grading.grade.rubric import load_rubric
    from grading.isolation import close_servers, server

    if workers is not None and workers < 1:
        raise UsageError(f"--workers {workers}: give 1 or more")
    if not deadline > 0:
        raise UsageError(f"--deadline {deadline:g}: give a number of seconds above 0")
    setting = Setting(dataset, recipe, seed)
    terms = book.Terms(asdict(setting), asdict(RECIPES[recipe]), load_rubric(rubric), sandbox, deadline)
    if cluster:
        run = partial(run_on_cluster, address=cluster)
    else:
        server(sandbox)  # one sentence now rather than one in each row
        close_servers()
        run = partial(run_here, workers=workers)
    console = Console(highlight=False)
    with Roll(console) as roll:
        rows, others = book.gradebook(submissions, out, terms, run, roll.told)
    roll.conclude(rows, others, terms.rubric.total)
    console.print(f"gradebook  {os.path.relpath(out / 'gradebook.html')}", soft_wrap=True)
    if any(row.status == "failed" for row in rows):
        raise typer.Exit(1)


release = typer.Typer(help="Make what is handed out: the student's repository, or an autograder for Gradescope.")
app.add_typer(release, name="release", no_args_is_help=True, short_help="Make what is handed out.")


@release.command()
def student(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is empty or not there yet.")],
) -> None:
    """Write the student's repository: fresh stubs, tests, grader, workflows; no solutions. Ready for git init."""
    from grading.classroom.release import release_student

    files = release_student(folder)
    print(
        f"{len(files)} files in {folder}; next: cd {folder} && git init && git add -A && git commit -m 'Diffusion Kata'"
    )


@release.command()
def gradescope(
    file: Annotated[Path, typer.Argument(metavar="FILE.zip", help="The zip to write.")],
    rubric: Annotated[Path | None, typer.Option(help="A TOML file with your own points and bands, or course.")] = None,
    dataset: Annotated[str, typer.Option(help="The data to learn; need not be the published one.")] = "swiss_roll",
    recipe: Annotated[str, typer.Option(help="How to train: kata, or course, the original assignment's way.")] = "kata",
    seed: Annotated[int, typer.Option(help="Decides every random number; need not be the published one.")] = 0,
) -> None:
    """Write an autograder for Gradescope: upload the zip as it is; the container's defaults are enough."""
    from grading.classroom.release import release_gradescope

    release_gradescope(file, rubric=rubric, dataset=dataset, recipe=recipe, seed=seed)
    print(f"{file}: upload it as the autograder of a programming assignment")
