"""Points and the loss as SVG: sharp at any size, in the page's own colours by day and by night."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from torch import Tensor

SIDE = 1000  # units of the drawing; a point needs no more digits than a screen has pixels
MOST_BENEATH = 1024  # points of the data, drawn pale


def cloud(name: str, samples: Tensor, data: Tensor, number: int) -> str:
    """Draw samples over data, both (n, 2), in a square that holds the data; it counts the samples that lie outside.

    Args:
        name: of the sampler, for those who do not see the picture.
        number: 0 or 1: which of the two colours.
    """
    half = max(float(data.abs().max()) * 1.12, 1e-6)
    inside = (samples.abs() <= half).all(dim=1)
    outside = int((~inside).sum())
    label = escape(f"{name}: {len(samples):,} samples over the data, {outside:,} of them outside the view", quote=True)
    return (
        f'<svg class="cloud" role="img" aria-label="{label}" viewBox="0 0 {SIDE} {SIDE}">'
        f'<path class="data" d="{_dots(data[:MOST_BENEATH], half)}"/>'
        f'<path class="dots-{number}" d="{_dots(samples[inside], half)}"/></svg>'
    )


def _dots(points: Tensor, half: float) -> str:
    """A path of nothing but round line ends."""
    x, y = ((points.detach().cpu().double() / half + 1) / 2 * SIDE).round().long().T.tolist() or ([], [])
    return "".join(f"M{a} {SIDE - b}h0" for a, b in zip(x, y))


def curve(losses: Sequence[float], steps: int) -> str:
    """Draw the training loss against the step; on a logarithmic axis, as long as it is above zero."""
    shown = [value for value in losses if math.isfinite(value)]
    if len(shown) < 2:
        return ""
    low, high = min(shown), max(shown)
    scaled = [math.log(value) for value in shown] if low > 0 else shown
    bottom, height = min(scaled), (max(scaled) - min(scaled)) or 1.0
    points = " ".join(f"{i},{100 - 100 * (value - bottom) / height:.1f}" for i, value in enumerate(scaled))
    label = f"Training loss over {steps:,} steps: first {shown[0]:.3g}, last {shown[-1]:.3g}"
    return (
        f'<div class="curve"><span>{high:.3g}</span>'
        f'<svg role="img" aria-label="{label}" viewBox="0 0 {len(shown) - 1} 100" preserveAspectRatio="none">'
        f'<polyline points="{points}"/></svg><span>{low:.3g}</span>'
        f"<span>step 1</span><span>{'logarithmic axis; ' if low > 0 else ''}step {steps:,}</span></div>"
    )
