"""The reverse process as a piece of HTML: one canvas for each sampler, a slider over t, a button. No network needed."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from grading.experiment.data import SHOWN
from grading.pictures.style import view_of

if TYPE_CHECKING:
    from grading.experiment.stages import Experiment

Walk = Sequence[tuple[int, Tensor]]  # (t, x_t (n, 2)), the noisiest first; (-1, x_0) last
FRAMES = 51
SCALE = 8000  # int16 units to the edge of the view: points up to four times as far out keep their place
HERE = Path(__file__).parent
_numbers = count(1)


def player_html(walks: Mapping[str, Walk], data: Tensor, label: str = "timestep t, from noise to data") -> str:
    """Make a fragment of HTML, to be put into a page once or several times: it brings its style and its script.

    Args:
        walks: title -> walk; one or two. All show the same t at the same time.
        data: (n, 2), drawn pale beneath.
        label: what a screen reader calls the slider.

    Returns:
        HTML, "" where there is no walk.
    """
    if not walks:
        return ""
    half = max(view_of(data), 3.0)
    times = times_of(list(walks.values()))
    film = {
        "times": times,
        "scale": SCALE,
        "data": packed(data[: 2 * SHOWN], half),
        "tracks": [[packed(x_t[:SHOWN], half) for x_t in frames(walk, times)] for walk in walks.values()],
    }
    figures = "".join(
        f'<figure><figcaption>{html.escape(title)}</figcaption><canvas role="img" aria-label='
        f'"{html.escape(title)}: points moving from noise to the data as t falls"></canvas></figure>'
        for title in walks
    )
    number = next(_numbers)
    return (
        f'<div class="kata-player"><style>{(HERE / "player.css").read_text(encoding="utf-8")}</style>'
        f'<div class="kata-panels">{figures}</div><div class="kata-controls"><button type="button">Play</button>'
        f'<label for="kata-player-{number}">{html.escape(label)}</label>'
        f'<input id="kata-player-{number}" type="range" min="0" max="{len(times) - 1}" value="{len(times) - 1}">'
        f"<output></output></div><noscript>This picture needs JavaScript.</noscript>"
        f'<script type="application/json">{json.dumps(film)}</script>'
        f"<script>{(HERE / 'player.js').read_text(encoding='utf-8')}</script></div>"
    )


def player_of(experiment: Experiment) -> str:
    """The player of a grade: every sampler whose walk is known step by step; "" where none is."""
    parts = {"DDPM": experiment.ddpm, "DDIM": experiment.ddim}
    return player_html({name: part.path for name, part in parts.items() if len(part.path) > 1}, experiment.data)


def page_html(title: str, *fragments: str) -> str:
    """A page of its own around fragments; title is plain text."""
    name = html.escape(title)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" '
        f'content="light dark"><title>{name}</title><style>body {{ margin: 0; padding: 1rem; }} '
        "h1 { font: 600 1.25rem/1.3 system-ui, sans-serif; max-width: 46rem; margin: 0 auto; }</style></head>"
        f"<body><main><h1>{name}</h1>{''.join(fragments)}</main></body></html>\n"
    )


def times_of(walks: Sequence[Walk]) -> list[int]:
    """At most FRAMES of the timesteps of the shortest walk, evenly spread, its first and last among them."""
    times = [t for t, _ in min(walks, key=len)]
    chosen = np.linspace(0, len(times) - 1, min(FRAMES, len(times))).round().astype(int)
    return [times[i] for i in chosen]


def frames(walk: Walk, times: Sequence[int]) -> list[Tensor]:
    """Where a walk stands at each of the times: its first state whose t is not above."""
    return [next(x_t for t, x_t in walk if t <= time) for time in times]


def packed(points: Tensor, half: float) -> str:
    """Points (n, 2) as base64 of int16, in units of half / SCALE; what does not fit lies at the edge."""
    scaled = (points.detach().cpu().double() / half * SCALE).round().clamp(-32768, 32767).to(torch.int16)
    return base64.b64encode(scaled.numpy().astype("<i2").tobytes()).decode("ascii")
