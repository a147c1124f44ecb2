"""kata gradebook and kata release: for whoever gives the course."""

from __future__ import annotations

import os
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from grading.cli import app
from grading.submission.errors import UsageError


@app.command(short_help="Grade a whole class into a table.")
def gradebook(
    submissions: Annotated[Path, typer.Argument(help="A folder with what the students handed in, in any shape.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the gradebook and every report; default reports/FOLDER.")
    ] = None,
    roster: Annotated[
        Path | None,
        typer.Option(help="A CSV of the class: Canvas's gradebook, Moodle's worksheet, Gradescope's roster, or yours."),
    ] = None,
    rubric: Annotated[
        Path | None,
        typer.Option(help="A TOML file with your points and bands, or course. A new one re-scores in seconds."),
    ] = None,
    export: Annotated[
        list[str] | None,
        typer.Option(metavar="PLATFORM", help="Also write what canvas, moodle or gradescope imports; may be repeated."),
    ] = None,
    assignment: Annotated[
        str, typer.Option(metavar="NAME", help="For Canvas: the head of its column, such as 'Kata (12345)'.")
    ] = "Diffusion Kata",
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Run this student again (name, id or email), nobody else; may be repeated."),
    ] = None,
    due: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="The deadline, 2026-11-20T23:59 here or with +01:00; late days are columns."),
    ] = None,
    grace: Annotated[float, typer.Option(metavar="MINUTES", help="So long after the deadline is still in time.")] = 0,
    dataset: Annotated[str, typer.Option(help="The data to learn; swiss_roll and others.")] = "swiss_roll",
    recipe: Annotated[str, typer.Option(help="How to train: kata, or course, the original assignment's way.")] = "kata",
    train: Annotated[
        str,
        typer.Option(help="once: one training for all whose loss is proven to be the one due. each: everybody's own."),
    ] = "once",
    seed: Annotated[int, typer.Option(help="Decides data, weights and noise; the tests ask each row anew.")] = 0,
    workers: Annotated[int | None, typer.Option(help="How many at once here; as many as cores if left out.")] = None,
    sandbox: Annotated[
        str, typer.Option(help="Demand a sandbox: namespaces, portable, limited or none; auto takes the best there is.")
    ] = "auto",
    deadline: Annotated[
        float, typer.Option(help="Ask a submission nothing more after so many seconds; what it earned by then counts.")
    ] = 1200,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Grade on a Dask cluster at tcp://HOST:PORT. Start one with `dask scheduler`, and on each machine "
            "with this kata `dask worker tcp://HOST:8786 --nworkers auto --nthreads 1`.",
        ),
    ] = None,
) -> None:
    """Grade a whole class into a table (CSV, JSON, a page); run again, it measures only what is new or has changed.

    Reads downloads of Canvas, Moodle and Gradescope, clones, folders and archives, mixed: a row for each student, and
    one for whatever was left aside. A submission that cannot be graded is a row with a sentence. The exit code is 1
    where the grader itself failed on a submission: run again to try those.
    """
    from dataclasses import asdict

    from rich.console import Console

    from grading.classroom import gradebook as book
    from grading.classroom.collect.roster import read_roster
    from grading.classroom.gradebook.cluster import run_on_cluster
    from grading.classroom.gradebook.job import TRAIN
    from grading.classroom.gradebook.pool import run_here
    from grading.classroom.handback import check_platforms, hand_back
    from grading.cli.class_progress import Roll
    from grading.experiment.networks.training import RECIPES
    from grading.experiment.stages import Setting
    from grading.grade.rubric import load_rubric
    from grading.grade.worth import floor_warnings
    from grading.isolation import close_servers, server

    if workers is not None and workers < 1:
        raise UsageError(f"--workers {workers}: give 1 or more")
    if not deadline > 0:
        raise UsageError(f"--deadline {deadline:g}: give a number of seconds above 0")
    if train not in TRAIN:
        raise UsageError(f"--train {train}: give one of {', '.join(TRAIN)}")
    if not 0 <= grace < 1e6:
        raise UsageError(f"--grace {grace:g}: give a number of minutes, 0 or more")
    platforms, until = check_platforms(export or []), _moment(due)
    setting, points = Setting(dataset, recipe, seed), load_rubric(rubric)
    terms = book.Terms(asdict(setting), asdict(RECIPES[recipe]), points, sandbox, deadline, train)
    people = read_roster(roster) if roster else None
    console = Console(highlight=False)
    for warning in floor_warnings(setting, points):
        console.print(f"note: {warning}", soft_wrap=True)
    if cluster:
        run = partial(run_on_cluster, address=cluster)
    else:
        server(sandbox)  # one sentence now rather than one in each row
        close_servers()
        run = partial(run_here, workers=workers)
    where = out or Path("reports") / (submissions.resolve().name or "gradebook")
    own = tuple(path for path in (roster, rubric) if path)
    with Roll(console) as roll:
        extras = book.Extras(people, own, tuple(only or ()), until, grace, roll.say)
        rows = book.gradebook(submissions, where, terms, run, roll.told, extras)
    roll.conclude(rows, points.total)
    for platform in platforms:
        roll.handed(platform, hand_back(rows, where, platform, assignment, points.total))
    console.print(f"gradebook  {os.path.relpath(where / 'class.html')}", soft_wrap=True)
    if any(row.status == "failed" for row in rows):
        raise typer.Exit(1)


def _moment(text: str | None) -> datetime | None:
    """A time as it is typed; without a zone it is this machine's."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise UsageError(f"--due {text}: give a time such as 2026-11-20T23:59") from None


release = typer.Typer(help="Make what is handed out: the student's repository, or an autograder for Gradescope.")
app.add_typer(release, name="release", no_args_is_help=True, short_help="Make what is handed out.")


@release.command()
def student(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is empty or not there yet.")],
    hints: Annotated[
        bool, typer.Option("--hints/--no-hints", help="Whether the third hints, nearly the code, are in it.")
    ] = True,
) -> None:
    """Write the student's repository: fresh stubs, tests, grader, workflows; no solutions. Ready for git init.

    The grader is in it whole, and with it the formulas in the grader's own words: a test must know what is right.
    """
    from grading.classroom.release import release_student

    files = release_student(folder, hints)
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
    from grading.experiment.stages import Setting
    from grading.grade.rubric import load_rubric
    from grading.grade.worth import floor_warnings

    points = load_rubric(rubric)
    for warning in floor_warnings(Setting(dataset, recipe, seed), points):
        print(f"note: {warning}")
    print(f"{file}: upload it as the autograder of a programming assignment, and set its points to {points.total:g}")
