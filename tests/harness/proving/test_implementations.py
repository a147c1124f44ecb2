"""Right implementations pass the suite of their kata, and wrong ones do not."""

import pytest
from many_implementations import failures

from grading.proving import implementations
from grading.proving.run import provable

FUNCTIONS = [task.function for task in provable()]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_right_ones_pass_the_suite_and_wrong_ones_fail_it(function):
    known = implementations.of(function)
    failed = failures(function, [one.call for one in (*known.rights, *known.wrongs)])
    assert {one.name: failed[one.call] for one in known.rights if one.call in failed} == {}
    assert [one.slip for one in known.wrongs if one.call not in failed] == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_there_are_enough_of_both_and_each_is_told_apart_by_its_words(function):
    known = implementations.of(function)
    assert 5 <= len(known.rights) <= 8
    assert 3 <= len(known.wrongs) <= 5
    for words in ([one.name for one in known.rights], [one.slip for one in known.wrongs]):
        assert len({*words}) == len(words)
