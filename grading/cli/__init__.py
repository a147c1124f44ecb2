"""The `kata` command. Each module of this package holds a few of its subcommands; none imports torch before it must."""

from __future__ import annotations

import sys

import typer

from grading.errors import UsageError

app = typer.Typer(
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)


@app.callback()
def board(context: typer.Context) -> None:
    """Learn diffusion models by making tests pass. Without a command: where you stand, and what comes next."""
    if context.invoked_subcommand is None:
        import pytest

        raise typer.Exit(int(pytest.main(["-q"])))


def main() -> None:
    """Run the command line; a wrong argument is one sentence and exit code 2."""
    from grading.cli import classroom, draw, grade  # noqa: F401  registers their commands

    try:
        app()
    except UsageError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)
