"""The `kata` command. Each module of this package holds a few of its subcommands; none imports torch before it must."""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated

import typer

from grading.machine import interrupts
from grading.submission.errors import UsageError
from grading.submission.signatures import check_table

app = typer.Typer(
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
    rich_markup_mode=None,
)

COMMANDS = {  # each with the module that holds it, in the order of the help
    "watch": "watching.watch",
    "hint": "hints",
    "prove": "prove",
    "reset": "reset",
    "diff": "diff",
    "doctor": "doctor",
    "plot": "draw",
    "compare": "draw",
    "grade": "grade",
    "handin": "handin",
    "gradebook": "classroom",
    "release": "classroom",
}

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # a full disk, or one that is read only


@app.callback()
def board(
    context: typer.Context,
    impl: Annotated[
        str | None, typer.Option("--impl", metavar="FOLDER", envvar="KATA_IMPL", help="Whose code; yours if left out.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Test every task, those of later katas too.")] = False,
) -> None:
    """Learn diffusion models by making tests pass. Without a command: where you stand, and what comes next."""
    check_table()
    if context.invoked_subcommand is None:
        from grading.cli.run import chosen, outcomes
        from grading.cli.screen import Screen
        from grading.submission.folders import find
        from grading.suites import display

        whose = chosen(impl)
        given = "" if impl is None or impl == os.environ.get("KATA_IMPL") else impl
        seen = outcomes(whose, "--all" if everything else "--guide")
        if everything:
            display.write_board(Screen(), seen, find(whose))
        else:
            display.write(Screen(), seen, find(whose), guided=True, impl=given)


def main() -> None:
    """Run the command line; a wrong argument is one sentence and exit code 2, Ctrl-C one word and 130."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # what a console of another encoding lacks is no reason to end
    try:
        register(*sys.argv[1:2])
        command = typer.main.get_command(app)
        for parameter in command.params:
            if (parameter.name or "").endswith("_completion"):
                parameter.hidden = True  # type: ignore[attr-defined]  # --install-completion is there for who asks
        code = command(standalone_mode=False)
    except UsageError as error:
        print(error, file=sys.stderr)
        code = 2
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        print(f"{error.filename or 'a file'} cannot be written: {error.strerror}", file=sys.stderr)
        code = 2
    except (KeyboardInterrupt, typer.Abort):
        code = interrupts.CODE
    except Exception as error:  # click's own: an unknown option or command
        if interrupts.happened():
            interrupts.leave()
        if not hasattr(error, "show"):
            raise
        error.show()
        code = error.exit_code  # type: ignore[attr-defined]
    if code == interrupts.CODE:
        interrupts.leave()
    sys.exit(code if isinstance(code, int) else 0)


def register(first: str = "") -> None:
    """Import the module that holds a command, or all where it is none: each registers its own."""
    for module in [COMMANDS[first]] if first in COMMANDS else COMMANDS.values():
        import_module(f"{__name__}.{module}")
