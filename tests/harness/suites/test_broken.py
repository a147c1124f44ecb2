"""A test that breaks, or is too slow, ends as a sentence: never as a traceback, or a path, of the grader's."""

import pytest

from grading.judging.failure import Failure, Hopeless
from grading.submission.errors import Frame, SubmissionError
from grading.suites.broken import as_failure
from grading.suites.runner import run_suites

FILE = """
import pytest
from grading.judging.property_tests import given, st

class Group(Exception):
    exceptions = ()

@pytest.mark.task("2.1")
def test_breaks(kata):
    raise RuntimeError("a line\\nand /home/grader/secret.py" * 100)

@pytest.mark.task("2.1")
@given(x=st.integers())
def test_is_not_the_same_twice(kata, x, seen=[]):
    seen.append(x)
    if len(seen) % 3 == 0:
        raise (ValueError if len(seen) % 2 else KeyError)(str(len(seen)))

@pytest.fixture
def broken():
    raise OSError("no such thing")

@pytest.mark.task("2.1")
def test_cannot_begin(kata, broken):
    pass
"""


class Group(Exception):
    def __init__(self, *exceptions):
        super().__init__("several")
        self.exceptions = exceptions


def test_whatever_a_test_ends_with_is_a_few_short_lines(tmp_path):
    file = tmp_path / "test_2_odd.py"
    file.write_text(FILE)
    outcomes = run_suites("solutions", files=[file])
    assert [outcome.status for outcome in outcomes] == ["failed"] * 3
    for outcome in outcomes:
        assert outcome.message.startswith("2.1 q_sample: ")
        assert "Traceback" not in outcome.message
        assert len(outcome.message) < 600
        assert str(tmp_path) not in outcome.message


@pytest.mark.parametrize(
    "inner",
    [
        Failure("2.1", "2.1 q_sample: wrong value"),
        Hopeless(Failure("2.1", "2.1 q_sample: wrong value")),
        SubmissionError("q_sample", "timeout", "wrong value", (Frame("q_sample.py", 3, "x"),)),
    ],
)
def test_the_known_one_of_a_group_speaks_for_all(inner):
    said = as_failure("2.1", Group(KeyError("x"), Group(RuntimeError("y"), inner)))
    assert said.headline == "2.1 q_sample: wrong value"


def test_a_group_of_unknown_ones_is_named():
    assert "this test could not be run: Group: several" in as_failure("2.1", Group(KeyError("x"))).headline
