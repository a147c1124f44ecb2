"""The way there: what q_sample makes of the data, and the schedules that set its pace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from grading.pictures.style import BLUE, GREEN, VERMILION, coloured, panels, plane, scale_of, styled, view_of

LINES = ((BLUE, "-"), (GREEN, (0, (5, 1.5))), (VERMILION, (0, (1, 1))))  # apart in grey print as well


@styled
def forward_process(states: Sequence[tuple[int, Tensor]], alphas_cumprod: Tensor) -> Figure:
    """Clouds x_t at rising t, -1 for the data themselves; a point keeps the colour of the height it started at.

    Args:
        states: (t, x_t (n, 2)), the data first; every x_t holds the same points in the same order.
        alphas_cumprod: (T,), for the titles.
    """
    half = max(view_of(states[0][1], margin=0.3), 3.5)
    height = states[0][1][:, 1]
    figure, axes = panels(1, len(states), 2.1)
    for panel, (t, x_t) in zip(axes[0], states):
        drawn = coloured(panel, x_t, height, half)
        kept = "$\\bar\\alpha_t$ = 1" if t < 0 else f"$\\bar\\alpha_t$ = {float(alphas_cumprod[t]):.2g}"
        spread = f"std {float(x_t.double().std(correction=0)):.2f}"
        panel.set_title(f"{'data' if t < 0 else f't = {t}'}\n{kept}\n{spread}")
    plane(axes, half)
    scale_of(figure, drawn, axes, "$x_2$ of the data point")
    return figure


@styled
def schedules(tables: Mapping[str, tuple[Tensor, Tensor]]) -> Figure:
    """beta, alpha_bar and log-SNR over t, side by side.

    Args:
        tables: name -> (betas (T,), alphas_cumprod (T,)); the first is the one that is trained with.
    """
    figure, axes = panels(1, 3, 2.9)
    for (name, (betas, alphas_cumprod)), (colour, dashes) in zip(tables.items(), LINES):
        beta, alpha_bar = betas.double().numpy(), alphas_cumprod.double().numpy()
        t = np.arange(len(beta))
        with np.errstate(divide="ignore", invalid="ignore"):  # a wrong schedule may leave (0, 1): the finite is drawn
            log_snr = np.log10(alpha_bar / (1 - alpha_bar))
        label = name if name != next(iter(tables)) else f"{name}, which the network is trained with"
        for panel, values in zip(axes[0], (beta, alpha_bar, log_snr)):
            panel.plot(t, values, color=colour, linestyle=dashes, label=label)
    axes[0, 0].set(title="noise that step t adds", ylabel="$\\beta_t$ (log scale)", yscale="log")
    axes[0, 1].set(title="share of the data that is left", ylabel="$\\bar\\alpha_t$", ylim=(0, 1.02))
    axes[0, 2].axhline(0, color="#c8c8c8", linewidth=0.8, zorder=0)
    axes[0, 2].set(title="signal to noise", ylabel="$\\log_{10}\\,\\bar\\alpha_t\\,/\\,(1 - \\bar\\alpha_t)$")
    for panel in axes[0]:
        panel.set(xlabel="timestep t", xlim=(0, len(t)))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(tables))
    return figure
