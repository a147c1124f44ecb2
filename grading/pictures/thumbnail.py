"""What both samplers drew, as one small picture: for a row of a class, or where no page of ours is shown."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from grading.pictures.style import DDIM, DDPM, PALE

if TYPE_CHECKING:
    from grading.experiment.stages import Experiment


def thumbnail(experiment: Experiment) -> bytes:
    """A PNG of 200 x 100 pixels: what DDPM and DDIM drew, over the data; nothing where neither drew."""
    drawn = [part.samples for part in (experiment.ddpm, experiment.ddim)]
    if all(samples is None for samples in drawn):
        return b""
    figure = Figure(figsize=(2, 1), dpi=100)
    for number, samples in enumerate(drawn):
        axes = figure.add_axes((number / 2, 0, 0.5, 1))
        axes.set_axis_off()
        for points, colour in ((experiment.data, PALE), (samples, (DDPM, DDIM)[number])):
            if points is not None:
                axes.scatter(points[:1024, 0], points[:1024, 1], s=1, c=colour, linewidths=0)
        reach = 1.15 * float(experiment.data.abs().max())
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()
