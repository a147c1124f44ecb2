"""kata watch: test the current kata whenever a file is saved."""

from __future__ import annotations

import queue
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from grading.cli import app
from grading.cli.run import chosen
from grading.submission.folders import find


@app.command(short_help="Test whenever you save, and say what to do next.")
def watch(
    impl: Annotated[
        str | None,
        typer.Option("--impl", metavar="PATH", envvar="KATA_IMPL", help="Whose code; yours if left out."),
    ] = None,
) -> None:
    """Test the current kata whenever you save, and show what to do next. The way to learn with: leave it running.

    Keys: h one more hint, s see the picture of what is done, p your own tests, l list of tasks, a all tests,
    r put the stub back, q quit.

    Example: kata watch
    """
    from grading.cli.watching.keys import keys
    from grading.cli.watching.watch_session import Session

    events: queue.Queue[tuple[str, Any]] = queue.Queue()
    session = Session(chosen(impl), lambda message: events.put(("worker", message)))
    with _terminated(), _saves(find(chosen(impl)), events), keys(lambda key: events.put(("key", key))) as has_keys:
        session.begin(has_keys)
        try:
            while session.going:
                try:
                    kind, what = events.get(timeout=0.5)
                except queue.Empty:
                    session.tick()
                    continue
                getattr(session, f"on_{kind}")(what)
        finally:
            session.end()


@contextmanager
def _saves(folder: Path, events: queue.Queue[tuple[str, Any]]) -> Iterator[None]:
    """Put the stems of Python files that were saved, moved or deleted, a few milliseconds after the last of a burst."""
    from watchfiles import watch as changes

    stop = threading.Event()

    def look() -> None:
        for burst in changes(folder, stop_event=stop, recursive=False, raise_interrupt=False, rust_timeout=300):
            saved = {Path(path).stem for _, path in burst if path.endswith(".py")}
            if saved:
                events.put(("save", saved))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(1)


@contextmanager
def _terminated() -> Iterator[None]:
    """Leave in good order, terminal and child process included, when told to end."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
