"""kata plot and kata compare: pictures of what the student's own code does, and the two samplers side by side."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grading.cli import app
from grading.cli.run import Impl
from grading.submission.errors import UsageError
from grading.submission.katas import katas

if TYPE_CHECKING:
    from rich.console import Console

    from grading.cli.progress import Bars
    from grading.experiment.sampler_comparison import Comparison
    from grading.pictures.gallery import Gallery

Dataset = Annotated[str, typer.Option(help="The data: swiss_roll, circle, s_curve, moons, checkerboard, ...")]
Recipe = Annotated[str, typer.Option(help="How to train: kata, or course, the original assignment's way.")]
Seed = Annotated[int, typer.Option(help="Decides every random number.")]
Device = Annotated[str, typer.Option(help="cpu or cuda.")]
Out = Annotated[Path | None, typer.Option(help="Folder for what is drawn; default reports/NAME/plots.")]


@app.command(short_help="Draw what your own code does.")
def plot(
    what: Annotated[
        str, typer.Argument(metavar="KATA|PICTURE", help="A kata's number, a picture's name, or all.")
    ] = "all",
    impl: Impl = "exercises",
    dataset: Dataset = "swiss_roll",
    recipe: Recipe = "kata",
    seed: Seed = 0,
    device: Device = "cpu",
    out: Out = None,
) -> None:
    """Draw what your own code does. Pictures with a number go with that kata, and need no training.

    \b
    1 schedules  your three schedules side by side
    2 forward    the data dissolve into noise, by your q_sample
    3 guesses    what your loss measures
    4 ddpm       your DDPM's way back, with the best possible model
    5 ddim       your DDIM's, without and with fresh noise
      samples    what your two samplers make, over the data
      paths      where single points wander under either sampler
      reverse    the way back, as an animated GIF and as a page with a slider

    The last three train a network with your loss, once for the same code: it is kept in .kata/.
    """
    from grading.cli.viewer import view
    from grading.pictures.gallery import PICTURES

    by_number = {str(kata.number): kata for kata in katas() if kata.picture}
    name = by_number[what].picture if what in by_number else what
    if name not in (*PICTURES, "all"):
        raise UsageError(
            f"kata plot {what}: there is no such picture; give {', '.join((*by_number, *PICTURES))} or all"
        )
    wrong, written = False, []
    with _drawing(impl, dataset, recipe, seed, device, out) as (drawing, folder, console, bars):
        said: set[str] = set()
        for one in PICTURES if name == "all" else (name,):
            bars.say(f"drawing {one}")
            try:
                written = drawing.draw(one, folder)
                for path in written:
                    console.print(f"{one:<10} {os.path.relpath(path)}", soft_wrap=True)
            except drawing.troubles as trouble:
                wrong, sentence = True, drawing.explain(trouble)
                console.print(
                    f"{one:<10} not drawn: {sentence if sentence not in said else 'the same'}", soft_wrap=True
                )
                said.add(sentence)
    look = next((kata.look for kata in katas() if kata.picture == name), "")
    if look and not wrong:
        console.print(look)
    if name != "all" and not wrong:
        view(written[-1])
    raise typer.Exit(int(wrong))


@app.command(short_help="DDIM and DDPM over the number of steps.")
def compare(
    impl: Impl = "exercises",
    dataset: Dataset = "swiss_roll",
    recipe: Recipe = "kata",
    seed: Seed = 0,
    device: Device = "cpu",
    out: Out = None,
) -> None:
    """Compare DDIM and DDPM over the number of steps: distances to the data and time, as table, pictures and CSV.

    One network, trained with your loss, and one starting noise; then your ddim_sample with 5 to 1000 steps and eta 0
    (DDIM), 0.5, and 1 (as much noise as DDPM adds).

    Two distances: sliced Wasserstein (W2) sees where points crowd and not a little jitter; Chamfer sees jitter and
    strays and not where points crowd. Points of a grade are Chamfer's.
    """
    from grading.cli.viewer import view
    from grading.experiment.comparison_in_words import in_words
    from grading.experiment.sampler_comparison import to_csv
    from grading.machine.files import write_whole
    from grading.pictures import save
    from grading.pictures.comparison import FIGURES

    with _drawing(impl, dataset, recipe, seed, device, out) as (drawing, folder, console, bars):
        try:
            found = drawing.compare()
        except drawing.troubles as trouble:
            console.print(f"not compared: {drawing.explain(trouble)}", soft_wrap=True)
            raise typer.Exit(1) from None
        bars.say("drawing")
        write_whole(folder / "compare.csv", to_csv(found))
        pictures = [save(figure(found), folder / f"{name}.png") for name, figure in FIGURES.items()]
    _print_table(console, found)
    console.print(in_words(found))
    for path in (*pictures, folder / "compare.csv"):
        console.print(os.path.relpath(path), soft_wrap=True)
    view(pictures[1])


@contextmanager
def _drawing(
    impl: str, dataset: str, recipe: str, seed: int, device: str, out: Path | None
) -> Iterator[tuple[Gallery, Path, Console, Bars]]:
    from rich.console import Console

    from grading.cli.progress import Bars
    from grading.experiment.stages import Setting
    from grading.pictures.gallery import Gallery

    if device not in ("cpu", "cuda"):
        raise UsageError(f"--device {device}: give cpu or cuda")
    console = Console(highlight=False, markup=False)
    with Bars(console) as bars:
        drawing = Gallery(impl, Setting(dataset, recipe, seed, device), bars.progress)
        folder = out or Path("reports") / drawing.folder.name / "plots"  # a grade has pictures of its own beside it
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"--out {folder}: that is a file; give a folder for the pictures")
        yield drawing, folder, console, bars


def _print_table(console: Console, found: Comparison) -> None:
    """One row for each number of steps; both distances and seconds for each eta."""
    from rich.table import Table

    from grading.experiment.sampler_comparison import name_of

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("\nsteps", justify="right")
    for eta in found.etas:
        table.add_column(f"{name_of(eta)}\nW2", justify="right", no_wrap=True)
        table.add_column("\nChamfer", justify="right", no_wrap=True)
    table.add_column("\nseconds", justify="right")
    for steps in found.steps:
        rows = [found.row(eta, steps) for eta in found.etas]
        cells = [cell for row in rows for cell in (f"{row.wasserstein:.2f}", f"{row.chamfer:.2f}")]
        table.add_row(str(steps), *cells, f"{sum(row.seconds for row in rows) / len(rows):.2f}")
    floor = found.wasserstein_floor
    table.add_row("floor", f"{floor.mean:.2f}", f"{found.floor:.2f}")
    console.print(table)
    console.print(f"W2: sliced Wasserstein distance, which sees density; fresh data vary by {floor.noise:.2f}.")
