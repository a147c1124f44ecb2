"""Run one file of a student's tests with pytest, once for each implementation, and tell how each run of a test ended.

The tests get the implementation as a fixture of the function's name, so that whatever pytest offers works. Each run has
a limit of time; files and processes are out of bounds, since a test of a formula needs none.
"""

from __future__ import annotations

import linecache
import os
import random
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from grading.proving.bounds import BOUNDS, GUARD, SECONDS
from grading.submission.call_limit import Overdue

MOST_TEXT = 300
BARE = ("", "assert False", "assert not True", "assert tensor(False)")
PLUGINS = ("logging", "terminal", "cacheprovider", "faulthandler", "unraisableexception", "threadexception", "junitxml")
QUIET = [*(f"-pno:{name}" for name in PLUGINS), "--capture=no", "--noconftest", "--import-mode=importlib"]
Tell = Callable[[dict[str, Any]], None]


class Counted:
    """An implementation that counts its calls."""

    def __init__(self, call: Callable, index: int) -> None:
        self._ask, self.index, self.calls = call, index, 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        return self._ask(*args, **kwargs)


def schedule_of(betas: Any) -> SimpleNamespace:
    """Tables for betas, as a list or as a tensor: .betas, .alphas and .alphas_cumprod."""
    betas = torch.as_tensor(betas)
    return SimpleNamespace(betas=betas, alphas=1 - betas, alphas_cumprod=torch.cumprod(1 - betas, 0))


class Bounded(pytest.Module):
    """A file of tests that is read within bounds, too."""

    def collect(self) -> list[Any]:
        with BOUNDS.around(5):
            return list(super().collect())


class Plugin:
    """Gives the fixtures, keeps the limits, tells the outcomes."""

    def __init__(self, function: str, implementations: Sequence[Callable], first: int, tell: Tell) -> None:
        self.function, self.tell, self.first = function, tell, first
        self.counted = [Counted(call, first + i) for i, call in enumerate(implementations)]
        self.overdue: set[str] = set()

    @pytest.fixture(name="schedule_of")
    def _schedule_of(self) -> Callable:
        return schedule_of

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if self.function in metafunc.fixturenames:
            ids = [f"i{one.index}" for one in self.counted]
            metafunc.parametrize(self.function, self.counted, ids=ids)

    def pytest_pycollect_makemodule(self, module_path: Path, parent: Any) -> pytest.Module:
        return Bounded.from_parent(parent, path=module_path)

    def pytest_exception_interact(self, call: pytest.CallInfo, report: Any) -> None:
        if isinstance(report, pytest.CollectReport) and call.excinfo:
            error = call.excinfo.value
            said = describe(error.__cause__ or error)
            self.tell({"kind": "unread", "message": GUARD.tried or said, "tried": bool(GUARD.tried)})

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and isinstance(report.longrepr, tuple):  # a module that skips itself
            self.tell({"kind": "unread", "message": str(report.longrepr[2])[:MOST_TEXT], "tried": False})

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        torch.set_default_dtype(torch.float32)
        torch.set_grad_enabled(True)
        one = self._implementation(item)
        torch.manual_seed(one.index if one else 0)
        random.seed(one.index if one else 0)
        if one:
            one.calls = 0
        self.tell({"kind": "start", "test": name_of(item)})
        if name_of(item) in self.overdue:
            pytest.skip("overdue")

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool:
        test, given = pyfuncitem.obj, pyfuncitem.funcargs
        wanted = pyfuncitem._fixtureinfo.argnames
        try:
            with BOUNDS.around():
                test(**{name: given[name] for name in wanted})
        except Overdue:
            self.overdue.add(name_of(pyfuncitem))
            raise
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo) -> Generator[None, Any, Any]:
        report = yield
        if call.when == "call" or (call.when == "setup" and not report.passed):
            self._tell(item, call, report.outcome)
        return report

    def _tell(self, item: pytest.Item, call: pytest.CallInfo, status: str) -> None:
        error, one = call.excinfo.value if call.excinfo else None, self._implementation(item)
        if name_of(item) in self.overdue:
            status = "overdue"
        elif status == "failed" and not isinstance(error, (AssertionError, pytest.fail.Exception)):
            status = "error"
        line = line_of(error, item) if error else (item.location[1] or 0) + 1
        self.tell(
            {
                "kind": "outcome",
                "test": name_of(item),
                "line": line,
                "implementation": one.index if one else None,
                "status": status,
                "message": _shown(error, item, line) if error else "",
                "tried": GUARD.tried if call.when == "call" else "",
                "calls": one.calls if one else 0,
            }
        )

    def _implementation(self, item: pytest.Item) -> Counted | None:
        found = getattr(getattr(item, "callspec", None), "params", {}).get(self.function)
        return found if isinstance(found, Counted) else None


def name_of(item: pytest.Item) -> str:
    """A test's name, without its parameters."""
    return str(getattr(item, "originalname", None) or item.name)


def line_of(error: BaseException, item: pytest.Item) -> int:
    """The line of the test file that an error came through last."""
    line, trace = (item.location[1] or 0) + 1, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == str(item.path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def describe(error: BaseException) -> str:
    """An error in one line."""
    if type(error).__name__ == "FixtureLookupError":
        return f"there is no fixture {getattr(error, 'argname', '')!r}"
    text = str(error).strip()
    first = " ".join(text.splitlines()[0].split()) if text else ""
    shown = first if isinstance(error, AssertionError) else f"{type(error).__name__}: {first}".rstrip(": ")
    return shown[:MOST_TEXT]


def _shown(error: BaseException, item: pytest.Item, line: int) -> str:
    """What failed: the numbers, and where an assertion has none to show, its own text."""
    said = describe(error)
    return linecache.getline(str(item.path), line).strip()[:MOST_TEXT] if said in BARE else said


def run_file(
    path: Path,
    function: str,
    implementations: Sequence[Callable],
    tell: Tell,
    first: int = 0,
    seconds: float | None = SECONDS,
) -> None:
    """Run the tests of a file on each implementation.

    Args:
        path: the file.
        function: what its tests call the implementation.
        implementations: what to run them on.
        tell: told of each outcome, and of what kept the file from being read.
        first: the number that the first implementation is told as, and its random numbers begin from.
        seconds: for one test on one implementation; None where somebody else has the clock.
    """
    try:
        compile(path.read_bytes(), str(path), "exec")
    except (SyntaxError, ValueError) as error:
        line = f"line {error.lineno}: " if isinstance(error, SyntaxError) and error.lineno else ""
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        tell({"kind": "unread", "message": f"{line}{said}", "tried": False})
        return
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # what is installed here beside the kata is not asked
    os.environ.pop("PYTEST_ADDOPTS", None)
    BOUNDS.seconds = seconds
    where = ["--rootdir", str(path.parent), "-c", os.devnull, "--override-ini", "python_files=*.py"]
    code = pytest.main([*QUIET, *where, str(path)], plugins=[Plugin(function, implementations, first, tell)])
    tell({"kind": "end", "code": int(code)})
