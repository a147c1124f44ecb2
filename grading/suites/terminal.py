"""What a run of pytest shows on the terminal: one screen with the board and the first failure, or all with -v."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

from grading.judging.failure import WIDTH
from grading.machine import interrupts
from grading.submission.folders import ROOT
from grading.suites import display

LOCKED, OPTIONAL = "locked", "optional"
FRAME = 2  # lines that pytest itself writes, above the board and below


def brief(config: pytest.Config, impl: str, project: bool) -> bool:
    """Whether one screen is enough: not where more was asked for, nor for the project's own tests."""
    if not config.pluginmanager.has_plugin("terminal"):
        return False  # called from Python: nobody looks
    more = config.getoption("verbose") > 0 or config.getoption("verbose_failures")
    own_way = config.getoption("tbstyle", "auto") != "auto"
    places = {(config.invocation_params.dir / str(a).partition("::")[0]).resolve() for a in config.args}
    everything = impl == "solutions" and bool(places & {ROOT, ROOT / "tests"})
    return not (more or own_way or project or everything or config.getoption("collectonly"))


class Terminal:
    """Writes the board at the end. Where one screen is enough, pytest's own report makes room for it."""

    def __init__(self, config: pytest.Config, run: Any) -> None:
        self.config, self.run, self.ended, self.stopped = config, run, 0, False
        self.items = 0
        if run.brief:
            config.option.verbose = min(config.option.verbose, -1)
            config.option.reportchars = ""
            config.option.tbstyle = "no"  # the one failure that matters is shown below the board
            config.option.showcapture = "no"

    def pytest_report_header(self) -> str:
        alone = ", in a process of its own" * self.config.getoption("isolated")
        return f"kata: the code in {display.near(self.run.folder)}/{alone}"

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.config.option.tbstyle = "short"  # a broken test file has no board to speak for it

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = len(session.items)

    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, str] | None:
        """Count what waits for an earlier task apart from what is skipped; no letters where the board tells it all."""
        why = report.longrepr[2] if report.skipped and isinstance(report.longrepr, tuple) else ""
        for word in (LOCKED, OPTIONAL):
            if f": {word}: " in why:
                return word, "", "" if self.run.brief else word.upper()
        if self.run.brief and hasattr(report, "kata"):
            return "error" if report.failed and report.when != "call" else report.outcome, "", ""
        return None

    def pytest_runtest_logreport(self, report: Any) -> None:
        """On a terminal, one line says how far it is; the board takes its place."""
        if hasattr(report, "kata"):
            self.ended += 1
            self._line(f"testing {report.kata.task}, {self.ended} of {self.items}")

    def _line(self, text: str) -> None:
        screen = self.config.pluginmanager.get_plugin("terminalreporter")
        if self.run.brief and screen and screen.isatty and os.environ.get("TERM") != "dumb":
            screen._tw.write(f"\r\x1b[K{text[: WIDTH - 1]}", flush=True)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo) -> None:
        """One line in the place of pytest's many; a file that cannot be collected stops pytest too, and is shown."""
        if isinstance(excinfo.value, (pytest.Session.Interrupted, pytest.exit.Exception)):
            return
        self.stopped = True
        screen = self.config.pluginmanager.unregister(name="terminalreporter")
        if screen is not None:
            capture = self.config.pluginmanager.get_plugin("capturemanager")
            if capture:
                capture.suspend_global_capture(in_=True)
            if interrupts.is_program("pytest", "py.test"):
                interrupts.leave()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.stopped:
            session.exitstatus = interrupts.CODE

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        run = self.run
        self._line("")
        if run.outcomes:
            guided = run.guided and not terminalreporter.stats.get("deselected")
            how = {"guided": guided, "impl": run.impl, "height": display.HEIGHT - FRAME if run.brief else sys.maxsize}
            display.write(terminalreporter, run.outcomes, run.folder, **how)
        elif self.config.getoption("task") and terminalreporter.stats.get("deselected"):
            terminalreporter.write_line(f"None of the tests named here is for task {self.config.getoption('task')}.")
