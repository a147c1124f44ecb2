"""The benchmark and its tables: what it accepts, what a ratio means, how a table continues."""

import pytest

from grading.bench import tables
from grading.bench.__main__ import main
from grading.bench.bugs import BUGS, failing_tasks
from grading.bench.pieces import slope
from grading.bench.timing import Pair
from grading.suites.runner import unit_suites


@pytest.mark.parametrize(
    "arguments",
    [
        ["--only", "nope"],
        ["--fast"],
        ["--plot", "x.txt"],
        ["--plot", "/no/such/folder/x.png"],
        ["tpu"],
        ["gpu", "--out", "/no/such/folder/x.json"],
    ],
)
def test_a_wrong_argument_is_one_sentence_and_exit_code_2(arguments, capsys):
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert not told.out
    assert len(told.err.strip().splitlines()) == 1


def test_a_ratio_is_held_against_what_is_wanted():
    assert Pair("p", 1.0, 3.0, "q", 2.0).reached
    assert not Pair("p", 2.0, 3.0, "q", 2.0).reached
    assert Pair("p", 3.0, 1.0, "q", 5.0, at_most=True).reached
    assert not Pair("p", 6.0, 1.0, "q", 5.0, at_most=True).reached
    assert Pair("p", 1.0, 1.0, "q").reached is None


def test_the_slope_is_the_exponent():
    assert slope([(n, 1e-6 * n**1.5) for n in (10_000, 100_000, 1_000_000)]) == pytest.approx(1.5)


def test_a_table_continues_where_it_ended(tmp_path):
    path, made = tmp_path / "table.csv", []

    def make(row):
        made.append(row)
        return dict(zip(("dataset", "recipe", "seed"), row)) | {"ddpm": "0.4"}

    wanted = [("circle", "kata", str(seed)) for seed in range(3)]
    assert tables.extend(path, wanted, make, 2) == 2
    assert tables.extend(path, wanted, make, 5) == 1
    assert tables.extend(path, wanted, make, 5) == 0
    assert made == wanted
    assert len(tables.read(path)) == 3


def test_a_bug_that_no_distance_shows_fails_its_own_task():
    files = [path for path in unit_suites() if path.name == "test_3_loss.py"]
    assert failing_tasks(BUGS["next_timestep"], files) == ["3.1"]
    assert failing_tasks(BUGS["none"], files) == []


def test_every_row_that_is_wanted_is_wanted_once():
    for rows in (tables.wanted_seeds(), tables.wanted_bugs()):
        assert len(set(rows)) == len(rows)
