"""Reports of a grade: each is made from the one plain Result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from grading.grade.result import Result
from grading.machine.files import write_whole
from grading.reports.classroom50 import classroom50
from grading.reports.gradescope import gradescope, not_graded
from grading.reports.junit import junit
from grading.submission.errors import UsageError

if TYPE_CHECKING:
    from grading.experiment.stages import Experiment
    from grading.grade.grade import Graded

FILES = {
    "junit": ("junit.xml", junit),
    "gradescope": ("results.json", gradescope),
    "classroom50": ("classroom50/result.json", classroom50),
}
FORMATS = (*FILES, "github")


def write_report(graded: Graded, folder: Path) -> Path:
    """Write result.json, the pictures and report.html to a folder; return the path of the page.

    The result first: a grade outlives a picture that cannot be drawn.
    """
    from grading.pictures import write_pictures
    from grading.pictures.player import player_of
    from grading.reports.page import page

    result, experiment = graded.result, graded.experiment
    write_whole(folder / "result.json", result.to_json())
    path = folder / "report.html"
    write_whole(path, page(result, clouds_of(experiment), loss_of(experiment), player_of(experiment)))
    write_pictures(experiment, folder)
    return path


def clouds_of(experiment: Experiment) -> dict[str, str]:
    """The samples of each sampler that drew any, as SVG."""
    from grading.reports.svg_plots import cloud

    parts = {"DDPM": experiment.ddpm, "DDIM": experiment.ddim}
    return {
        name: cloud(name, part.samples, experiment.data, number)
        for number, (name, part) in enumerate(parts.items())
        if part.samples is not None
    }


def loss_of(experiment: Experiment) -> str:
    """The training loss as HTML; empty where nothing was trained."""
    from grading.grade.grade import thinned
    from grading.reports.svg_plots import curve

    return curve(thinned(experiment.losses), len(experiment.losses))


def check_formats(formats: Iterable[str]) -> list[str]:
    """The formats, each once; UsageError for one that there is not."""
    found = list(dict.fromkeys(formats))
    for name in found:
        if name not in FORMATS:
            raise UsageError(f"--format {name}: the formats are {', '.join(FORMATS)}")
    return found


def write_formats(result: Result, folder: Path, formats: Iterable[str]) -> list[Path]:
    """Write the files of FILES to a folder, as far as they are wanted; return their paths."""
    written = []
    for name in formats:
        if name in FILES:
            file, made = FILES[name]
            write_whole(folder / file, made(result))
            written.append(folder / file)
    return written


@contextmanager
def zero_until_graded(folder: Path, formats: Iterable[str]) -> Iterator[None]:
    """For Gradescope: zero points on disk before anything runs, and a usage error's sentence where it ends in one."""
    path = folder / FILES["gradescope"][0] if "gradescope" in formats else None
    if path:
        write_whole(path, not_graded("The grade did not come to its end: 0 points."))
    try:
        yield
    except UsageError as error:
        if path:
            write_whole(path, not_graded(f"Not graded: {error}"))
        raise
