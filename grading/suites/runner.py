"""Run the suites from Python and get back how each test ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grading.machine import interrupts
from grading.submission.implementation import ROOT
from grading.submission.katas import katas
from grading.suites.board import Outcome, behaviour, test_name
from grading.suites.plugin import RUN, task_id

TESTS = ROOT / "tests"


class _Collector:
    def __init__(
        self,
        make: Callable[[], Any] | None,
        on_outcome: Callable[[Outcome, int, int], None] | None,
        on_debugger: Callable[[], None] | None,
    ) -> None:
        self.outcomes: list[Outcome] = []
        self.make = make
        self.on_outcome, self.on_debugger = on_outcome, on_debugger
        self.expected: list[tuple[str, str, str]] = []

    def pytest_configure(self, config: pytest.Config) -> None:
        if self.make:
            config.stash[RUN].impl = ""  # who reads a grade has the code in exercises/, not where the grader has it

    def pytest_enter_pdb(self) -> None:
        if self.on_debugger:
            self.on_debugger()

    def pytest_kata_implementation(self, config: pytest.Config) -> Any:
        return self.make() if self.make else None

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.expected = [(task_id(i) or "", test_name(i), behaviour(i)) for i in session.items]

    def pytest_runtest_logreport(self, report: Any) -> None:
        if hasattr(report, "kata"):
            self.outcomes.append(report.kata)
            if self.on_outcome:
                self.on_outcome(report.kata, len(self.outcomes), len(self.expected))

    def complete(self) -> list[Outcome]:
        """Add a failure for every test that was due and has no outcome: a run that ends early wins nothing."""
        told = {(outcome.task, outcome.test) for outcome in self.outcomes}
        lost = "this test did not run to its end"
        missing = [
            Outcome(task, test, what, "failed", "gone", lost, None, 0.0)
            for task, test, what in self.expected
            if (task, test) not in told
        ]
        return [*self.outcomes, *missing]


def unit_suites() -> list[Path]:
    """The files of the katas' suites, in order; sample quality is not among them."""
    return [TESTS / kata.suite for kata in katas()]


def run_suites(
    impl: str | Path,
    *options: str,
    files: list[Path] | None = None,
    make: Callable[[], Any] | None = None,
    on_outcome: Callable[[Outcome, int, int], None] | None = None,
    on_debugger: Callable[[], None] | None = None,
) -> list[Outcome]:
    """Run suites on an implementation, silently.

    Args:
        impl: what `--impl` takes.
        options: further arguments for pytest, such as `--task 2.1`.
        files: test files; the unit suites if left out.
        make: called for each test file, returns the object to test in place of what `impl` names.
        on_outcome: told of each test as it ends, with how many have ended and how many there are.
        on_debugger: called before a debugger takes the terminal.

    Returns:
        one Outcome for each test, in the order run.

    Raises:
        RuntimeError: pytest itself could not run.
    """
    collector = _Collector(make, on_outcome, on_debugger)
    plugins = ("terminal", "logging", "cacheprovider", "faulthandler", "unraisableexception", "threadexception")
    quiet = [*(f"-pno:{name}" for name in plugins), "--capture=no"]
    where = ["--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml"), "--impl", str(impl)]
    chosen = [str(file) for file in (unit_suites() if files is None else files)]
    code = pytest.main([*quiet, *where, *options, *chosen], plugins=[collector])
    if code == interrupts.CODE:
        raise KeyboardInterrupt
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(f"the suites could not be run: pytest ended with code {int(code)}")
    return collector.complete()
