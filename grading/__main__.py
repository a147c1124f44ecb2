"""The `kata` program: ready for Ctrl-C before anything else is imported."""

from __future__ import annotations

from grading.machine import interrupts


def main() -> None:
    """Run the command line."""
    interrupts.install()
    from grading.cli import main as run

    run()


if __name__ == "__main__":
    main()
