"""What `kata watch` knows and shows: how the tests ended, kata by kata, and one screen at a time."""

from __future__ import annotations

import re
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grading.cli import hints
from grading.cli.reset import put_back
from grading.cli.screen import Screen
from grading.cli.viewer import view
from grading.cli.watching.aside import Aside
from grading.cli.watching.standing import Standing, broken, following, kata
from grading.cli.watching.worker import Worker
from grading.judging.failure import WIDTH
from grading.submission.errors import UsageError
from grading.submission.folders import find
from grading.submission.katas import MODULES, Task, katas, required, tasks
from grading.suites import board, display
from grading.suites.board import Outcome
from grading.suites.rows import Line, fill

KEYS = "h hint  s see  p prove  l list  a all  r reset  q quit"
BAR = 40
ROOM = 16  # lines for the failure: what was done, where to go, the bar and the keys take the others
PATIENCE = 5  # seconds: all tests of a kata take one at most, loading torch three


class Session:
    """Reacts to saves, keys and answers; each `on_` method is called from one thread.

    Attributes:
        going: false once the student has quit.
    """

    def __init__(self, impl: str, told: Callable[[dict[str, Any]], None]) -> None:
        self.impl, self.folder = impl, find(impl)
        self.worker = Worker(told)
        self.aside = Aside(lambda pid, shown: told({"kind": "aside", "pid": pid, "shown": shown}))
        self.doing = ""  # what the command beside the watch does
        self.screen = Screen()
        self.going, self.keys, self.confirming = True, False, False
        self.standing = Standing()
        self.incoming: list[Outcome] = []
        self.running: int | None = None  # the kata under test; 0 for all of them
        self.since = 0.0
        self.announced = False  # whether the kata under test stands on the screen
        self.before: set[str] | None = None  # the tasks that were done when the student saved
        self.pending: set[str] = set()  # saved while a test ran that may end any moment

    # -- what happens -------------------------------------------------------------------------------------------------

    def begin(self, keys: bool) -> None:
        self.keys = keys
        self.screen.clear()
        self.screen.status("loading torch and the tests")
        self._run(1)

    def end(self) -> None:
        self.aside.stop()
        self.worker.stop()
        self.screen.status()

    def tick(self) -> None:
        """Every half second without news."""
        seconds = int(time.monotonic() - self.since)
        if seconds < 1 or (self.running is None and not self.doing):
            return
        if self.doing:
            self.screen.status(f"{self.doing}, {seconds} s")
            return
        if self.running and not self.announced:  # the failure that stood here is of another kata, or mended
            self.announced = True
            self.screen.clear()
            self.screen.write_line(display.separator(f"kata {self.running}: {kata(self.running).title}"))
        if self.pending and self.worker.warm and seconds >= PATIENCE:
            self._saved()
        else:
            self.screen.status(f"{'testing' if self.worker.warm else 'loading torch and the tests'}, {seconds} s")

    def on_save(self, stems: set[str]) -> None:
        self.pending |= stems
        if self.running is None:
            self._saved()

    def _saved(self) -> None:
        """Test what the saved files bear on."""
        stems, self.pending = self.pending, set()
        if not stems <= {*MODULES}:  # another file of the student's: what a process has imported it keeps
            self.worker.stop()
        if self.running is None:
            self.before = self.standing.done
        touched = [kata.number for kata in katas() if kata.module in stems]
        self._run(min([*touched, self.running or self.standing.current.number]))

    def on_key(self, key: str) -> None:
        confirmed, self.confirming = self.confirming and key in "yY", False
        task, done = self.standing.task, self.standing.to_look_at
        if confirmed:
            self._reset()
        elif key in ("q", "Q", "\x04"):
            self.going = False
        elif self.running is not None:
            return  # the screen belongs to the tests until they are through
        elif self.doing:
            self._alone()
            self.show()
        elif key in "hH" and task:
            self._page(lambda: hints.write(self.screen, task, hints.one_more(task)), "h one more hint")
        elif key in "lL":
            self._page(lambda: display.write_board(self.screen, self.standing.seen, self.folder))
        elif key in "pP":
            self._beside("running your tests", "prove", *([task.id] if task else []))
        elif key in "sS" and done:
            self._beside(f"drawing {done.picture} with your code", "plot", str(done.number))
        elif key in "aA":
            self._ask(0, [kata.suite for kata in katas()], "--all")
        elif key in "rR" and task:
            self._confirm(task)
        else:
            self.show()

    def on_worker(self, message: dict[str, Any]) -> None:
        if message["kind"] == "aside":
            self._shown(message)
            return
        if message["id"] != self.worker.asked or self.running is None:
            return
        if message["kind"] == "outcome":
            self.incoming.append(Outcome(**message["outcome"]))
            self.screen.status(f"testing {self.incoming[-1].task}, {message['done']} of {message['of']}")
            return
        self.worker.busy = False
        number, self.running = self.running, None
        if message["kind"] != "end":
            self.incoming.append(broken(number, self.incoming, message))
        if number:
            self.standing.results[number] = self.incoming
        if self.pending:
            self._saved()
        elif number == 0:
            self._all()
        elif board.first_failure(self.incoming) is None and following(number):
            self._run(following(number))
        else:
            self.show()

    # -- running ------------------------------------------------------------------------------------------------------

    def _run(self, number: int) -> None:
        """Test a kata; what is known of it and of later ones is forgotten."""
        self.standing.forget(number)
        self._ask(number, [kata(number).suite], "--guide")

    def _ask(self, number: int, files: list[str], option: str) -> None:
        self._alone()
        self.incoming, self.running, self.since, self.announced = [], number, time.monotonic(), False
        impl = self.impl if self.impl in ("exercises", "solutions") else str(self.folder)
        self.worker.ask(impl, files, option)

    def _beside(self, doing: str, *words: str) -> None:
        """Run a command of ours; saving, q and Ctrl-C go on meanwhile."""
        self.doing, self.since = doing, time.monotonic()
        self.screen.status(doing)
        self.aside.run(*words, "--impl", str(self.folder))

    def _shown(self, message: dict[str, Any]) -> None:
        """What a command beside has shown, on a page of its own; a picture opens where there is a screen for it."""
        if not self.aside.is_running(message["pid"]):
            return
        drawn = re.search(r"^\w+ +(.+\.png)$", message["shown"], re.MULTILINE)
        self._alone()
        self._page(lambda: self.screen.write_line(message["shown"]))
        if drawn:
            view(Path(drawn[1]))

    def _alone(self) -> None:
        self.aside.stop()
        self.doing = ""

    def _reset(self) -> None:
        task = self.standing.task
        assert task
        try:
            said = put_back(self.folder, task)
        except UsageError as error:
            said = textwrap.fill(str(error), WIDTH)
        self._page(lambda: self.screen.write_line(said))

    # -- what is shown ------------------------------------------------------------------------------------------------

    def show(self) -> None:
        """The main screen: what was just finished, the failure, where to go, the progress, the keys."""
        self.screen.clear()
        above, task, current = self._finished(), self.standing.task, self.standing.current
        first = board.first_failure(self.standing.seen)
        if first:
            self.screen.write_line(display.separator(f"kata {current.number}: {current.title}"))
            above += display.write_remarks(self.screen, self.folder)
            display.write_failure(self.screen, first, ROOM - above)
            if task:
                self.screen.write_line(f"\n  open  {display.place(task, self.folder, first)}", bold=True)
        else:
            praise = "All done. Now train a network with your code, and see what it draws: kata grade"
            self.screen.write_line(praise, green=True, bold=True)
        self._foot(f"saved files are tested at once, {time.strftime('%H:%M:%S')}")

    def _finished(self) -> int:
        """What was just finished, and what to look at and to read about it; in how many lines."""
        before = self.before if self.before is not None else {task.id for task in tasks()}
        seen, picture = self.standing.seen, self.standing.to_look_at
        done = [f"{task.id} {task.function}" for task in board.done_tasks(seen) if task.id not in before]
        if not done:
            return 0
        lines = [Line(line, {"green": True, "bold": True}) for line in fill(f"done: {', '.join(done)}")]
        if picture:
            how = "press s" if self.keys else f"kata plot {picture.number}"
            lines += [Line(line) for line in fill(f"{how}: {picture.look}", "  see   ", " " * 8)]
        return display.put(self.screen, [*lines, *display.point(seen, self.standing.task)])

    def _all(self) -> None:
        self._page(lambda: display.write_board(self.screen, self.incoming, self.folder))

    def _page(self, write: Callable[[], Any], more: str = "") -> None:
        """Another screen, until the next key."""
        self.screen.clear()
        write()
        self.screen.write_line(f"\n{more}{'   ' * bool(more)}any other key: back" if self.keys else "")

    def _confirm(self, task: Task) -> None:
        self.confirming = True
        asks = f"Put the stub of {task.id} {task.function} back? Your file is kept in .kata/kept/."
        self._page(lambda: self.screen.write_line(asks), "y yes")

    def _foot(self, note: str) -> None:
        seen = self.standing.seen
        done = sum(not task.optional for task in board.done_tasks(seen))
        filled = BAR * done // len(required())
        self.screen.write_line("")
        self.screen.write("#" * filled, green=True)
        self.screen.write_line(f"{'-' * (BAR - filled)} {board.progress(seen)}")
        self.screen.write_line(KEYS if self.keys else note, light=True)
