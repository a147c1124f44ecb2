"""The `kata` command's side of a board: a terminal, in colour where there is one."""

from __future__ import annotations

import shutil
import sys

import typer

from grading.judging.failure import WIDTH

COLOURS = ("red", "green", "yellow", "blue", "cyan")


class Screen:
    """Writes to standard output what pytest's terminal reporter would, in the same style."""

    def write(self, text: str, **style: bool) -> None:
        colour = next((name for name in COLOURS if style.get(name)), None)
        dim = style.get("light", False)
        typer.secho(text, fg=colour, bold=(style.get("bold", False) and not dim) or None, dim=dim or None, nl=False)

    def write_line(self, text: str, **style: bool) -> None:
        self.write(text, **style)
        typer.echo()

    def write_sep(self, sep: str, title: str) -> None:
        self.write_line(f" {title} ".center(min(WIDTH, shutil.get_terminal_size().columns), sep))

    def clear(self) -> None:
        """An empty screen; where there is no terminal, an empty line."""
        if not sys.stdout.isatty():
            typer.echo()
            return
        typer.echo("\x1b[2J\x1b[3J\x1b[H", nl=False)
