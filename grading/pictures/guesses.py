"""What the loss measures: how far a model's guess of the noise is from the noise that went in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from grading.pictures.style import BLACK, BLUE, GREY, ORANGE, PALE, VERMILION, cloud, panels, plane, styled, view_of

LOOKS = ((GREY, "--"), (ORANGE, ":"), (BLUE, "-"))


@styled
def guesses(
    data: Tensor, t: int, x_t: Tensor, true: Tensor, guessed: Tensor, ts: Sequence[int], losses: Mapping[str, Tensor]
) -> Figure:
    """At the left where noise and guessed noise lead back to; at the right the loss of a few models at every t.

    Args:
        data: (n, 2), drawn pale.
        t: the timestep of x_t (m, 2), whose points were made of `true` (m, 2); `guessed` (m, 2) is what a model makes
            of them.
        ts: timesteps; losses: name of a model -> its loss at each of them (len(ts),).
    """
    figure, axes = panels(1, 2, 3.4, width_ratios=(1, 1.2))
    points, curves = axes[0]
    half = max(view_of(data, 0.05), view_of(x_t, 0.05))
    cloud(points, data, PALE, half, size=6)
    for ends, colour in ((true, VERMILION), (guessed, BLUE)):
        lines = torch.stack([x_t, ends, torch.full_like(x_t, torch.nan)], dim=1).flatten(0, 1).double().numpy()
        points.plot(*lines.T, color=colour, linewidth=0.9)
        cloud(points, ends, colour, half, size=16)
    cloud(points, x_t, BLACK, half, size=9)
    plane(axes[:, :1], half)
    points.set_title(f"black: $x_t$ at t = {t}\nless the noise that went in: red; less the best guess: blue")
    for (name, loss), (colour, dashes) in zip(losses.items(), LOOKS):
        mean = float(loss.double().mean())
        label = f"{name}: on average {mean:.2g}"
        curves.plot(ts, loss.double().numpy(), color=colour, linestyle=dashes, label=label)
    curves.set(xlabel="timestep t", ylabel="your ddpm_loss (log scale)", yscale="log", xlim=(0, max(ts)))
    curves.set_title("the loss of three models,\nat one t after another")
    curves.legend(loc="lower left", title="a model that answers", title_fontsize=8, alignment="left")
    return figure
