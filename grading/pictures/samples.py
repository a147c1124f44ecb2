"""The two pictures of a grade: the samples beside the data, and the loss of the training run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from grading.pictures.style import (
    BLUE,
    DATA,
    DDIM,
    DDPM,
    PALE,
    SKY,
    absent,
    cloud,
    number,
    panels,
    square,
    styled,
    view_of,
)

if TYPE_CHECKING:
    from grading.experiment.stages import Experiment


@styled
def samples_over_data(experiment: Experiment) -> Figure:
    """Data, DDPM and DDIM side by side on the same axes, with Chamfer distance and floor. A part may have failed."""
    setting = experiment.setting
    half = view_of(experiment.data)
    figure, axes = panels(1, 3, 2.75)
    cloud(axes[0, 0], experiment.data, DATA, half)
    axes[0, 0].set_title(f"data\n{len(experiment.data)} fresh points")
    drawn = (
        (f"DDPM, {len(setting.schedule.betas)} steps", experiment.ddpm, DDPM),
        (f"DDIM, {setting.num_inference_steps} steps", experiment.ddim, DDIM),
    )
    for panel, (name, part, colour) in zip(axes[0, 1:], drawn):
        if part.samples is None or part.chamfer is None:
            absent(panel, "no samples")
            panel.set_title(f"{name}\n")
            continue
        cloud(panel, experiment.data, PALE, half, size=14)
        outside = cloud(panel, part.samples, colour, half)
        panel.set_title(f"{name}\nChamfer {number(part.chamfer)}, floor {number(experiment.floor)}")
        if outside:
            panel.set_xlabel(f"{outside} points outside the view")
    for panel in axes[0]:
        square(panel, half)
    return figure


@styled
def loss_curve(losses: list[float]) -> Figure:
    """The loss of every training step, and its mean over a hundredth of them, which shows the trend."""
    figure, axes = panels(1, 1, 2.6)
    panel = axes[0, 0]
    if not losses:
        absent(panel, "no training run")
        panel.set(xticks=[], yticks=[])
        return figure
    stretch = max(1, len(losses) // 100)
    whole = len(losses) // stretch * stretch
    means = np.reshape(losses[:whole], (-1, stretch)).mean(axis=1)
    steps = np.arange(1, len(losses) + 1)
    panel.plot(steps, losses, color=SKY, linewidth=0.4, alpha=0.6, label="each step")
    panel.plot(np.arange(len(means)) * stretch + (stretch + 1) / 2, means, color=BLUE, label=f"mean of {stretch} steps")
    panel.set(xlabel="training step", ylabel="loss", xlim=(0, len(losses)))
    if min(losses) > 0:
        panel.set_yscale("log")
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
        panel.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        panel.yaxis.set_minor_formatter(NullFormatter())
    panel.legend(loc="upper right")
    return figure
