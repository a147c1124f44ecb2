"""The `kata` program: ready for Ctrl-C before anything else is imported."""

from __future__ import annotations

import signal


def main() -> None:
    """Run the command line."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until ours is there the system's own: no traceback
    from grading.machine import interrupts

    interrupts.install()
    from grading.cli import main as run

    run()


if __name__ == "__main__":
    main()
