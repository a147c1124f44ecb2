"""kata grade: the suites, a training run with the submission's loss, its samples, and what all that is worth."""

from __future__ import annotations

import os
import secrets
import sys
from itertools import zip_longest
from pathlib import Path
from typing import Annotated

import typer

from grading.cli import app
from grading.cli.run import Impl
from grading.submission.errors import UsageError


@app.command(short_help="Train with your loss, sample with your steps, give points.")
def grade(
    impl: Impl = "exercises",
    dataset: Annotated[
        str, typer.Option(metavar="NAME", help="The data to learn; swiss_roll and others.")
    ] = "swiss_roll",
    recipe: Annotated[
        str, typer.Option(metavar="NAME", help="How to train: kata, or course, the original assignment's way.")
    ] = "kata",
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", help="Decides every random number; a secret one if left out. The result tells it."),
    ] = None,
    device: Annotated[str, typer.Option(metavar="NAME", help="cpu or cuda.")] = "cpu",
    num_points: Annotated[int, typer.Option(metavar="N", help="How many points each sampler draws.")] = 2048,
    num_inference_steps: Annotated[int, typer.Option(metavar="N", help="How many steps DDIM takes.")] = 50,
    rubric: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A TOML file with your own points and bands, or course."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where the report goes; default reports/NAME.")
    ] = None,
    sandbox: Annotated[
        str,
        typer.Option(
            metavar="TIER",
            help="Demand a sandbox: namespaces, portable, limited or none; auto takes the best there is.",
        ),
    ] = "auto",
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="Also write for another system; may be repeated. junit: junit.xml, beside the report. gradescope: "
            "results.json, likewise. classroom50: classroom50/result.json, likewise. github: a workflow's step "
            "summary and annotations.",
        ),
    ] = None,
    deadline: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Then ask nothing more of the submission; what it earned by then counts."),
    ] = None,
    fail_under: Annotated[
        float | None,
        typer.Option(metavar="POINTS", help="Exit with 1 where fewer are earned."),
    ] = None,
    in_process: Annotated[
        bool, typer.Option("--in-process", help="Run the code in this process: breakpoints work, nothing is safe.")
    ] = False,
) -> None:
    """Grade an implementation: test it, train with its loss, sample with its steps, measure, and write a report.

    Exits with 0 when it was graded, whatever the points, and with 2 for an argument that makes no sense.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the network is small: on busy cores two threads take twice as long

    from rich.console import Console
    from rich.text import Text

    from grading.cli.progress import Bars

    console = Console(highlight=False)
    with console.status("loading torch"):
        from grading.experiment.stages import Setting
        from grading.grade.grade import MOST_SEED
        from grading.grade.grade import grade as run
        from grading.grade.rubric import load_rubric
        from grading.grade.worth import floor_warnings
        from grading.reports import check_formats, github, terminal, write_formats, write_report, zero_until_graded
        from grading.submission.folders import NAMED, find

    if not in_process and sandbox == "auto" and sys.platform != "linux" and find(impl) in map(find, NAMED):
        in_process = _no_sandbox()
    if device not in ("cpu", "cuda"):
        raise UsageError(f"--device {device}: give cpu or cuda")
    if deadline is not None and not deadline > 0:
        raise UsageError(f"--deadline {deadline:g}: give a number of seconds above 0")
    seed = secrets.randbelow(MOST_SEED) if seed is None else seed
    setting, points = Setting(dataset, recipe, seed, device, num_points, num_inference_steps), load_rubric(rubric)
    wanted = check_formats(formats or [])
    folder = _made(out or Path("reports") / find(impl).name)
    for warning in floor_warnings(setting, points):
        console.print(f"note: {warning}", soft_wrap=True)
    with github.commands_stopped(github.in_actions()), zero_until_graded(folder, wanted):
        with Bars(console) as bars:
            how = {"isolated": not in_process, "sandbox": sandbox, "deadline": deadline, "progress": bars.progress}
            graded = run(impl, setting, points, tests_seed=seed, **how)  # type: ignore[arg-type]
            written = write_formats(graded.result, folder, wanted)
            bars.say("writing the report")
            page = write_report(graded, folder)
        terminal.write(console, graded.result)
    for label, path in zip_longest(("report",), (page, *written), fillvalue=""):
        console.print(Text(f"{label:<8} {_near(path)}"), soft_wrap=True)
    if "github" in wanted:
        github.publish(graded.result, find(impl))
    if fail_under is not None and graded.result.points < fail_under:
        console.print(f"{graded.result.points:g} points are below the {fail_under:g} of --fail-under")
        raise typer.Exit(1)


def _no_sandbox() -> bool:
    """Where the system has none, one's own code is graded in this process. On Linux, where graders are, never."""
    from grading.isolation import server

    try:
        server()
    except UsageError:
        print("There is no sandbox on this system: your own code runs in this process. Nobody else's should.")
        return True
    return False


def _near(path: Path | str) -> str:
    """A path as one would type it: relative to here where it lies below."""
    shown = os.path.relpath(path)
    return str(path) if shown.startswith("..") else shown


def _made(folder: Path) -> Path:
    """The report's folder, made before the training run: an error after it would cost the work."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise UsageError(f"--out {folder}: that is a file; give a folder for the report") from None
    except OSError as error:
        raise UsageError(f"--out {folder}: cannot be made ({error.strerror}); give a folder for the report") from None
    return folder
