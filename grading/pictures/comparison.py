"""DDIM and DDPM over the number of steps: distances and time, the samples themselves, and where a start leads to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator, StrMethodFormatter

from grading.experiment.sampler_comparison import Comparison, Row, name_of
from grading.pictures.style import (
    DDIM,
    DDPM,
    GREY,
    PALE,
    PURPLE,
    cloud,
    coloured,
    number,
    panels,
    plane,
    scale_of,
    styled,
    view_of,
)

LOOKS = ((DDIM, "o"), (PURPLE, "s"), (DDPM, "^"), (GREY, "D"))  # eta 0, 0.5, 1; shapes for grey print
SHOWN, FEW = (5, 10, 20, 50, 1000), 20


@styled
def comparison(found: Comparison) -> Figure:
    """Three panels, all axes logarithmic: two distances with their floors, and seconds."""
    figure, axes = panels(1, 3, 2.9)
    density, nearest, time = axes[0]
    values: tuple[tuple[Axes, str, Callable[[Row], float]], ...] = (
        (density, "sliced Wasserstein distance\n(sees density)", lambda row: row.wasserstein),
        (nearest, "Chamfer distance\n(nearest neighbours)", lambda row: row.chamfer),
        (time, "seconds", lambda row: row.seconds),
    )
    ticks = [steps for i, steps in enumerate(found.steps) if i == 0 or steps >= 2 * found.steps[i - 1]]
    for panel, title, value in values:
        for eta, (colour, mark) in zip(found.etas, LOOKS):
            rows = found.of(eta)
            steps = [row.steps for row in rows]
            panel.plot(steps, [value(row) for row in rows], color=colour, marker=mark, markersize=4, label=label(eta))
        panel.set(xscale="log", yscale="log", xlabel="steps (log scale)", title=title)
        panel.set_xticks(ticks, [str(tick) for tick in ticks], rotation=45)
        panel.xaxis.set_minor_locator(NullLocator())
        panel.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        panel.yaxis.set_minor_formatter(NullFormatter())
        panel.grid(color="#e4e4e4", linewidth=0.6)
        panel.set_axisbelow(True)
    floor, dashes = found.wasserstein_floor, (0, (4, 2))
    density.axhspan(max(floor.mean - floor.noise, floor.mean / 10), floor.mean + floor.noise, color=PALE, linewidth=0)
    density.axhline(floor.mean, color=GREY, linestyle=dashes, linewidth=1, label="floor: fresh data")
    nearest.axhline(found.floor, color=GREY, linestyle=dashes, linewidth=1)
    figure.legend(*density.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


@styled
def samples_by_steps(found: Comparison) -> Figure:
    """The samples with few and many steps, without fresh noise above and with as much as DDPM's below."""
    half = view_of(found.data)
    etas = [found.etas[0], found.etas[-1]]
    shown = [steps for steps in found.steps if steps in SHOWN] or found.steps[:5]
    figure, axes = panels(2, len(shown), 4.3)
    for row, eta, colour in zip(axes, etas, (DDIM, DDPM)):
        for panel, steps in zip(row, shown):
            run = found.row(eta, steps)
            cloud(panel, found.data, PALE, half, size=6)
            cloud(panel, run.samples, colour, half, size=1.2)
            panel.set_title(
                f"{steps} steps\nsliced W2 {number(run.wasserstein)}\nChamfer {number(run.chamfer)}", fontsize=8
            )
    plane(axes, half)
    for row, eta in zip(axes, etas):
        row[0].set_ylabel(f"{label(eta)}\n\n$x_2$")
    return figure


@styled
def same_starts(found: Comparison) -> Figure:
    """Where the same x_T ends, with few steps and with many: colours stay in their places, or do not."""
    half = view_of(found.data)
    few = FEW if FEW in found.steps else found.steps[0]
    height = found.x_T[:, 1].clamp(-2, 2)  # few start farther out, and would take most of the colours
    figure, axes = panels(1, 5, 2.15)
    drawn = coloured(axes[0, 0], found.x_T, height, half, 3)
    axes[0, 0].set_title("$x_T$\nthe start")
    for panel, (eta, steps) in zip(axes[0, 1:], _runs(found, few)):
        coloured(panel, found.row(eta, steps).samples, height, half, 3)
        panel.set_title(f"{name_of(eta)}\n{steps} steps")
    plane(axes, half)
    scale_of(figure, drawn, axes, "$x_2$ where it starts")
    return figure


def _runs(found: Comparison, few: int) -> Iterator[tuple[float, int]]:
    for eta in (found.etas[0], found.etas[-1]):
        yield from ((eta, few), (eta, found.steps[-1]))


def label(eta: float) -> str:
    """A sampler's name and its eta, for a legend."""
    named = not name_of(eta).startswith("eta")
    return f"{name_of(eta)} ($\\eta$ = {eta:g})" if named else f"$\\eta$ = {eta:g}"


FIGURES = {"compare": comparison, "compare_samples": samples_by_steps, "compare_starts": same_starts}
