"""What the notebook calls: tests, pictures and the comparison of the student's own files, read afresh each time.

KATA_IMPL says whose files, as for pytest. KATA_QUICK=1 trains for a moment only and compares few steps: enough to see
that every cell runs, and for nothing else.
"""

from __future__ import annotations

import io
import os
import textwrap
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from matplotlib.figure import Figure

from grading.experiment.comparison_in_words import in_words
from grading.experiment.sampler_comparison import STEPS, name_of
from grading.experiment.stages import Setting
from grading.experiment.training import RECIPES
from grading.pictures.comparison import comparison
from grading.pictures.gallery import Gallery
from grading.pictures.player import page_html
from grading.pictures.samples import loss_curve
from grading.submission.implementation import Implementation, find
from grading.submission.katas import katas
from grading.suites.runner import TESTS, run_suites

QUICK_STEPS = (5, 10, 20)
SHOWN: dict[str, Callable[[Gallery], Figure]] = {
    "schedules": Gallery.schedules_figure,
    "forward": Gallery.forward_figure,
    "loss": lambda drawing: loss_curve(drawing.trained.losses),
    "samples": Gallery.samples_figure,
    "paths": Gallery.paths_figure,
}


class NotYet(Exception):
    """Why the notebook stops here: text for the student, shown without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return str(self).splitlines()


def yours() -> Implementation:
    """Your functions, as they are in your files now: `yours().q_sample(...)`."""
    return Implementation(find(_name()))


def check(kata: int | None = None) -> None:
    """Run the tests of one kata (or of all) and say how each task stands; stop at the first that fails."""
    chosen = [k for k in katas() if kata in (None, k.number)]
    if not chosen:
        raise NotYet(f"check({kata!r}): the katas are {', '.join(str(k.number) for k in katas())}")
    files = [TESTS / k.suite for k in chosen]
    outcomes = run_suites(_name(), files=files)
    for task in (task for k in chosen for task in k.tasks):
        mine = [outcome for outcome in outcomes if outcome.task == task.id]
        passed = sum(outcome.status != "failed" for outcome in mine)
        print(f"  {'+' if passed == len(mine) else 'x'} {task.id} {task.function:<26} {passed}/{len(mine)} tests")
    failure = next((outcome for outcome in outcomes if outcome.status == "failed"), None)
    if failure is not None:
        raise NotYet(f"{failure.message}\n\nEdit the file, save it, and run this cell again.")


def show(picture: str) -> Any:
    """Draw with your functions: schedules, forward, loss, samples or paths."""
    from IPython.display import Image

    if picture not in SHOWN:
        raise NotYet(f"show({picture!r}): the pictures are {', '.join(SHOWN)}")
    figure = _told(SHOWN[picture])
    return Image(data=_png(figure), width=700, alt=f"{picture}, drawn with your functions")


def play(*samplers: str) -> Any:
    """The reverse process, with a slider over t: of "ddpm", of "ddim", or of both."""
    from html import escape

    from IPython.display import HTML

    walks = _told(lambda drawing: drawing.player(*samplers))
    page = escape(page_html("The reverse process, by your functions", walks))
    height = 520 if len(samplers) != 1 else 660
    style = f"width: 100%; max-width: 50rem; height: {height}px; border: 0"
    return HTML(f'<div><iframe title="The reverse process" style="{style}" srcdoc="{page}"></iframe></div>')


def compare() -> Any:
    """DDIM, DDPM and between, over the number of steps: a table, a paragraph and a picture."""
    from IPython.display import Image

    steps = QUICK_STEPS if _quick() else STEPS
    found = _told(lambda drawing: drawing.compare(steps))
    print("steps " + "".join(f"{name_of(eta):>15}  seconds" for eta in found.etas))
    for rows in zip(*(found.of(eta) for eta in found.etas)):
        print(f"{rows[0].steps:>5} " + "".join(f"{row.chamfer:>15.2f}  {row.seconds:>7.2f}" for row in rows))
    print("", *textwrap.wrap(in_words(found), 96), sep="\n")
    return Image(data=_png(comparison(found)), width=700, alt="Chamfer distance and seconds over the number of steps")


def _told(draw: Callable[[Gallery], Any]) -> Any:
    """Draw, or say in plain words which function is in the way."""
    drawing = Gallery(_name(), _setting(), _Counter())
    try:
        return draw(drawing)
    except drawing.troubles as trouble:
        raise NotYet(drawing.explain(trouble)) from None


def _name() -> str:
    return os.environ.get("KATA_IMPL") or "exercises"


def _quick() -> bool:
    return bool(os.environ.get("KATA_QUICK"))


def _setting() -> Setting:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if not _quick():
        return Setting(device=device)
    RECIPES["quick"] = replace(RECIPES["kata"], steps=100)
    return Setting(recipe="quick", device=device, num_points=256)


class _Counter:
    """Counts in one line of the cell's output how far training and sampling are."""

    names = {"train": "training", "ddpm": "sampling, DDPM", "ddim": "sampling, DDIM", "compare": "comparing, steps"}

    def __call__(self, stage: str, done: int, total: int) -> None:
        print(f"\r{self.names[stage]}: {done} of {total}    ", end="\n" if done == total else "", flush=True)


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()
