"""The wrong forms as the mutation test of the suites: each is caught by its own task's tests."""

from collections import defaultdict

import pytest
import summary
from hypothesis import Phase, settings
from wrong_forms import catalogue

from grading.judging.property_tests import PROFILE, load_profile
from grading.submission.contract import MODULE_OF
from grading.submission.implementation import ROOT, Replaced
from grading.submission.katas import task_of
from grading.suites.runner import unit_suites

QUIET = [f"-pno:{name}" for name in ("terminal", "cacheprovider", "faulthandler")]
FUNCTIONS = list(MODULE_OF)
ENOUGH = 4  # failures of one mutant: the rest would say the same


class Mutants:
    """A pytest plugin that runs the collected tests once for each mutant, and keeps what their failures were named."""

    def __init__(self, entries):
        self.entries, self.named = entries, defaultdict(list)

    @pytest.hookimpl(tryfirst=True)
    def pytest_kata_implementation(self, config):
        return Replaced(ROOT / "solutions", {self.entry.function: self.entry.wrong})

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
        for entry in self.entries:
            self.entry = entry
            for item, following in zip(session.items, [*session.items[1:], None]):
                enough = len(self.named[entry.id]) == ENOUGH
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None if enough else following)
                if enough:
                    break
        return True

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.named[self.entry.id].append(report.kata.misconception)


def caught(function, entries):
    """entry id -> for each failed test, what its message says was measured, or None."""
    task, mutants = task_of(function), Mutants(entries)
    suite = next(str(path) for path in unit_suites() if task.module in path.name)
    where = ["--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml"), "--impl", "solutions", "--task", task.id]
    pytest.main([*QUIET, "--capture=no", *where, suite], plugins=[mutants])
    return mutants.named


@pytest.mark.timeout(300)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_wrong_form_is_caught(function, total):
    entries = catalogue(function)
    found = caught(function, entries)
    total.extend(bool(found[entry.id]) for entry in entries)
    assert [entry.id for entry in entries if not found[entry.id]] == []


@pytest.fixture(scope="module")
def total():
    caught: list[bool] = []
    yield caught
    summary.lines.append(f"wrong forms caught {sum(caught)}/{len(caught)}")
