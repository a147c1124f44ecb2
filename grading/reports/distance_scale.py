"""A Chamfer distance on its scale, as a small SVG: the floor, the rubric's bands, and where the samples came."""

from __future__ import annotations

import math
from html import escape

from grading.grade.result import SamplerResult
from grading.reports.parts import number, short

HEIGHT, TOP, BAR = 62, 26, 14  # CSS pixels: the whole, where the bar begins, how high it is
BELOW, ABOVE = 6, 4  # room: times below the floor and above the last threshold; what lies further is shown at the end


def scale(sampler: SamplerResult, floor: float | None) -> str:
    """Draw the scale. Positions are percentages, so text keeps its size at any width; colours are the page's."""
    if not sampler.bands:
        return ""
    thresholds = [band.below for band in sampler.bands]
    low = min(floor or math.inf, thresholds[0]) / BELOW
    high = thresholds[-1] * ABOVE

    def at(value: float) -> float:
        """Per cent of the width, on a logarithmic axis."""
        return 100 * min(max(math.log(max(value, low) / low) / math.log(high / low), 0.0), 1.0)

    edges = [0.0, *map(at, thresholds), 100.0]
    points = [*(band.points for band in sampler.bands), 0.0]
    drawn = [_segment(i, edges[i], edges[i + 1], points[i]) for i in range(len(points))]
    drawn += [_mark("threshold", at(value), f"{value:g}") for value in thresholds]
    if floor:
        drawn.append(_mark("floor", at(floor), f"floor {number(floor)}"))
    if sampler.chamfer is not None:
        drawn.append(_score(at(sampler.chamfer), number(sampler.chamfer)))
    label = escape(in_words(sampler, floor))
    return f'<svg class="scale" role="img" aria-label="{label}" width="100%" height="{HEIGHT}">{"".join(drawn)}</svg>'


def in_words(sampler: SamplerResult, floor: float | None) -> str:
    """The same for a reader who does not see it."""
    said = "not measured" if sampler.chamfer is None else f"Chamfer distance {number(sampler.chamfer)}"
    bands = ", ".join(f"{band.points:g} points below {short(band.below)}" for band in sampler.bands)
    return f"Logarithmic scale. {said}; {f'floor {number(floor)}; ' if floor else ''}{bands}."


def _segment(i: int, left: float, right: float, points: float) -> str:
    worth = "none" if points == 0 else "full" if i == 0 else "part"
    if right - left > 25:  # at its left end, where the score does not cover it
        shown = _text("worth", left, TOP + BAR - 3, f"{points:g} points", "start", 6)
    else:
        shown = _text("worth", (left + right) / 2, TOP + BAR - 3, f"{points:g}", "middle") if right - left > 4 else ""
    return f'<rect class="band {worth}" x="{left:.2f}%" y="{TOP}" width="{right - left:.2f}%" height="{BAR}"/>{shown}'


def _mark(kind: str, x: float, text: str) -> str:
    low = TOP + BAR + 6
    line = f'<line class="{kind}" x1="{x:.2f}%" x2="{x:.2f}%" y1="{TOP}" y2="{low}"/>'
    return line + _text(kind, x, low + 13, text, _anchor(x))


def _score(x: float, text: str) -> str:
    line = f'<line class="score" x1="{x:.2f}%" x2="{x:.2f}%" y1="{TOP - 7}" y2="{TOP + BAR}"/>'
    dot = f'<circle class="score" cx="{x:.2f}%" cy="{TOP - 7}" r="4"/>'
    return line + dot + _text("score", x, TOP - 14, text, _anchor(x))


def _anchor(x: float) -> str:
    return "start" if x < 8 else "end" if x > 92 else "middle"


def _text(kind: str, x: float, y: float, text: str, anchor: str, dx: int = 0) -> str:
    return f'<text class="{kind}" x="{x:.2f}%" y="{y}" dx="{dx}" text-anchor="{anchor}">{escape(text)}</text>'
