"""`python -m grading.bench [--quick] [--only PIECE] [--plot FILE]`: a table of ratios, and a plot.

`python -m grading.bench gpu [--out FILE]`: the same machine's GPU, see gpu.py.
"""

from __future__ import annotations

import argparse
import platform
import sys
from datetime import date
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from grading.bench import gpu
from grading.bench.pieces import PIECES, Disagreement, chamfer_scaling, slope
from grading.bench.plot import draw
from grading.bench.timing import Pair
from grading.submission.errors import UsageError

SCALING = "scaling"


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog="python -m grading.bench", description="Time the pieces, as ratios within one run.")
    parser.add_argument("what", nargs="?", choices=["gpu"], help="gpu: what this machine's GPU makes of it all")
    parser.add_argument("--out", metavar="FILE", default="gpu.json", help="where the figures of a GPU go (gpu.json)")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, no cloud above 31,623 points")
    parser.add_argument("--only", metavar="PIECE", help=f"one of {', '.join([*PIECES, SCALING])}")
    parser.add_argument("--plot", metavar="FILE", default="bench.png", help="where the picture goes (bench.png)")
    try:
        options = parser.parse_args(arguments)
        if options.what == "gpu":
            return on_gpu(in_a_folder("--out", Path(options.out)))
        path = checked(options.only, Path(options.plot))
        bench(options.quick, options.only, path)
    except (UsageError, Disagreement) as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    return 0


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are a sentence, without the usage above it."""

    def error(self, message: str):  # type: ignore[override]
        raise UsageError(f"{self.prog}: {message}")


def checked(only: str | None, path: Path) -> Path:
    if only is not None and only not in (*PIECES, SCALING):
        raise UsageError(f"--only {only}: there is no such piece; the pieces are {', '.join([*PIECES, SCALING])}")
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise UsageError(f"--plot {path}: give a file that ends in .png, .svg or .pdf")
    return in_a_folder("--plot", path)


def in_a_folder(option: str, path: Path) -> Path:
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{option} {path}: there is no folder {path.absolute().parent}")
    return path


def on_gpu(path: Path) -> int:
    """Measure the GPU, print the table for the README, and return 1 if something that was wanted was not reached."""
    found = gpu.measure(path)
    print(gpu.markdown(found))
    print(f"all figures: {path}", file=sys.stderr)
    return 1 if any(finding.reached is False for finding in found) else 0


def bench(quick: bool, only: str | None, path: Path) -> None:
    """Time what was asked for, print it, and draw it."""
    console = Console()
    pairs: list[Pair] = []
    for name, piece in PIECES.items():
        if only in (None, name):
            print(f"timing {name} ...", file=sys.stderr)
            pairs += piece(quick)
    scaling = chamfer_scaling(quick) if only in (None, SCALING) else []
    if pairs:
        console.print(table(pairs))
    for size, spent in scaling:
        console.print(f"chamfer_distance, {size:>9,} against {size:>9,} points  {spent:8.3f} s")
    if scaling:
        console.print(f"seconds grow as points ^ {slope(scaling):.2f}")
    console.print(
        f"{date.today()} · {platform.machine()} · {torch.get_num_threads()} threads · torch {torch.__version__}"
    )
    draw(pairs, scaling, path)
    console.print(f"plot: {path}")


def table(pairs: list[Pair]) -> Table:
    made = Table("piece", "ours", "against", "theirs", "ratio", "wanted", "")
    for pair in pairs:
        wanted = "" if pair.wanted is None else f"{'at most' if pair.at_most else 'at least'} {pair.wanted:g}"
        mark = {None: "", True: "reached", False: "[bold red]missed[/]"}[pair.reached]
        made.add_row(pair.name, time(pair.ours), pair.against, time(pair.theirs), f"{pair.ratio:.2f}", wanted, mark)
    return made


def time(value: float) -> str:
    """0.00012 -> 120 us."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-6:.3g} us"


if __name__ == "__main__":
    sys.exit(main())
