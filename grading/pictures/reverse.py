"""The way back: where the points of a sampler wander, and the same as a moving picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from grading.pictures.player import Walk, frames, times_of
from grading.pictures.style import (
    BLACK,
    BLUE,
    DDIM,
    DDPM,
    GREEN,
    PALE,
    PURPLE,
    VERMILION,
    cloud,
    panels,
    square,
    styled,
    view_of,
)

COLOURS = (BLUE, VERMILION, GREEN, PURPLE)  # of as many starting points: more, and DDPM's paths hide each other
FRAME_MS, LAST_MS = 90, 2500


@styled
def paths(walks: Mapping[str, Walk], data: Tensor) -> Figure:
    """The paths of a few points, the same starting points and colours in every panel: ring at x_T, dot at x_0."""
    ways = [np.stack([x_t[: len(COLOURS)].double().numpy() for _, x_t in walk]) for walk in walks.values()]
    farthest = max(float(np.abs(way).max()) for way in ways)
    half = min(max(view_of(data), 1.03 * farthest), 2 * view_of(data))  # a wrong step may lead to the end of the world
    figure, axes = panels(1, len(walks), 3.7)
    for panel, title, way in zip(axes[0], walks, ways):  # way (steps + 1, points, 2)
        cloud(panel, data, PALE, half, size=10)
        for k, colour in enumerate(COLOURS[: way.shape[1]]):
            x, y = way[:, k].T
            panel.plot(x, y, color=colour, linewidth=0.7)
            panel.plot(x[0], y[0], "o", markerfacecolor="white", color=colour, markersize=5, zorder=3)
            panel.plot(x[-1], y[-1], "o", markeredgecolor=BLACK, color=colour, markersize=5, zorder=3)
        panel.set_title(title)
        square(panel, half)
    figure.supxlabel("ring: $x_T$, the same in both panels · dot: $x_0$ · grey: data", fontsize=8)
    return figure


@styled
def save_gif(walks: Mapping[str, Walk], data: Tensor, path: Path) -> Path:
    """Write the walks side by side as an animated GIF that plays for ever."""
    from PIL import Image

    half, times = max(view_of(data), 3.0), times_of(list(walks.values()))
    figure, axes = panels(1, len(walks), 3.9)
    figure.set_dpi(100)
    dots = []
    for panel, title, colour in zip(axes[0], walks, (DDPM, DDIM)):
        cloud(panel, data, PALE, half, size=10)
        dots.append(panel.scatter([], [], s=3, color=colour, linewidths=0))
        panel.set_title(title)
        square(panel, half)
    label = figure.supxlabel("t = 000", fontsize=9)
    canvas = FigureCanvasAgg(figure)
    images = []
    tracks = [frames(walk, times) for walk in walks.values()]
    for i, t in enumerate(times):
        for dot, track in zip(dots, tracks):
            dot.set_offsets(track[i].double().numpy())
        label.set_text("$x_0$, done" if t < 0 else f"t = {t}")
        canvas.draw()
        figure.set_layout_engine("none")  # once laid out, nothing may move but the points
        images.append(Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3]).quantize(32))
    durations = [FRAME_MS] * (len(images) - 1) + [LAST_MS]
    path.parent.mkdir(parents=True, exist_ok=True)
    images[0].save(path, save_all=True, append_images=images[1:], duration=durations, loop=0, optimize=True)
    return path
