"""Submissions that are right for what anybody would try first, and wrong under one condition: each is caught.

Each cell of `only/<module>.py`, from one `# %%` to the next, is added to a copy of that module of `solutions/`. Behind
its title stand the words that the screen must have: the condition, or what is wrong.
"""

import re
import shutil
from itertools import combinations
from pathlib import Path

import pytest
import summary

from grading.isolation import IsolatedImplementation
from grading.judging.checker import Checker
from grading.judging.conditions.factors import WHEN, factors, least, plain, rows, said
from grading.judging.conditions.state import kept_between_calls
from grading.submission.contract import MODULE_OF, MODULES
from grading.submission.implementation import ROOT, Replaced
from grading.submission.katas import task_of
from grading.suites.runner import run_suites, unit_suites

ONLY = Path(__file__).parents[1] / "only"
ISOLATED = ("the first 128", "tables kept by their length", "no noise at t = 499, in", "a copy of the generator")


def cells() -> list[tuple[str, str, str, str]]:
    """Module, title, words that must be shown, and source."""
    found = []
    for module in MODULES:
        path = ONLY / f"{module}.py"
        text = path.read_text() if path.exists() else ""
        for head, source in re.findall(r"^# %% (.*)\n([^\0]*?)(?=^# %%|\Z)", text, re.M):
            title, _, words = head.partition(" | ")
            found.append((module, title, words, source))
    return found


def screens(folder: Path, module: str, source: str, make=None) -> list[str]:
    """The messages of the failed tests of the module's own kata, each on one line."""
    shutil.copytree(ROOT / "solutions", folder, ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / f"{module}.py").open("a") as file:
        file.write(f"\n\n{source}")
    outcomes = run_suites(folder, files=[unit_suites()[MODULES.index(module)]], make=make and (lambda: make(folder)))
    return [" ".join(outcome.message.split()) for outcome in outcomes if outcome.status == "failed"]


@pytest.fixture(scope="module")
def caught():
    titles: list[str] = []
    yield titles
    summary.lines.append(f"wrong under one condition, caught and said {len(titles)}/{len(cells())}")


@pytest.mark.parametrize(("module", "title", "words", "source"), cells(), ids=lambda value: value.partition("\n")[0])
def test_what_is_wrong_under_one_condition_is_caught_and_said(module, title, words, source, tmp_path, caught):
    messages = screens(tmp_path / "submission", module, source)
    assert messages
    assert any(words in message for message in messages), messages
    caught.append(title)


@pytest.mark.parametrize("start", ISOLATED)
def test_and_in_a_process_of_its_own(start, tmp_path):
    module, _, words, source = next(cell for cell in cells() if cell[1].startswith(start))
    messages = screens(
        tmp_path / "submission", module, source, lambda folder: IsolatedImplementation(folder, sandbox="none")
    )
    assert any(words in message for message in messages), messages


@pytest.mark.parametrize("function", MODULE_OF)
def test_every_two_ways_of_any_two_factors_meet(function):
    numbers = [{f.name: f.ways.index(row[f.name]) for f in factors(function)} for row in rows(function)]
    for one, other in combinations(factors(function), 2):
        met = {(row[one.name], row[other.name]) for row in numbers}
        assert met == {(i, j) for i in range(len(one.ways)) for j in range(len(other.ways))}


def test_every_function_is_asked_again_and_after_another_call():
    assert all({row["when"] for row in rows(function)} == {*WHEN} for function in MODULE_OF)


def test_a_failure_is_put_down_to_what_it_takes():
    row = plain("q_sample") | {"batch": 517, "dtype": "float32", "schedule": "T = 1000", "grad": True}

    def fails(row):
        return row["batch"] > 100 and row["dtype"] == "float32"

    needed = least("q_sample", row, fails)
    assert needed == {"batch": 517, "dtype": "float32"}
    assert said("q_sample", needed) == "only for a batch of 517 and in float32"
    assert said("q_sample", {}) == ""


def test_the_counts_are_shown():
    counts = {function: (len(rows(function)), len(factors(function))) for function in MODULE_OF}
    assert min(calls for calls, _ in counts.values()) > 10
    shown = ", ".join(f"{name} {calls} x {kinds}" for name, (calls, kinds) in counts.items())
    summary.lines.append(f"conditions, calls x factors: {shown}")


@pytest.mark.parametrize("wrong", [lambda x0, *_: x0, lambda x0, t, s, z: x0 + z * (t / len(s.betas))[:, None]])
def test_who_looks_at_no_table_keeps_none(wrong):
    """Two schedules of one length get one answer from it, and it is not the first one's."""
    kata = Checker(Replaced(ROOT / "solutions", {"q_sample": wrong}), task_of("q_sample"))
    assert kept_between_calls(kata) == ""
