"""What the notebook calls: tests, pictures and the comparison of the student's own files, read afresh each time.

KATA_IMPL says whose files, as for pytest. KATA_QUICK=1 trains for a moment only and compares few steps: enough to see
that every cell runs, and for nothing else.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from matplotlib.figure import Figure

from grading.experiment.comparison_in_words import in_words
from grading.experiment.networks.training import RECIPES
from grading.experiment.sampler_comparison import STEPS, name_of
from grading.experiment.stages import Setting
from grading.pictures.comparison import FIGURES
from grading.pictures.gallery import PICTURES, Gallery
from grading.pictures.player import page_html
from grading.pictures.samples import loss_curve
from grading.submission.implementation import ROOT, Implementation, find
from grading.submission.katas import katas, task
from grading.suites.board import state
from grading.suites.runner import TESTS, run_suites

QUICK_STEPS = (5, 10, 20)
SAID_HERE = (  # what a terminal is told, and what it is called here
    (r"(?m)^  (hint|again)  .*\n?", ""),
    (r"`?kata\s+hint\s+(\d+\.\d+)`?", r'hint("\1")'),
    (r"`?kata\s+prove\s+(\d+\.\d+)`?", r'prove("\1")'),
    (r"`?kata\s+plot\s+(\d+)`?", r"show(\1)"),
    (r"`?kata\s+(compare|grade)`?", r"\1()"),
)


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
    for one in (one for k in chosen for one in k.tasks):
        mine = [outcome for outcome in outcomes if outcome.task == one.id]
        passed = sum(outcome.status != "failed" for outcome in mine)
        print(f"  {'+' if passed == len(mine) else 'x'} {one.id} {one.function:<26} {passed}/{len(mine)} tests")
    failure = next((outcome for outcome in outcomes if outcome.status == "failed"), None)
    if failure is not None:
        more = f'For a hint run hint("{failure.task}") in a cell.' if "." in failure.task else ""
        raise NotYet(f"{_here(failure.message).rstrip()}\n\nEdit the file, save it, and run this cell again. {more}")
    for one in (one for k in chosen for one in k.tasks if one.after and kata):
        print(f'  {one.id} {one.after[0]} More: hint("{one.id}")')


def hint(id: str) -> None:
    """One hint more each time; of a task that is done, why it is so and what else would be right: `hint("4.1")`."""
    from grading.cli import hints

    wanted, here = task(id), _screen()
    if wanted.after and state(run_suites(_name(), "--task", id)) == "done":
        hints.write_after(here, wanted)
    else:
        hints.write(here, wanted, hints.one_more(wanted))


def prove(id: str | None = None) -> None:
    """What right and wrong implementations say to your own tests: of a task, `prove("2.1")`, or of all in a table."""
    from grading.cli.prove import show_all, show_one

    folder = find(_name())
    if id is None:
        show_all(_screen(), folder)
    else:
        show_one(_screen(), folder, id)


def _screen() -> Any:
    """What commands of the terminal write to, here."""
    from grading.cli.screen import Screen

    class Here(Screen):
        def write(self, text: str, **_: bool) -> None:
            print(_here(text), end="")

        def write_line(self, text: str, **_: bool) -> None:
            print(_here(text))

    return Here()


def show(picture: str | int) -> Any:
    """Draw with your functions: a kata's picture by its number, or loss, samples or paths."""
    from IPython.display import Image

    by_number = {kata.number: kata.picture for kata in katas() if kata.picture}
    name = by_number.get(picture, picture) if isinstance(picture, int) else picture
    names = [name for name in PICTURES if name != "reverse"] + ["loss"]
    if name not in names:
        raise NotYet(f"show({picture!r}): the pictures are {', '.join((*map(str, by_number), *names))}")
    figure = _told(lambda g: loss_curve(g.trained.losses) if name == "loss" else g.figure(str(name)))
    return Image(data=_png(figure), width=760, alt=f"{name}, drawn with your functions")


def play(*samplers: str) -> Any:
    """The reverse process, with a slider over t: of "ddpm", of "ddim", or of both."""
    from html import escape

    from IPython.display import HTML

    walks = _told(lambda drawing: drawing.player(*samplers))
    page = escape(page_html("The reverse process, by your functions", walks))
    height = 520 if len(samplers) != 1 else 660
    style = f"width: 100%; max-width: 50rem; height: {height}px; border: 0"
    return HTML(f'<div><iframe title="The reverse process" style="{style}" srcdoc="{page}"></iframe></div>')


def compare() -> None:
    """DDIM, DDPM and between, over the number of steps: a table, a paragraph and three pictures."""
    from IPython.display import Image, display

    found = _told(lambda drawing: drawing.compare(QUICK_STEPS if _quick() else STEPS))
    print(" " * 6 + "".join(f"{name_of(eta):>22}" for eta in found.etas))
    print(" steps" + "     sliced W2  Chamfer" * len(found.etas))
    for steps in found.steps:
        rows = [found.row(eta, steps) for eta in found.etas]
        print(f"{steps:>6}" + "".join(f"{row.wasserstein:>14.2f}{row.chamfer:>9.2f}" for row in rows))
    print(f" floor{found.wasserstein_floor.mean:>14.2f}{found.floor:>9.2f}")
    print("", *textwrap.wrap(in_words(found), 96), sep="\n")
    for name, figure in FIGURES.items():
        display(Image(data=_png(figure(found)), width=760, alt=name.replace("_", " ")))


def grade() -> None:
    """Grade your files as `kata grade` does in a terminal, and print the points."""
    _kata("grade", "--impl", str(find(_name())))


def hand_in() -> None:
    """Make the zip to hand in, tried as the grader will try it; on Colab the browser saves it."""
    made = ROOT / "handin.zip"
    _kata("handin", "--out", str(made))
    if "google.colab" in sys.modules and made.exists():
        sys.modules["google.colab"].files.download(str(made))


def _kata(*arguments: str) -> None:
    """Run the kata command and print what it says."""
    if _quick():
        arguments = (arguments[0], "--help")
    command = [sys.executable, "-c", "from grading.cli import main; main()", *arguments]
    still = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"}  # set by the kernel: bars move
    pipe, how = subprocess.PIPE, {"cwd": ROOT, "env": still, "text": True, "encoding": "utf-8"}
    with subprocess.Popen(command, stdout=pipe, stderr=subprocess.STDOUT, **how) as running:  # type: ignore[call-overload]
        assert running.stdout
        for line in running.stdout:
            print(_here(line), end="")


def _here(text: str) -> str:
    """What is said to somebody at a terminal, for somebody in a notebook."""
    for terminal, notebook in SAID_HERE:
        text = re.sub(terminal, notebook, text)
    return text


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
