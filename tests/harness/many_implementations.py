"""Many implementations of one function through its task's tests, in one run of pytest."""

from collections.abc import Callable, Iterable

import pytest
from hypothesis import Phase, settings

from grading.judging.property_tests import PROFILE, load_profile
from grading.submission.implementation import ROOT, Replaced
from grading.submission.katas import task_of
from grading.suites.runner import unit_suites

QUIET = [f"-pno:{name}" for name in ("terminal", "cacheprovider", "faulthandler")]


class Each:
    """A pytest plugin that runs the collected tests once for each implementation, up to its first failure."""

    def __init__(self, function, calls):
        self.function, self.calls, self.failed = function, calls, {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_kata_implementation(self, config):
        return Replaced(ROOT / "solutions", {self.function: self.call})

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config):
        """Show a failure as soon as there is one: to shrink the example takes long, and shows the same."""
        load_profile()
        settings.register_profile("quick", settings.get_profile(PROFILE), phases=[Phase.generate], max_examples=5)
        settings.load_profile("quick")
        config.option.tbstyle = "native"

    def pytest_unconfigure(self, config):
        settings.load_profile(PROFILE)

    def pytest_runtestloop(self, session):
        for call in self.calls:
            self.call = call
            for item, following in zip(session.items, [*session.items[1:], None]):
                enough = call in self.failed
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None if enough else following)
                if enough:
                    break
        return True

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed.setdefault(self.call, report.kata.message)


def failures(function: str, calls: Iterable[Callable]) -> dict[Callable, str]:
    """call -> the first failure of its task's tests; nothing for those that pass."""
    wanted, each = task_of(function), Each(function, calls)
    suite = next(str(path) for path in unit_suites() if path.stem.endswith(wanted.module))
    where = ["--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml"), "--impl", "solutions", "--task", wanted.id]
    assert pytest.main([*QUIET, "--capture=no", *where, suite], plugins=[each]) in (0, 1)
    return each.failed
