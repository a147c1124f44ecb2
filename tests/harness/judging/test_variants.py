"""Right answers in odd styles: the suites may fail none of them.

Each cell of `variants/<module>.py`, from one `# %%` to the next, is added to a copy of that module of `solutions/`,
where its definitions take the place of the reference's.
"""

import re
import shutil
from pathlib import Path

import pytest
import summary
from given_checks import given_checks

from grading.isolation import IsolatedImplementation
from grading.submission.contract import MODULES
from grading.submission.implementation import ROOT
from grading.submission.katas import FUNCTIONS, task_of
from grading.suites.runner import run_suites, unit_suites

VARIANTS = Path(__file__).parents[1] / "variants"
ISOLATED = ("make: a module with buffers", "an angle", "star import", "every noise drawn", "recursion over")


def cells() -> list[tuple[str, str, str]]:
    """Module, title and source of every variant."""
    return [
        (module, title.strip(), source)
        for module in MODULES
        for title, source in re.findall(
            r"^# %% (.*)\n([^\0]*?)(?=^# %%|\Z)", (VARIANTS / f"{module}.py").read_text(), re.M
        )
    ]


def submission(folder: Path, module: str, source: str) -> Path:
    shutil.copytree(ROOT / "solutions", folder, ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / f"{module}.py").open("a") as file:
        file.write("\n\n" + source + ("" if "ValueError" in source else given_checks(module, source)))
    return folder


def failures(folder: Path, module: str, source: str, make=None) -> list[str]:
    """The messages of the failed tests of the module's own kata: of the last task alone where it alone is changed."""
    last = FUNCTIONS[module][-1]
    alone = set(re.findall(r"^(?:def|class) (\w+)|^(\w+) =", source, re.M)) == {(last, "")}
    only = ["--task", task_of(last).id] if alone else []
    outcomes = run_suites(folder, *only, files=[unit_suites()[MODULES.index(module)]], make=make)
    assert outcomes
    return [outcome.message for outcome in outcomes if outcome.status != "passed"]


@pytest.fixture(scope="module")
def accepted():
    titles: list[str] = []
    yield titles
    summary.lines.append(f"variants accepted {len(titles)}/{len(cells())}")


@pytest.mark.parametrize(("module", "title", "source"), cells(), ids=lambda value: value if "\n" not in value else "")
def test_a_right_answer_in_an_odd_style_passes(module, title, source, tmp_path, accepted):
    assert failures(submission(tmp_path / "submission", module, source), module, source) == []
    accepted.append(title)


@pytest.mark.parametrize("start", ISOLATED)
def test_and_passes_in_a_process_of_its_own(start, tmp_path):
    module, source = next((module, source) for module, title, source in cells() if start in title)
    folder = submission(tmp_path / "submission", module, source)
    assert failures(folder, module, source, lambda: IsolatedImplementation(folder, sandbox="none")) == []


def test_every_module_has_variants_and_every_cell_defines_something_of_its_own():
    assert {module for module, _, _ in cells()} == set(MODULES)
    assert len({(module, title) for module, title, _ in cells()}) == len(cells())


def test_a_cell_takes_the_place_of_the_reference(tmp_path):
    source = "def q_sample(x0, t, schedule, noise):\n    return x0\n"
    assert failures(submission(tmp_path / "submission", "q_sample", source), "q_sample", source)
