"""`python -m grading.bench.tables seeds|bugs|report [--rows N]`: the tables beside this file, a few rows at a time.

A row that is there is not made again, so a long table can be made in pieces and continued after a break.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
from functools import cache
from pathlib import Path
from typing import Any

import torch

from grading.bench.bugs import BUGS, failing_tasks, loss
from grading.experiment.data import DATASETS
from grading.experiment.stages import SAMPLERS, Setting, conclude, sample_stage, train_stage
from grading.grade.rubric import load_rubric, points_for
from grading.submission.errors import UsageError
from grading.submission.implementation import Implementation, find

HERE = Path(__file__).parent
SEEDS, BUGS_TABLE = HERE / "seeds.csv", HERE / "bugs.csv"
PAIRED, OF_EACH_SET, REFERENCE_SEEDS = 6, 2, 20
SPIRAL = "swiss_roll"

Row = tuple[str, str, str]  # what identifies a row: the first three columns of its table


def wanted_seeds() -> list[Row]:
    """(dataset, recipe, seed): pairs with the course's recipe, then every set, then ours up to 20 seeds."""
    pairs = [(SPIRAL, recipe, str(seed)) for seed in range(PAIRED) for recipe in ("kata", "course")]
    sets = [(name, "kata", str(seed)) for name in DATASETS for seed in range(OF_EACH_SET) if name != SPIRAL]
    return [*pairs, *sets, *((SPIRAL, "kata", str(seed)) for seed in range(PAIRED, REFERENCE_SEEDS))]


def wanted_bugs() -> list[Row]:
    """(bug, recipe, seed), one seed each."""
    return [(name, "kata", "0") for name in BUGS]


def seed_row(row: Row) -> dict[str, Any]:
    dataset, recipe, seed = row
    return {"dataset": dataset} | measured(Implementation(find("solutions")), dataset, recipe, int(seed))


def bug_row(row: Row) -> dict[str, Any]:
    name, recipe, seed = row
    found = measured(BUGS[name], SPIRAL, recipe, int(seed))
    seen = found["points"] < found["of"]
    verdicts = {"chamfer_sees_it": "yes" if seen else "no", "tasks_that_fail": " ".join(failing_tasks(BUGS[name]))}
    return {"bug": name} | found | verdicts | {"what": BUGS[name].what}


def measured(impl: Any, dataset: str, recipe: str, seed: int) -> dict[str, Any]:
    """One experiment as a row: distances, or the sentence that says why there is none, and points by the rubric."""
    setting, rubric = Setting(dataset, recipe, seed), load_rubric()
    trained, failure = (
        right_training(setting) if getattr(impl, "ddpm_loss", None) is loss else train_stage(impl, setting)
    )
    parts = {name: sample_stage(impl, name, trained, setting) for name in SAMPLERS}
    made = conclude(setting, trained, failure, **parts)
    points = sum(points_for(part.counted, rubric.bands_for(name, made.floor)) for name, part in parts.items())
    return {
        "recipe": recipe,
        "seed": seed,
        "train_seconds": f"{made.training_seconds:.2f}",
        "ddpm": shown(made.ddpm.chamfer),
        "ddim": shown(made.ddim.chamfer),
        "floor": shown(made.floor),
        "lawful": "yes" if all(part.unlawful is None for part in parts.values()) else "no",
        "points": points,
        "of": sum(map(rubric.full_points, SAMPLERS)),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


@cache
def right_training(setting: Setting) -> Any:
    """Bugs in the samplers alone share one network, trained with the right loss."""
    return train_stage(BUGS["none"], setting)


def shown(distance: float | None) -> str:
    return "none" if distance is None else f"{distance:.4g}"


TABLES = {"seeds": (SEEDS, wanted_seeds, seed_row), "bugs": (BUGS_TABLE, wanted_bugs, bug_row)}


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a table, oldest first; none where there is no file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def extend(path: Path, wanted: list[Row], make: Any, most: int) -> int:
    """Make at most so many of the rows that are wanted and not there, append each as it is made, and count them."""
    there = {tuple(row.values())[:3] for row in read(path)}
    missing = [row for row in wanted if row not in there][:most]
    for row in missing:
        made = make(row)
        fresh = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(made), lineterminator="\n")
            if fresh:
                writer.writeheader()
            writer.writerow(made)
        print(", ".join(f"{key} {value}" for key, value in made.items()))
    return len(missing)


def report() -> None:
    """Print, for each data set and recipe: seeds, full marks, distances, and how far the threshold lies in sd."""
    rubric, rows = load_rubric(), read(SEEDS)
    groups: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows:
        groups.setdefault((row["dataset"], row["recipe"]), []).append(row)
    for (dataset, recipe), group in groups.items():
        full = sum(float(row["points"]) == float(row["of"]) for row in group)
        spent = statistics.median(float(row["train_seconds"]) for row in group)
        print(f"{dataset}, {recipe}: full marks in {full} of {len(group)} seeds, training {spent:.1f} s (median)")
        for name, bands in rubric.bands.items():
            values = [float(row[name]) for row in group if row[name] != "none"]
            below = min(band.below * (float(group[0]["floor"]) if band.floors else 1) for band in bands)
            print(f"  {name}: {spread(values)}, threshold {below:g}{room(values, below)}")


def spread(values: list[float]) -> str:
    sd = statistics.stdev(values) if len(values) > 1 else 0.0
    mean, median = statistics.mean(values), statistics.median(values)
    return f"mean {mean:.3g}, sd {sd:.2g}, median {median:.3g}, most {max(values):.3g}"


def room(values: list[float], below: float) -> str:
    if len(values) < 3:
        return ""
    return f", {(below - statistics.mean(values)) / statistics.stdev(values):.1f} sd away"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m grading.bench.tables", description=__doc__)
    parser.add_argument("table", choices=[*TABLES, "report"])
    parser.add_argument("--rows", type=int, default=1000, help="make at most so many rows now")
    options = parser.parse_args(arguments)
    if options.rows < 1:
        parser.error(f"--rows must be at least 1; got {options.rows}")
    if options.table == "report":
        report()
        return 0
    path, wanted, make = TABLES[options.table]
    try:
        extend(path, wanted(), make, options.rows)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
