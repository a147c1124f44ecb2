"""How the tests of each kata ended, and what follows from it for the watch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from grading.submission.katas import Kata, Task, katas, tasks
from grading.suites import board
from grading.suites.board import Outcome


@dataclass
class Standing:
    """Where a student stands.

    Attributes:
        results: by the number of the kata; what was not tested since a file changed is not there.
    """

    results: dict[int, list[Outcome]] = field(default_factory=dict)

    @property
    def seen(self) -> list[Outcome]:
        """Every outcome, in the order of learning."""
        return [outcome for number in sorted(self.results) for outcome in self.results[number]]

    @property
    def done(self) -> set[str]:
        """The ids of the tasks that are done."""
        return {task.id for task in board.done_tasks(self.seen)}

    @property
    def current(self) -> Kata:
        """The first kata that is not done."""
        return next((kata for kata in katas() if not self.is_done(kata)), katas()[-1])

    @property
    def task(self) -> Task | None:
        """The first task that fails."""
        first = board.first_failure(self.seen)
        return next((task for task in tasks() if first and task.id == first.task), None)

    @property
    def to_look_at(self) -> Kata | None:
        """The last kata that is done and has a picture."""
        return next((kata for kata in reversed(katas()) if kata.picture and self.is_done(kata)), None)

    def is_done(self, kata: Kata) -> bool:
        return bool(self.results.get(kata.number)) and board.first_failure(self.results[kata.number]) is None

    def forget(self, number: int) -> None:
        """Forget what is known of a kata and of later ones, since they build on it."""
        self.results = {k: v for k, v in self.results.items() if k < number}


def kata(number: int) -> Kata:
    """The kata with a number."""
    return next(kata for kata in katas() if kata.number == number)


def following(number: int) -> int:
    """The number of the kata after this one; 0 after the last."""
    numbers = [*(kata.number for kata in katas()), 0]
    return numbers[numbers.index(number) + 1]


def broken(number: int | None, seen: list[Outcome], message: dict[str, Any]) -> Outcome:
    """The failure that stands for tests which ended with their process."""
    done = {outcome.task for outcome in seen}
    own = kata(number or katas()[0].number).tasks
    task = next((task for task in own if task.id not in done), own[-1])
    why = message.get("message") or f"the code has ended the process that tested it (exit code {message['code']})"
    return Outcome(task.id, "", "", "failed", "gone", f"{task.id} {task.function}: {why}", None, 0.0)
