"""What `kata watch` knows and shows: how the tests ended, kata by kata, and one screen at a time."""

from __future__ import annotations

import shutil
import textwrap
import time
from collections.abc import Callable
from typing import Any

from grading.cli import hints, prove
from grading.cli.reset import put_back
from grading.cli.screen import Screen, movable
from grading.cli.watching.worker import Worker
from grading.judging.failure import WIDTH
from grading.submission.errors import UsageError
from grading.submission.folders import find
from grading.submission.katas import MODULES, Kata, Task, katas, required, tasks
from grading.suites import board, display
from grading.suites.board import Outcome

KEYS = "h hint   p prove   l list   a all tests   r reset   q quit"
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
        self.screen = Screen()
        self.going, self.keys, self.confirming = True, False, False
        self.results: dict[int, list[Outcome]] = {}
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
        self._status("loading torch and the tests")
        self._run(1)

    def end(self) -> None:
        self.worker.stop()
        self._line_end()

    def tick(self) -> None:
        """Every half second without news."""
        seconds = int(time.monotonic() - self.since)
        if self.running is None or seconds < 1:
            return
        if self.running and not self.announced:  # the failure that stood here is of another kata, or mended
            self.announced = True
            self.screen.clear()
            self.screen.write_line(display.separator(f"kata {self.running}: {self._kata(self.running).title}"))
        if self.pending and self.worker.warm and seconds >= PATIENCE:
            self._saved()
        else:
            self._status(f"{'testing' if self.worker.warm else 'loading torch and the tests'}, {seconds} s")

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
            self.before = {task.id for task in board.done_tasks(self.seen)}
        touched = [kata.number for kata in katas() if kata.module in stems]
        self._run(min([*touched, self.running or self.current.number]))

    def on_key(self, key: str) -> None:
        confirmed, self.confirming = self.confirming and key in "yY", False
        if confirmed:
            self._reset()
        elif key in ("q", "Q", "\x04"):
            self.going = False
        elif self.running is not None:
            return  # the screen belongs to the tests until they are through
        elif key in "hH" and self.task:
            self._page(lambda task: hints.write(self.screen, task, hints.one_more(task)), "h one more hint")
        elif key in "lL":
            self._page(lambda _: display.write_board(self.screen, self.seen, self.folder))
        elif key in "pP":
            self._page(lambda task: prove.page(self.screen, self.folder, task))
        elif key in "aA":
            self._ask(0, [kata.suite for kata in katas()], "--all")
        elif key in "rR" and self.task:
            self._confirm(self.task)
        else:
            self.show()

    def on_worker(self, message: dict[str, Any]) -> None:
        if message["id"] != self.worker.asked or self.running is None:
            return
        if message["kind"] == "outcome":
            self.incoming.append(Outcome(**message["outcome"]))
            self._status(f"testing {self.incoming[-1].task}, {message['done']} of {message['of']}")
            return
        self.worker.busy = False
        number, self.running = self.running, None
        if message["kind"] != "end":
            self.incoming.append(self._broken(number, message))
        if number:
            self.results[number] = self.incoming
        if self.pending:
            self._saved()
        elif number == 0:
            self._all()
        elif board.first_failure(self.incoming) is None and self._following(number):
            self._run(self._following(number))
        else:
            self.show()

    # -- running ------------------------------------------------------------------------------------------------------

    def _run(self, number: int) -> None:
        """Test a kata; what is known of it and of later ones is forgotten, since they build on it."""
        self.results = {k: v for k, v in self.results.items() if k < number}
        self._ask(number, [self._kata(number).suite], "--guide")

    def _kata(self, number: int) -> Kata:
        return next(kata for kata in katas() if kata.number == number)

    def _following(self, number: int) -> int:
        """The number of the kata after this one; 0 after the last."""
        numbers = [*(kata.number for kata in katas()), 0]
        return numbers[numbers.index(number) + 1]

    def _ask(self, number: int, files: list[str], option: str) -> None:
        self.incoming, self.running, self.since, self.announced = [], number, time.monotonic(), False
        impl = self.impl if self.impl in ("exercises", "solutions") else str(self.folder)
        self.worker.ask(impl, files, option)

    def _broken(self, number: int, message: dict[str, Any]) -> Outcome:
        """The failure that stands for tests which ended with their process."""
        done = {outcome.task for outcome in self.incoming}
        own = self._kata(number or katas()[0].number).tasks
        task = next((task for task in own if task.id not in done), own[-1])
        why = message.get("message") or f"the code has ended the process that tested it (exit code {message['code']})"
        return Outcome(task.id, "", "", "failed", "gone", f"{task.id} {task.function}: {why}", None, 0.0)

    def _reset(self) -> None:
        task = self.task
        assert task
        try:
            said = put_back(self.folder, task)
        except UsageError as error:
            said = textwrap.fill(str(error), WIDTH)
        self._page(lambda _: self.screen.write_line(said))

    # -- what is known ------------------------------------------------------------------------------------------------

    @property
    def seen(self) -> list[Outcome]:
        return [outcome for number in sorted(self.results) for outcome in self.results[number]]

    @property
    def current(self) -> Kata:
        """The first kata that is not done."""
        for kata in katas():
            if kata.number not in self.results or board.first_failure(self.results[kata.number]):
                return kata
        return katas()[-1]

    @property
    def task(self) -> Task | None:
        first = board.first_failure(self.seen)
        return next((task for task in tasks() if first and task.id == first.task), None)

    # -- what is shown ------------------------------------------------------------------------------------------------

    def show(self) -> None:
        """The main screen: what was just finished, the failure, where to go, the progress, the keys."""
        self.screen.clear()
        before = self.before if self.before is not None else {task.id for task in tasks()}
        done = [f"{task.id} {task.function}" for task in board.done_tasks(self.seen) if task.id not in before]
        if done:
            self.screen.write_line(textwrap.fill(f"done: {', '.join(done)}", WIDTH), green=True, bold=True)
            self._see()
        first, task = board.first_failure(self.seen), self.task
        if first:
            self.screen.write_line(display.separator(f"kata {self.current.number}: {self.current.title}"))
            display.write_failure(self.screen, first, ROOM - 2 * bool(done))
            display.write_remarks(self.screen, self.folder)
            if task:
                self.screen.write_line(f"\n  open  {display.place(task, self.folder, first)}", bold=True)
        else:
            praise = "All done. Now train a network with your code, and see what it draws: kata grade"
            self.screen.write_line(praise, green=True, bold=True)
        self._foot(f"saved files are tested at once, {time.strftime('%H:%M:%S')}")

    def _see(self) -> None:
        """What to look at and to read about, now that something is done; in another terminal, or after q."""
        kata = next((kata for kata in reversed(katas()) if self._is_done(kata)), None)
        if kata and kata.picture:
            self.screen.write_line(f"  see   kata plot {kata.number}: {kata.look}")
        display.write_point(self.screen, self.seen, self.task)

    def _is_done(self, kata: Kata) -> bool:
        return bool(self.results.get(kata.number)) and board.first_failure(self.results[kata.number]) is None

    def _all(self) -> None:
        self._page(lambda _, seen=self.incoming: display.write_board(self.screen, seen, self.folder))  # type: ignore[misc]

    def _page(self, write: Callable[[Any], Any], more: str = "") -> None:
        """Another screen, until the next key."""
        self.screen.clear()
        write(self.task)
        self.screen.write_line(f"\n{more}{'   ' * bool(more)}any other key: back" if self.keys else "")

    def _confirm(self, task: Task) -> None:
        self.confirming = True
        asks = f"Put the stub of {task.id} {task.function} back? Your file is kept in .kata/kept/."
        self._page(lambda _: self.screen.write_line(asks), "y yes")

    def _foot(self, note: str) -> None:
        done = sum(not task.optional for task in board.done_tasks(self.seen))
        filled = BAR * done // len(required())
        self.screen.write_line("")
        self.screen.write("#" * filled, green=True)
        self.screen.write_line(f"{'-' * (BAR - filled)} {board.progress(self.seen)}")
        self.screen.write_line(KEYS if self.keys else note, light=True)

    def _status(self, text: str) -> None:
        """One line that is overwritten; nothing where there is no terminal."""
        if movable():
            width = min(WIDTH, shutil.get_terminal_size().columns) - 1
            self.screen.write(f"\r\x1b[K{text[:width]}")

    def _line_end(self) -> None:
        if movable():
            self.screen.write("\r\x1b[K")
