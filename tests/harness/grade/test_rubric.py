"""The rubric: multiples of the floor by default, the course's marks by name, an instructor's by a file."""

import csv
import math
from collections import Counter

import pytest

from grading.experiment.data import DATASETS
from grading.grade.rubric import load_rubric, points_for
from grading.submission.errors import UsageError
from grading.submission.implementation import ROOT
from grading.submission.katas import task, tasks


def written(folder, text):
    path = folder / "rubric.toml"
    path.write_text(text, encoding="utf-8")
    return path


FLOOR = 0.4


@pytest.mark.parametrize(
    ("name", "sampler", "chamfer", "points"),
    [
        ("course", "ddpm", 0.4, 10), ("course", "ddpm", 19.99, 10), ("course", "ddpm", 20, 5),
        ("course", "ddpm", 39.99, 5), ("course", "ddpm", 40, 0), ("course", "ddim", 39.99, 10),
        ("course", "ddim", 40, 5), ("course", "ddim", 79.99, 5), ("course", "ddim", 80, 0),
        (None, "ddpm", 0.4, 10), (None, "ddpm", 1.19, 10), (None, "ddpm", 1.21, 5), (None, "ddpm", 3.61, 0),
        (None, "ddim", 3.19, 10), (None, "ddim", 3.21, 5), (None, "ddim", 9.61, 0),
        (None, "ddpm", None, 0), (None, "ddim", math.nan, 0), (None, "ddim", math.inf, 0),
    ],
)  # fmt: skip
def test_the_courses_bands_are_distances_and_the_default_ones_multiples_of_the_floor(name, sampler, chamfer, points):
    assert points_for(chamfer, load_rubric(name).bands_for(sampler, FLOOR)) == points


def test_right_code_keeps_all_its_points_on_every_data_set():
    """Every row of the table of seeds with the kata's recipe: twenty seeds of the Swiss roll, two of each other set."""
    table = ROOT / "grading" / "bench" / "seeds.csv"
    rows = [row for row in csv.DictReader(table.open(encoding="utf-8")) if row["recipe"] == "kata"]
    assert Counter(row["dataset"] for row in rows) == {name: 20 if name == "swiss_roll" else 2 for name in DATASETS}
    for row in rows:
        for sampler in ("ddpm", "ddim"):
            bands = load_rubric().bands_for(sampler, float(row["floor"]))
            assert points_for(float(row[sampler]), bands) == 10, row


def test_the_default_is_a_hundred_points_with_every_task_worth_some():
    rubric = load_rubric()
    assert all((rubric.points_of(task) > 0) != task.optional for task in tasks())
    assert rubric.full_points("ddpm") == rubric.full_points("ddim") == 10
    assert rubric.total == 100


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path):
    rubric = load_rubric(written(tmp_path, '[tasks]\n"4.1" = 2.5\n[ddim]\nbands = [{ below = 3, points = 7 }]\n'))
    assert rubric.points_of(task("4.1")) == 2.5
    assert rubric.points_of(task("4.2")) == task("4.2").points
    assert [points_for(chamfer, rubric.bands_for("ddim", FLOOR)) for chamfer in (2.9, 3.0)] == [7, 0]
    assert rubric.bands["ddpm"] == load_rubric().bands["ddpm"]


NOTHING = "\n".join(f'"{id}" = 0' for id in (t.id for t in tasks()))
ZERO = "bands = [{ below = 1, points = 0 }]"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[ddpm", "not valid TOML"),
        ("[dppm]\nbands = []", "unknown key 'dppm'; the keys are ddpm, ddim, tasks, accept, partial"),
        ("ddpm = 3", "ddpm must be a table; got 3"),
        ("[ddpm]\n", "ddpm lacks 'bands'"),
        ("[ddpm]\nbands = []", "ddpm.bands must be a list of at least one band"),
        ("[ddpm]\nbands = [3]", "ddpm.bands[0] must be a table; got 3"),
        ("[ddpm]\nbands = [{ below = 1 }]", "ddpm.bands[0] lacks 'points'"),
        ("[ddpm]\nbands = [{ points = 1 }]", "ddpm.bands[0] must have one of 'below' and 'below_floors'"),
        ("[ddpm]\nbands = [{ below = 1, below_floors = 2, points = 1 }]", "ddpm.bands[0] must have one of 'below'"),
        (
            "[ddpm]\nbands = [{ below = 1, points = 2 }, { below_floors = 2, points = 1 }]",
            "ddpm.bands must all say below, or all below_floors",
        ),
        ("[ddpm]\nbands = [{ below = 1, points = 1, above = 0 }]", "unknown key 'above' in ddpm.bands[0]"),
        ("[ddpm]\nbands = [{ below = 'x', points = 1 }]", "ddpm.bands[0].below must be a number"),
        ("[ddpm]\nbands = [{ below = 1, points = true }]", "ddpm.bands[0].points must be a number"),
        ("[ddpm]\nbands = [{ below = nan, points = 1 }]", "ddpm.bands[0].below must be a number"),
        ("[ddpm]\nbands = [{ below = inf, points = 1 }]", "ddpm.bands[0].below must be a number"),
        ("[ddpm]\nbands = [{ below = 0, points = 1 }]", "ddpm.bands[0].below must be above 0"),
        ("[ddpm]\nbands = [{ below = 1, points = -1 }]", "ddpm.bands[0].points must be a number from 0"),
        ("[ddpm]\nbands = [{ below = 2, points = 2 }, { below = 1, points = 1 }]", "rising thresholds"),
        ("[ddpm]\nbands = [{ below = 1, points = 1 }, { below = 2, points = 2 }]", "falling points"),
        ("tasks = 1", "tasks must be a table; got 1"),
        ("[tasks]\n'9.9' = 1", "there is no task '9.9'; the tasks are 1.1, "),
        ("[tasks]\n'4.1' = -1", "tasks.4.1 must be a number from 0"),
        ("[tasks]\n'4.1' = 1e308", "tasks.4.1 must be a number from 0 to 1,000,000; got 1e+308"),
        (f"[tasks]\n{NOTHING}\n[ddpm]\n{ZERO}\n[ddim]\n{ZERO}", "everything is worth 0 points"),
    ],
)  # fmt: skip
def test_a_file_that_makes_no_sense_is_refused_with_a_sentence_that_names_the_place(text, said, tmp_path):
    with pytest.raises(UsageError) as caught:
        load_rubric(written(tmp_path, text))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(UsageError, match=str(path)):
            load_rubric(path)
    path = tmp_path / "bytes.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not valid TOML"):
        load_rubric(path)
