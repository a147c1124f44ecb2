"""How every picture looks: a palette that colour-blind readers can tell apart, one width, fonts for print."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from torch import Tensor

# Okabe & Ito 2008, "Color Universal Design".
BLACK, GREY, BLUE, SKY, GREEN, ORANGE, VERMILION, PURPLE = (
    *("#000000", "#8c8c8c", "#0072B2", "#56B4E9"),
    *("#009E73", "#E69F00", "#D55E00", "#CC79A7"),
)
PALE = "#dcdcdc"  # the data, where something else is drawn over it
DATA, DDPM, DDIM = GREY, BLUE, VERMILION  # the same colour for the same thing in every picture
WIDTH = 7.0  # inches: the text width of a page
STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: the same picture on every machine
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "lines.linewidth": 1.6,
    "figure.dpi": 200,
}


def styled(draw):
    """Decorator: draw with the style, and leave matplotlib's settings as they were."""
    return mpl.rc_context(STYLE)(draw)


def panels(rows: int, columns: int, height: float, **kwargs: Any) -> tuple[Figure, np.ndarray]:
    """A figure of the common width and its axes (rows, columns); height in inches. No display, no global state."""
    figure = Figure(figsize=(WIDTH, height), layout="compressed")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False, **kwargs)


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as its suffix says (png, pdf or svg), and make its folder where there is none; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    return path


def view_of(points: Tensor, margin: float = 0.12) -> float:
    """Half the side of a square around the origin that holds all points (n, 2), and a margin."""
    return float(points.abs().max()) * (1 + margin)


def square(axes: Axes, half: float) -> None:
    """Show the square from -half to half, one unit as long in either direction."""
    axes.set(xlim=(-half, half), ylim=(-half, half), aspect="equal", xticks=[], yticks=[])
    axes.spines[["top", "right"]].set_visible(True)
    axes.spines[:].set(color=GREY, linewidth=0.6)


def plane(axes: np.ndarray, half: float) -> None:
    """Show the same square in all panels (rows, columns); coordinates at the left and lower edge, where they count."""
    ends = float(f"{0.8 * half:.1g}")
    for panel in axes.flat:
        square(panel, half)
    for panel in axes[-1]:
        panel.set(xticks=[-ends, 0, ends], xlabel="$x_1$")
    for panel in axes[:, 0]:
        panel.set(yticks=[-ends, 0, ends], ylabel="$x_2$")


def coloured(axes: Axes, points: Tensor, values: Tensor, half: float, size: float = 2.0) -> PathCollection:
    """Draw points (n, 2) in the colours of values (n,), and the scale for `scale_of`."""
    x, y = points.detach().cpu().double().clamp(-2 * half, 2 * half).numpy().T
    return axes.scatter(x, y, c=values.detach().cpu().double().numpy(), cmap="viridis", s=size, linewidths=0)


def scale_of(figure: Figure, drawn: PathCollection, axes: np.ndarray, says: str) -> None:
    """A bar beside the panels that says what the colours mean."""
    bar = figure.colorbar(drawn, ax=axes, fraction=0.02, pad=0.01, aspect=24)
    bar.set_label(says)
    bar.outline.set_visible(False)


def cloud(axes: Axes, points: Tensor, colour: str, half: float, size: float = 1.5) -> int:
    """Draw the points (n, 2) that lie in the view; return how many do not."""
    xy = points.detach().cpu().double().numpy()
    inside = np.abs(xy).max(axis=1) <= half
    x, y = xy[inside].T
    axes.scatter(x, y, s=size, color=colour, linewidths=0, alpha=0.8)
    return int((~inside).sum())


def absent(axes: Axes, text: str) -> None:
    """Say in an empty panel why it is empty."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY, parse_math=False)


def number(value: float) -> str:
    """A distance as the terminal shows it, however large."""
    return f"{value:.2f}" if value < 1e6 else f"{value:.2g}"
