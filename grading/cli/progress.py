"""Progress bars for a grade: one for each stage."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

NAMES = {"tests": "tests", "train": "train with your loss", "ddpm": "sample, DDPM", "ddim": "sample, DDIM"}


class Bars:
    """Shows progress(stage, done, total) as bars, and where there is no terminal one line for each finished stage."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bars = Progress(
            TextColumn("{task.description:<22}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self.known: dict[str, TaskID] = {}
        self.plain = not console.is_terminal

    def __enter__(self) -> Bars:
        if not self.plain:
            self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if not self.plain:
            self.bars.stop()

    def progress(self, stage: str, done: int, total: int) -> None:
        """Move the bar of a stage."""
        if self.plain:
            if done == total:
                self.console.print(f"{NAMES.get(stage, stage)}: {done} of {total}", soft_wrap=True)
            return
        if stage not in self.known:
            self.known[stage] = self.bars.add_task(NAMES.get(stage, stage), total=total)
        self.bars.update(self.known[stage], completed=done, total=total)

    def say(self, what: str) -> None:
        """Show what is going on where nothing can be counted."""
        if not self.plain and what not in self.known:
            self.known[what] = self.bars.add_task(what, total=None)
