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
    VERMILION,
    cloud,
    coloured,
    panels,
    plane,
    scale_of,
    square,
    styled,
    view_of,
)

COLOURS = (BLUE, VERMILION, GREEN)  # of as many starting points: more, and DDPM's paths hide each other
MOMENTS = (500, 250, 100, 30)  # the t between first and last at which clouds are shown, or the nearest that a walk has
FRAME_MS, LAST_MS = 90, 2500


@styled
def clouds(walks: Mapping[str, Walk], data: Tensor) -> Figure:
    """Each walk as a row of clouds, from x_T to x_0; a point has the colour of the height where it will end.

    Args:
        walks: title -> walk; all have the same points in the same order at x_T.
        data: (n, 2), drawn pale in the last column.
    """
    half = max(view_of(data), 3.5)
    figure, axes = panels(len(walks), len(MOMENTS) + 2, 0.6 + 1.35 * len(walks))
    for row, (title, walk) in zip(axes, walks.items()):
        x_0 = walk[-1][1]
        cloud(row[-1], data, PALE, half, size=6)
        for panel, (t, x_t) in zip(row, _moments(walk)):
            drawn = coloured(panel, x_t, x_0[:, 1], half)
            panel.set_title("$x_0$" if t < 0 else f"t = {t}")
            drawn.set_clim(-half / 1.12, half / 1.12)
        row[0].set_title(f"{title}\n{row[0].get_title()}", loc="left")
        row[0].set_title("")
    plane(axes, half)
    scale_of(figure, drawn, axes, "$x_2$ where it ends")
    return figure


def _moments(walk: Walk) -> list[tuple[int, Tensor]]:
    nearest = [min(walk, key=lambda state: abs(state[0] - t)) for t in MOMENTS]
    return [walk[0], *nearest, walk[-1]]


@styled
def paths(walks: Mapping[str, Walk], data: Tensor) -> Figure:
    """The paths of a few points, the same starting points and colours in every panel: ring at x_T, dot at x_0.

    Every walk is shown at as many moments as the shortest has, or a thousand little steps would hide each other.
    """
    most = min(len(walk) for walk in walks.values())
    kept = {title: [walk[round(i)] for i in np.linspace(0, len(walk) - 1, most)] for title, walk in walks.items()}
    ways = [np.stack([x_t[: len(COLOURS)].double().numpy() for _, x_t in walk]) for walk in kept.values()]
    farthest = max(float(np.abs(way).max()) for way in ways)
    half = min(max(view_of(data), 1.03 * farthest), 2 * view_of(data))  # a wrong step may lead to the end of the world
    figure, axes = panels(1, len(walks), 4.2)
    for panel, (title, walk), way in zip(axes[0], walks.items(), ways):  # way (moments, points, 2)
        cloud(panel, data, PALE, half, size=10)
        for k, colour in enumerate(COLOURS[: way.shape[1]]):
            x, y = way[:, k].T
            panel.plot(x, y, color=colour, linewidth=0.9, marker=".", markersize=2.5)
            panel.plot(x[0], y[0], "o", markerfacecolor="white", color=colour, markersize=6, zorder=3)
            panel.plot(x[-1], y[-1], "o", markeredgecolor=BLACK, color=colour, markersize=6, zorder=3)
        panel.set_title(title if len(walk) == most else f"{title}, of which {most - 1} are drawn")
    plane(axes, half)
    says = "ring: $x_T$, each in its colour, the same in both panels · black-rimmed dot: $x_0$ · grey: data"
    figure.supxlabel(says, fontsize=8)
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
