"""A submission, made afresh for every stage of its grade."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from grading.grade.deadline import Deadline, InTime
from grading.machine.allocator import give_back
from grading.submission.implementation import Implementation, find


class Judge:
    """Makes a fresh implementation of one submission for every stage.

    Isolated, that is a process of its own in a sandbox; else the submission runs in this process, and is trusted.
    """

    def __init__(
        self,
        impl: str | Path,
        *,
        isolated: bool,
        sandbox: str = "auto",
        device: str = "cpu",
        deadline: Deadline | None = None,
    ) -> None:
        self.folder = find(impl)
        self.deadline = deadline or Deadline()
        self.isolated, self.sandbox, self.device = isolated, sandbox, device
        self.tier = self._tier() if isolated else "none (in this process)"

    def _tier(self) -> str:
        from grading.isolation import server

        return str(server(self.sandbox, self.device != "cpu"))

    def make(self) -> Any:
        """A fresh object with the functions of the contract."""
        if not self.isolated:
            return InTime(Implementation(self.folder), self.deadline)
        from grading.isolation import IsolatedImplementation, Limits

        limits = Limits(total=min(Limits.total, self.deadline.remaining))
        until = self.deadline.end
        made = IsolatedImplementation(self.folder, sandbox=self.sandbox, limits=limits, device=self.device, until=until)
        return InTime(made, self.deadline)

    @contextmanager
    def fresh(self) -> Iterator[Any]:
        """The same, closed at the end of the block: its whole process tree is dead then."""
        made = self.make()
        try:
            yield made
        finally:
            if hasattr(made, "close"):
                made.close()
            give_back()
