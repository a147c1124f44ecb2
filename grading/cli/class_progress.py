"""The progress of a gradebook on the terminal: one bar, and one line for each submission."""

from __future__ import annotations

import os

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from grading.classroom.gradebook import Row
from grading.classroom.handback import Handed


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
        if not row.is_student:
            return
        self.bars.update(self.task, completed=done, total=total)
        outcome = f"{row.points:g} of {row.result.max_points:g} points" if row.result else row.status
        self.console.print(Text(f"{row.name}: {outcome}{f', {row.message}' if row.message else ''}"), soft_wrap=True)

    def say(self, text: str) -> None:
        """Show a line that belongs to no row."""
        self.console.print(Text(text), soft_wrap=True)

    def conclude(self, rows: list[Row], most: float) -> None:
        """Say how many came out how, and whose points changed with the rubric."""
        students = [row for row in rows if row.is_student]
        counts = {row.status: sum(other.status == row.status for other in students) for row in students}
        said = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
        self.console.print(f"{len(students)} students: {said}; at most {most:g} points each", soft_wrap=True)
        changed = [row for row in students if row.before is not None and row.result and row.before != row.points]
        if changed:
            self.console.print(f"{len(changed)} have other points than by the rubric before", soft_wrap=True)
        aside = [row.name for row in rows if not row.is_student]
        if aside:
            self.console.print(Text(f"nobody's, left aside: {', '.join(aside)}"), soft_wrap=True)

    def handed(self, platform: str, handed: Handed) -> None:
        """Say what was written for a platform, and for whom nothing could be."""
        self.console.print(Text(f"{platform:<10} {os.path.relpath(handed.files[0].parent)}"), soft_wrap=True)
        if handed.left_out:
            self.console.print(Text(f"no id of {platform} for: {', '.join(handed.left_out)}"), soft_wrap=True)
