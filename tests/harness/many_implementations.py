"""Many implementations of one function through its task's tests, in one run of pytest."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import Phase, settings

from grading.judging.property_tests import PROFILE, load_profile
from grading.submission.implementation import ROOT, Replaced
from grading.submission.katas import task_of
from grading.suites.runner import unit_suites

QUIET = [f"-pno:{name}" for name in ("terminal", "cacheprovider", "faulthandler")]


class Each:
    """A pytest plugin that runs the collected tests once for each implementation, up to its first failure."""

    def __init__(self, calls, made_of):
        self.calls, self.made_of, self.failed = calls, made_of, {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_kata_implementation(self, config):
        return Replaced(ROOT / "solutions", self.made_of(self.call))

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


def failures(function: str, calls: Iterable[Any], made_of: Callable[[Any], dict] | None = None) -> dict[Any, str]:
    """call -> the first failure of the function's tests; nothing for those that pass.

    A call is the function itself, or whatever `made_of` makes the functions of a submission of, by name.
    """
    wanted, each = task_of(function), Each(calls, made_of or (lambda call: {function: call}))
    suite = next(str(path) for path in unit_suites() if path.stem.endswith(wanted.module))
    where = ["--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml"), "--impl", "solutions", "--task", wanted.id]
    assert pytest.main([*QUIET, "--capture=no", *where, suite], plugins=[each]) in (0, 1)
    return each.failed
