"""The `kata` command's side of a board: a terminal, in colour where there is one."""

from __future__ import annotations

import os
import shutil
import sys

import typer

from grading.judging.failure import WIDTH

COLOURS = ("red", "green", "yellow", "blue", "cyan")


def movable() -> bool:
    """Whether there is a terminal that can be written over."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def plain() -> bool:
    """Whether colours are unwanted (NO_COLOR, see no-color.org), or the terminal has none."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


class Screen:
    """Writes to standard output what pytest's terminal reporter would, in the same style."""

    def write(self, text: str, **style: bool) -> None:
        if plain():
            typer.echo(text, nl=False)
            return
        colour = next((name for name in COLOURS if style.get(name)), None)
        dim = style.get("light", False)
        bold = (style.get("bold", False) and not dim) or None
        forced = True if os.environ.get("KATA_COLOURS") else None
        typer.secho(text, fg=colour, bold=bold, dim=dim or None, nl=False, color=forced)

    def write_line(self, text: str, **style: bool) -> None:
        self.write(text, **style)
        typer.echo()

    def clear(self) -> None:
        """An empty screen; where there is no terminal, an empty line."""
        if not movable():
            typer.echo()
            return
        typer.echo("\x1b[2J\x1b[3J\x1b[H", nl=False)

    def status(self, text: str = "") -> None:
        """One line that is overwritten, or wiped out; nothing where there is no terminal."""
        if movable():
            width = min(WIDTH, shutil.get_terminal_size().columns) - 1
            self.write(f"\r\x1b[K{text[:width]}")
