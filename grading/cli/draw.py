"""kata plot and kata compare: pictures of what the student's own code does, and the two samplers side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grading.cli import app
from grading.cli.progress import Bars
from grading.cli.run import Impl
from grading.submission.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from grading.experiment.sampler_comparison import Comparison
    from grading.pictures.gallery import Gallery

PICTURES = ("forward", "schedules", "samples", "reverse", "paths")
Dataset = Annotated[str, typer.Option(help="The data: swiss_roll, circle, s_curve, moons, checkerboard, ...")]
Recipe = Annotated[str, typer.Option(help="How to train: kata, or course, the original assignment's way.")]
Seed = Annotated[int, typer.Option(help="Decides every random number.")]
Device = Annotated[str, typer.Option(help="cpu or cuda.")]
Out = Annotated[Path | None, typer.Option(help="Folder for what is drawn; default reports/NAME.")]


@app.command(short_help="Draw what your own code does.")
def plot(
    what: Annotated[str, typer.Argument(metavar="PICTURE", help=f"One of {', '.join(PICTURES)}; or all.")] = "all",
    impl: Impl = "exercises",
    dataset: Dataset = "swiss_roll",
    recipe: Recipe = "kata",
    seed: Seed = 0,
    device: Device = "cpu",
    out: Out = None,
) -> None:
    """Draw what your own code does.

    forward: the data dissolve into noise, by your q_sample.

    schedules: your three schedules side by side.

    samples: what your two samplers make, over the data.

    reverse: the way back, as an animated GIF and as a page with a slider.

    paths: where single points wander under either sampler.

    The last three train a network with your loss, once for the same code: it is kept in .kata/.
    """
    from grading.pictures.gallery import Gallery

    if what not in (*PICTURES, "all"):
        raise UsageError(f"kata plot {what}: there is no such picture; give {', '.join(PICTURES)} or all")
    wrong = False
    with _drawing(impl, dataset, recipe, seed, device, out) as (drawing, folder, console, bars):
        makers: dict[str, Callable[[Gallery, Path], list[Path]]] = {
            name: getattr(Gallery, name) for name in (PICTURES if what == "all" else (what,))
        }
        said: set[str] = set()
        for name, make in makers.items():
            bars.say(f"drawing {name}")
            try:
                for path in make(drawing, folder):
                    console.print(f"{name:<10} {os.path.relpath(path)}", soft_wrap=True)
            except drawing.troubles as trouble:
                wrong, sentence = True, drawing.explain(trouble)
                console.print(
                    f"{name:<10} not drawn: {sentence if sentence not in said else 'the same'}", soft_wrap=True
                )
                said.add(sentence)
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
    """Compare DDIM and DDPM over the number of steps: distance to the data and time, as table, picture and CSV.

    One network, trained with your loss, and one starting noise; then your ddim_sample with 5 to 1000 steps and eta 0
    (DDIM), 0.5, and 1 (as much noise as DDPM adds).
    """
    from grading.experiment.sampler_comparison import in_words, to_csv
    from grading.files import write_whole
    from grading.pictures import save
    from grading.pictures.comparison import comparison

    with _drawing(impl, dataset, recipe, seed, device, out) as (drawing, folder, console, bars):
        try:
            found = drawing.compare()
        except drawing.troubles as trouble:
            console.print(f"not compared: {drawing.explain(trouble)}", soft_wrap=True)
            raise typer.Exit(1) from None
        bars.say("drawing")
        write_whole(folder / "compare.csv", to_csv(found))
        save(comparison(found), folder / "compare.png")
    _print_table(console, found)
    console.print(in_words(found))
    for name in ("compare.png", "compare.csv"):
        console.print(os.path.relpath(folder / name), soft_wrap=True)


@contextmanager
def _drawing(
    impl: str, dataset: str, recipe: str, seed: int, device: str, out: Path | None
) -> Iterator[tuple[Gallery, Path, Console, Bars]]:
    from rich.console import Console

    from grading.experiment.stages import Setting
    from grading.pictures.gallery import Gallery

    if device not in ("cpu", "cuda"):
        raise UsageError(f"--device {device}: give cpu or cuda")
    console = Console(highlight=False, markup=False)
    with Bars(console) as bars:
        drawing = Gallery(impl, Setting(dataset, recipe, seed, device), bars.progress)
        folder = out or Path("reports") / drawing.folder.name
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"--out {folder}: that is a file; give a folder for the pictures")
        yield drawing, folder, console, bars


def _print_table(console: Console, found: Comparison) -> None:
    """One row for each number of steps; Chamfer distance and seconds for each eta."""
    from rich.table import Table

    from grading.experiment.sampler_comparison import name_of

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("steps", justify="right")
    for eta in found.etas:
        table.add_column(name_of(eta), justify="right")
        table.add_column("seconds", justify="right")
    for rows in zip(*(found.of(eta) for eta in found.etas)):
        cells = [cell for row in rows for cell in (f"{row.chamfer:.2f}", f"{row.seconds:.2f}")]
        table.add_row(str(rows[0].steps), *cells)
    console.print(table)
