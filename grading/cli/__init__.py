"""The `kata` command. Each module of this package holds a few of its subcommands; none imports torch before it must."""

from __future__ import annotations

import sys
from importlib import import_module

import typer

from grading.submission.errors import UsageError
from grading.submission.signatures import check_table

app = typer.Typer(
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)


COMMANDS = ("learn", "hints", "watch", "reset", "diff", "doctor", "draw", "grade", "classroom")  # the order in --help


@app.callback()
def board(context: typer.Context) -> None:
    """Learn diffusion models by making tests pass. Without a command: where you stand, and what comes next."""
    check_table()
    if context.invoked_subcommand is None:
        from grading.cli.run import chosen, outcomes
        from grading.cli.screen import Screen
        from grading.submission.folders import find
        from grading.suites import board

        seen = outcomes(chosen(), "--guide")
        board.write(Screen(), seen, find(chosen()), guided=True)


def main() -> None:
    """Run the command line; a wrong argument is one sentence and exit code 2."""
    try:
        register()
        app()
    except UsageError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)


def register() -> None:
    """Import the modules that hold the commands; each registers its own."""
    for name in COMMANDS:
        import_module(f"{__name__}.{name}")
