"""The progress of a gradebook on the terminal: one bar, and one line for each submission."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from grading.classroom.gradebook import Row


class Roll:
    """Shows rows as they come in; the bar only where there is a terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console
        bar, count = BarColumn(bar_width=32), MofNCompleteColumn()
        self.bars = Progress(
            TextColumn("submissions"), bar, count, TimeElapsedColumn(), console=console, transient=True
        )
        self.task = self.bars.add_task("", total=None)

    def __enter__(self) -> Roll:
        if self.console.is_terminal:
            self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
            self.bars.stop()

    def told(self, row: Row, done: int, total: int) -> None:
        """Show one row that is done."""
        self.bars.update(self.task, completed=done, total=total)
        outcome = f"{row.points:g} of {row.result.max_points:g} points" if row.result else row.status
        self.console.print(Text(f"{row.name}: {outcome}{f', {row.message}' if row.message else ''}"), soft_wrap=True)

    def conclude(self, rows: list[Row], others: list[str], most: float) -> None:
        """Say how many came out how, and what was left aside."""
        counts = {s: sum(row.status == s for row in rows) for s in ("graded", "refused", "failed")}
        said = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        self.console.print(f"{len(rows)} submissions: {said}; at most {most:g} points each", soft_wrap=True)
        if others:
            self.console.print(Text(f"no submissions, left aside: {', '.join(others)}"), soft_wrap=True)
