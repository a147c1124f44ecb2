"""The way there: what q_sample makes of the data, and the schedules that set its pace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from grading.pictures.style import BLUE, GREEN, VERMILION, panels, square, styled, view_of

LINES = ((BLUE, "-"), (GREEN, (0, (5, 1.5))), (VERMILION, (0, (1, 1))))  # apart in grey print as well


@styled
def forward_process(states: Sequence[tuple[int, Tensor]], alphas_cumprod: Tensor) -> Figure:
    """Clouds x_t at rising t, -1 for the data themselves; a point keeps the colour of the height it started at.

    Args:
        states: (t, x_t (n, 2)), the data first; every x_t holds the same points in the same order.
        alphas_cumprod: (T,), for the titles.
    """
    half = max(view_of(states[0][1], margin=0.3), 3.5)
    height = states[0][1][:, 1].numpy()
    figure, axes = panels(1, len(states), 1.9)
    for panel, (t, x_t) in zip(axes[0], states):
        x, y = x_t.detach().cpu().double().numpy().T
        panel.scatter(x, y, c=height, cmap="viridis", s=1.6, linewidths=0)
        kept = "$\\bar\\alpha_t$ = 1" if t < 0 else f"$\\bar\\alpha_t$ = {float(alphas_cumprod[t]):.2g}"
        panel.set_title(f"{'data' if t < 0 else f't = {t}'}\n{kept}")
        square(panel, half)
    return figure


@styled
def schedules(tables: Mapping[str, tuple[Tensor, Tensor]]) -> Figure:
    """beta, alpha_bar and log-SNR over t, side by side.

    Args:
        tables: name -> (betas (T,), alphas_cumprod (T,)).
    """
    figure, axes = panels(1, 3, 2.75)
    for (name, (betas, alphas_cumprod)), (colour, dashes) in zip(tables.items(), LINES):
        beta, alpha_bar = betas.double().numpy(), alphas_cumprod.double().numpy()
        t = np.arange(len(beta))
        with np.errstate(
            divide="ignore", invalid="ignore"
        ):  # a wrong schedule may leave (0, 1); what is finite is drawn
            log_snr = np.log(alpha_bar / (1 - alpha_bar))
        for panel, values in zip(axes[0], (beta, alpha_bar, log_snr)):
            panel.plot(t, values, color=colour, linestyle=dashes, label=name)
    axes[0, 0].set(title="$\\beta_t$", yscale="log")
    axes[0, 1].set(title="$\\bar\\alpha_t$", ylim=(0, 1.02))
    axes[0, 2].set(title="log-SNR, $\\log\\,(\\bar\\alpha_t\\,/\\,(1 - \\bar\\alpha_t))$")
    for panel in axes[0]:
        panel.set(xlabel="t", xlim=(0, len(t)))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(tables))
    return figure
