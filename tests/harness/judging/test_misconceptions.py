"""The catalogue as the mutation test of the suites: each entry is caught by its own task's tests, and named right."""

from collections import defaultdict

import pytest
import summary
from hypothesis import Phase, settings
from wrong_forms import catalogue

from grading.judging.diagnosis import resembling
from grading.judging.property_tests import PROFILE, load_profile
from grading.submission.contract import MODULE_OF
from grading.submission.implementation import ROOT, Implementation, Replaced
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


def names_given(function, entries):
    """entry id -> for each failed test, the id that its message names, or None."""
    task, mutants = task_of(function), Mutants(entries)
    suite = next(str(path) for path in unit_suites() if task.module in path.name)
    where = ["--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml"), "--impl", "solutions", "--task", task.id]
    pytest.main([*QUIET, "--capture=no", *where, suite], plugins=[mutants])
    return mutants.named


@pytest.mark.timeout(300)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_misconception_is_caught_and_named(function, totals):
    entries = [m for m in catalogue(function) if not m.inherited]
    named = names_given(function, entries)
    caught = [m.id for m in entries if named[m.id]]
    right = [m.id for m in entries if set(named[m.id]) - {None} == {m.id}]
    totals.update(entries=len(entries), caught=len(caught), right=len(right))
    everything = [m.id for m in entries]
    assert caught == everything
    assert right == everything


@pytest.fixture(scope="module")
def totals():
    class Totals(dict):
        def update(self, **counts):
            for name, count in counts.items():
                self[name] = self.get(name, 0) + count

    sums = Totals()
    yield sums
    of = sums.get("entries", 0)
    summary.lines.append(f"misconceptions caught {sums.get('caught', 0)}/{of}, named right {sums.get('right', 0)}/{of}")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_right_function_looks_like_no_misconception(function):
    assert resembling(getattr(Implementation(ROOT / "solutions"), function), function) == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_two_misconceptions_look_alike(function):
    own = [m for m in catalogue(function) if not m.inherited]
    assert [resembling(m.wrong, function)[0] for m in own] == own
