"""Chamfer distance and time against the number of steps, for every eta."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator, StrMethodFormatter

from grading.experiment.sampler_comparison import Comparison, name_of
from grading.pictures.style import DDIM, DDPM, GREY, PURPLE, panels, styled

LOOKS = (
    (DDIM, "o"),
    (PURPLE, "s"),
    (DDPM, "^"),
    (GREY, "D"),
)  # eta 0, 0.5, 1; the shapes tell them apart in grey print


@styled
def comparison(found: Comparison) -> Figure:
    """Two panels, both axes logarithmic: distance with its floor, and seconds."""
    figure, axes = panels(1, 2, 3.2)
    distance, time = axes[0]
    for eta, (colour, mark) in zip(found.etas, LOOKS):
        rows = found.of(eta)
        steps = [row.steps for row in rows]
        label = f"{name_of(eta)} ($\\eta$ = {eta:g})" if not name_of(eta).startswith("eta") else f"$\\eta$ = {eta:g}"
        for panel, values in ((distance, [r.chamfer for r in rows]), (time, [r.seconds for r in rows])):
            panel.plot(steps, values, color=colour, marker=mark, markersize=4.5, label=label)
    distance.axhline(found.floor, color=GREY, linestyle=(0, (4, 2)), linewidth=1, label="floor: two draws of the data")
    distance.set(ylabel="Chamfer distance")
    time.set(ylabel="seconds")
    ticks = sorted({row.steps for row in found.rows})
    for panel in (distance, time):
        panel.set(xscale="log", yscale="log", xlabel="steps")
        panel.set_xticks(ticks, [str(tick) for tick in ticks])
        panel.xaxis.set_minor_locator(NullLocator())
        panel.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        panel.yaxis.set_minor_formatter(NullFormatter())
        panel.grid(color="#e4e4e4", linewidth=0.6)
        panel.set_axisbelow(True)
    figure.legend(*distance.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure
