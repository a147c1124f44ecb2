"""The picture of a benchmark: ratios as bars, the growth of Chamfer as a line."""

from __future__ import annotations

from pathlib import Path

from grading.bench.timing import Pair


def draw(pairs: list[Pair], scaling: list[tuple[int, float]], path: Path) -> None:
    """Write the picture to path. Left the ratios with what is wanted of them, right seconds against points."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    names = [
        f"{pair.name}\n{'ours / ' if pair.at_most else ''}{pair.against}{'' if pair.at_most else ' / ours'}"
        for pair in pairs
    ]
    colours = {None: "#7f8c9b", True: "#2f7f62", False: "#c05232"}
    left.barh(names, [pair.ratio for pair in pairs], color=[colours[pair.reached] for pair in pairs])
    for row, pair in enumerate(pairs):
        left.text(max(pair.ratio, pair.wanted or 0), row, f" {pair.ratio:.2f}", va="center")  # clear of the mark
        if pair.wanted is not None:
            left.plot([pair.wanted] * 2, [row - 0.4, row + 0.4], color="black")
    left.invert_yaxis()
    left.margins(x=0.15)
    left.set_xlabel("ratio of medians; the black mark is what is wanted")
    if scaling:
        right.loglog(*zip(*scaling), marker="o", color="#2f5f9f", label="KD-tree")
        n, s = scaling[-1]
        right.loglog(
            [size for size, _ in scaling], [s * size / n for size, _ in scaling], "--", color="grey", label="slope 1"
        )
        right.legend()
    right.set_xlabel("points in each cloud")
    right.set_ylabel("seconds for one Chamfer distance")
    left.set_visible(bool(pairs))
    right.set_visible(bool(scaling))
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
