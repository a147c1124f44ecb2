"""What the suites need from pytest: whose code to test, the `kata` fixture, the order of learning, and the board."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from grading.judging.failure import Failure
from grading.machine import interrupts
from grading.submission.call_limit import LIMIT
from grading.submission.errors import UsageError
from grading.submission.folders import ROOT
from grading.submission.implementation import Implementation
from grading.submission.katas import quality, required, task, tasks
from grading.submission.signatures import check_table
from grading.suites import board, options
from grading.suites.broken import as_failure
from grading.suites.debugger import Debugger
from grading.suites.terminal import LOCKED, OPTIONAL, Terminal
from grading.suites.unstoppable import Unstoppable

SECONDS = 5.0  # for one call in a unit suite, where the largest takes a tenth of one


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("kata", "Diffusion Kata")
    group.addoption(
        "--impl", metavar="NAME_OR_PATH", help="whose code to test: exercises (default), solutions, a folder"
    )
    group.addoption("--task", metavar="ID", help="run the tests of one task only, such as 2.1")
    group.addoption("--all", action="store_true", dest="run_all", help="run later katas too while earlier ones fail")
    group.addoption("--guide", action="store_true", help="lock later katas, show the next step; default for your own")
    group.addoption("--verbose-failures", action="store_true", help="show every failure in full; so does -v")
    group.addoption("--isolated", action="store_true", help="run the code in a process of its own, behind a pipe")
    group.addoption("--sandbox", default="auto", help="with --isolated: auto, namespaces, portable, limited or none")
    group.addoption("--device", default="cpu", help="where tensors are made: cpu (default) or cuda")
    group.addoption("--seed", type=int, default=0, help="draw other random numbers in every test")


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(Hooks)


class Hooks:
    """Hooks that a caller of pytest.main can implement."""

    @pytest.hookspec(firstresult=True)
    def pytest_kata_implementation(self, config: pytest.Config) -> Any:
        """Return the implementation to test, made anew for each test module; default: what --impl names."""


RUN = pytest.StashKey[options.Run]()
REMARKS = pytest.StashKey[list]()


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Turn away a wrong argument with one sentence and exit code 2."""
    try:
        options.test_from_below(config)
        check_table()
        options.check(config)
        config.stash[RUN] = options.Run(config)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    return None


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Shortened())
    config.pluginmanager.register(Debugger(config))
    config.pluginmanager.register(Terminal(config, config.stash[RUN]))
    options.settle(config)
    if interrupts.is_program("kata", "pytest", "py.test", "worker"):
        LIMIT.deaf = Unstoppable(config)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the project's own tests to those who name them, or test the solutions."""
    if collection_path.name != "harness" or collection_path.parent != ROOT / "tests":
        return None
    run = config.stash[RUN]
    return None if run.project or run.impl == "solutions" else True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if hasattr(getattr(item, "function", None), "property_seed"):
            item.function.property_seed = config.getoption("seed") or None  # type: ignore[attr-defined]  # None: the same examples in every run
    wanted = config.getoption("task")
    if wanted:
        dropped = [item for item in items if task_id(item) != wanted]
        items[:] = [item for item in items if task_id(item) == wanted]
        config.hook.pytest_deselected(items=dropped)


def task_id(item: pytest.Item) -> str | None:
    """The id in a test's `task` marker; the number of the sample quality suite; None for the project's own tests."""
    marker = item.get_closest_marker("task")
    if marker:
        return marker.args[0]
    return str(quality().number) if item.path.name == quality().suite else None


def pytest_runtest_setup(item: pytest.Item) -> None:
    id, run = task_id(item), item.config.stash[RUN]
    for failed in run.failed if id is not None and run.guided else []:
        if board.number(failed) < int(str(id).partition(".")[0]):
            pytest.skip(f"{LOCKED}: finish kata {board.number(failed)} first, or run with --all")
        if failed.task == id and failed.kind in ("todo", "load", "timeout"):
            pytest.skip(f"{LOCKED}: {id} has to give an answer first")
    if item.get_closest_marker("gpu") and item.config.getoption("device") != "cuda":
        pytest.skip("needs a CUDA device: run with --device cuda")


@pytest.hookimpl(trylast=True)
def pytest_kata_implementation(config: pytest.Config) -> Any:
    folder = config.stash[RUN].folder
    if not config.getoption("isolated"):
        return Implementation(folder)
    from grading.isolation import IsolatedImplementation, Limits

    limits = Limits(call=2 * SECONDS)  # by the clock on the wall, whatever else the machine does
    return IsolatedImplementation(folder, sandbox=config.getoption("sandbox"), limits=limits)


@pytest.fixture(scope="module")
def implementation(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> Iterator[Any]:
    """The object with the functions of the contract; isolated, each test module has a process of its own."""
    made = pytestconfig.hook.pytest_kata_implementation(config=pytestconfig)
    if isinstance(made, Implementation) and request.path.name != quality().suite:
        made.seconds = SECONDS
    yield made
    if hasattr(made, "close"):
        made.close()


@pytest.fixture
def kata(request: pytest.FixtureRequest, implementation: Any) -> Iterator[Any]:
    """The checker of the task that the test is marked with; on one thread, since on small tensors two are slower."""
    from grading.judging.checker import Checker
    from grading.machine.threads import one_thread
    from grading.submission.global_state import GlobalState

    config, marker = request.config, request.node.get_closest_marker("task")
    options = (config.getoption("device"), config.stash[RUN].impl, config.getoption("seed"))
    checker, before = Checker(implementation, task(marker.args[0]), *options), GlobalState()
    request.node.stash[REMARKS] = checker.remarks
    with one_thread():
        yield checker
    before.put_back()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Generator[None, Any, Any]:
    """Note how a test of a kata ended."""
    report = yield
    id = task_id(item)
    if id is not None and (call.when == "call" or not report.passed):
        error = call.excinfo.value if call.excinfo else None
        noted: list = item.stash.get(REMARKS, [])
        report.kata = board.outcome(id, item, report, error, tuple(dict.fromkeys(map(str, noted))))
        item.config.stash[RUN].outcomes.append(report.kata)
    return report


class Shortened:
    """Show a failed check as its own few lines; a traceback through the checker would teach nothing, slowly."""

    def _left_out(self, item: Any, error: Failure) -> bool:
        """Whether the failure says no more than that nobody has begun an optional task."""
        owed = {task.id for task in required()} | {str(quality().number)}
        module = next((task.module for task in tasks() if task.id == error.task), "")
        there = (item.config.stash[RUN].folder / f"{module}.py").exists()
        return error.task not in owed and (error.kind == "todo" or not there)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> pytest.TestReport | None:
        error = call.excinfo.value if call.excinfo else None
        id = task_id(item)
        if error is not None and id is not None and not isinstance(error, pytest.skip.Exception):
            error = as_failure(id, error)
        if not isinstance(error, Failure):
            return None
        if self._left_out(item, error):
            where = (str(item.path), item.location[1] or 0, f"Skipped: {OPTIONAL}: not written yet")
            return pytest.TestReport(item.nodeid, item.location, {}, "skipped", where, call.when)  # type: ignore[arg-type]
        call.excinfo = pytest.ExceptionInfo.from_exception(error.with_traceback(call.excinfo.tb))
        keywords: Any = {name: 1 for name in item.keywords}
        shown: Any = board.Shown(error, item)
        when: Any = call.when
        span = (call.duration, call.start, call.stop)
        printed = [(f"Captured {stream} {phase}", text) for phase, stream, text in item._report_sections]
        return pytest.TestReport(item.nodeid, item.location, keywords, "failed", shown, when, printed, *span)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable(report: Any) -> Generator[None, Any, Any]:
    """With pytest-xdist, a test runs in another process than the one that shows the board."""
    data = yield
    if data and "kata" in data:
        data["kata"] = asdict(data["kata"])
    return data


@pytest.hookimpl(wrapper=True)
def pytest_report_from_serializable(config: pytest.Config) -> Generator[None, Any, Any]:
    report = yield
    if isinstance(getattr(report, "kata", None), dict):
        report.kata = board.Outcome(**report.kata | {"remarks": tuple(report.kata["remarks"])})
        config.stash[RUN].outcomes.append(report.kata)
    return report
