"""Grade right code again and again with deadlines at random: `python -m grading.grade.deadline_soak --runs 200`.

Each grade is a short one: one suite, 60 steps of training, 64 points. Whenever its time is over, there is a result.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest import mock

from grading.experiment.networks import training
from grading.experiment.stages import Setting
from grading.grade.grade import grade
from grading.grade.result import Result
from grading.suites.runner import TESTS

STEPS, POINTS = 60, 64


def soak(
    impl: str | Path, runs: int, seed: int = 0, told: Callable[[int, float, Result], None] | None = None
) -> list[str]:
    """Grade `runs` times, each with an end drawn evenly up to what a whole grade takes; return what crashed."""
    short = {"kata": replace(training.RECIPES["kata"], steps=STEPS)}
    suite = [TESTS / "test_2_q_sample.py"]
    rng, crashes = random.Random(seed), []
    with mock.patch.dict(training.RECIPES, short), mock.patch("grading.grade.grade.unit_suites", return_value=suite):
        most = graded(impl, None).points  # the first also starts the sandbox
        started = time.monotonic()
        graded(impl, None)
        whole = time.monotonic() - started
        for run in range(runs):
            end = rng.uniform(0.0, 1.05 * whole)
            try:
                result = graded(impl, end)
                assert result.to_json()
                assert 0 <= result.points <= most
                assert result.points == most or said(result)
                if told:
                    told(run, end, result)
            except Exception as error:
                crashes.append(f"end after {end:.3f} s: {type(error).__name__}: {error}")
                print(crashes[-1], flush=True)
    return crashes


def graded(impl: str | Path, deadline: float | None) -> Result:
    return grade(impl, Setting(num_points=POINTS), isolated=True, deadline=deadline, tests_seed=0).result


def said(result: Result) -> bool:
    """Whether the result says that its time was over."""
    sentences = [result.training_message, *(sampler.message for sampler in result.samplers)]
    sentences += [case.message for task in result.tasks for case in task.cases]
    return any("of this grade are over" in " ".join(sentence.split()) for sentence in sentences)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m grading.grade.deadline_soak", description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="how many grades (default 200)")
    parser.add_argument("--seed", type=int, default=0, help="decides the ends (default 0)")
    parser.add_argument("--impl", default="solutions", help="whose code: a name or a folder (default solutions)")
    options = parser.parse_args(arguments)
    counts: dict[str, int] = {}

    def told(run: int, end: float, result: Result) -> None:
        ended = "whole" if not said(result) else "no network" if result.training_message else "network trained"
        counts[ended] = counts.get(ended, 0) + 1
        print(f"{run + 1:>4}  end after {end:6.2f} s: {result.points:g} points, {ended}", flush=True)

    crashes = soak(options.impl, options.runs, options.seed, told)
    print(*crashes, sep="\n", end="\n" * bool(crashes))
    print(f"deadlines {options.runs}, results {options.runs - len(crashes)} ({counts})")
    return 1 if crashes else 0


if __name__ == "__main__":
    sys.exit(main())
