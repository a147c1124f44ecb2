"""The wrong forms as the mutation test of the suites: each is caught by its own task's tests."""

import pytest
import summary
from many_implementations import failures
from wrong_forms import catalogue

from grading.submission.contract import MODULE_OF


@pytest.mark.timeout(300)
@pytest.mark.parametrize("function", MODULE_OF)
def test_every_wrong_form_is_caught(function, total):
    entries = catalogue(function)
    failed = failures(function, [entry.wrong for entry in entries])
    total.extend(entry.wrong in failed for entry in entries)
    assert [entry.id for entry in entries if entry.wrong not in failed] == []


@pytest.fixture(scope="module")
def total():
    caught: list[bool] = []
    yield caught
    summary.lines.append(f"wrong forms caught {sum(caught)}/{len(caught)}")
