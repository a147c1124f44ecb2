"""Grade one submission: its suites, then the experiment with its code, each stage on a fresh implementation."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from grading.experiment.networks.shared_training import SharedTraining
from grading.experiment.networks.training import Trained
from grading.experiment.stages import SAMPLERS, Experiment, Part, Setting, conclude, sample_stage, train_stage
from grading.grade.deadline import Deadline, OutOfTime
from grading.grade.judge import Judge
from grading.grade.memory import bounded
from grading.grade.proofs import proofs
from grading.grade.result import CaseResult, Result, SamplerResult, TaskResult
from grading.grade.rubric import Rubric, load_rubric
from grading.grade.worth import worth
from grading.isolation.submission_files import submission_files
from grading.machine.allocator import give_back
from grading.submission import handed_in
from grading.submission.katas import Task, katas, tasks
from grading.suites import board
from grading.suites.board import Outcome, state
from grading.suites.runner import TESTS, run_suites, unit_suites

Progress = Callable[[str, int, int], None]  # (stage, done, total); stage is one of STAGES
STAGES = ("tests", "train", *SAMPLERS)
MOST_LOSSES = 500
MOST_SEED = 1 << 31
T = TypeVar("T")


@dataclass(frozen=True)
class Graded:
    """A grade: the plain result that is written down, and the experiment that pictures are drawn from."""

    result: Result
    experiment: Experiment


def grade(
    impl: str | Path,
    setting: Setting | None = None,
    rubric: Rubric | None = None,
    *,
    isolated: bool = True,
    sandbox: str = "auto",
    progress: Progress | None = None,
    deadline: float | None = None,
    tests_seed: int | None = None,
    shared: SharedTraining | None = None,
) -> Graded:
    """Run the suites and the experiment, and give points by the rubric.

    Args:
        impl: `exercises`, `solutions` or a folder with the modules.
        setting: data set, recipe, seed, device and numbers of the experiment.
        rubric: points; the default one if left out.
        isolated: run the submission behind a pipe; else in this process.
        sandbox: the tier to demand, `auto` for the best that this machine has.
        progress: called as progress(stage, done, total).
        deadline: seconds after which nothing more is asked of the submission; what it has earned by then counts.
        tests_seed: decides what the suites ask; a secret one if left out, so that no list of answers can be prepared.
            The result tells it.
        shared: a training with the closed form, whose network serves where the submission's loss is found to agree.

    Raises:
        UsageError (a ValueError): the submission, the sandbox or a setting is not to be had.
        What the submission does wrong never raises: it is in the result.
    """
    setting, rubric = setting or Setting(), rubric or load_rubric()
    until = Deadline(deadline)
    judge = Judge(impl, isolated=isolated, sandbox=sandbox, device=setting.device, deadline=until)
    started = time.perf_counter()
    tests_seed = secrets.randbelow(MOST_SEED) if tests_seed is None else tests_seed
    with bounded(isolated and setting.device == "cpu"):
        outcomes = run_tests(judge, setting, progress, tests_seed)
        give_back()
        tested = time.perf_counter()
        told = until.watched(progress)
        trained, failure, training = _once_more(lambda: _train(judge, setting, told, shared), lambda found: found[1])
        parts = {
            name: _once_more(lambda: _sample(judge, name, trained, setting, told), lambda part: part.failure)  # noqa: B023
            for name in SAMPLERS
        }
        experiment = conclude(setting, trained, failure, **parts)
        own = proofs(judge.folder, judge.tier, sandbox, rubric.prove > 0, until.end)
    seconds = {
        "tests": tested - started,
        "train": experiment.training_seconds,
        **{name: part.seconds for name, part in parts.items()},
        "whole": time.perf_counter() - started,
    }
    measured = _result(str(impl), judge, experiment, outcomes, seconds, tests_seed)
    measured = replace(measured, cut_short=not until.remaining, training=training, proofs=own)
    return Graded(worth(measured, rubric), experiment)


def _once_more(ask: Callable[[], T], failure: Callable[[T], str | None]) -> T:
    """An answer; another, where the process is gone: an interpreter may crash that nobody has told to."""
    found = ask()
    return ask() if "its process" in (failure(found) or "") else found


def _train(
    judge: Judge, setting: Setting, progress: Progress, shared: SharedTraining | None
) -> tuple[Trained | None, str | None, str]:
    """The network of a submission's loss, the shared one where that is proven to be the same; or why there is none."""
    began = time.perf_counter()
    try:
        with judge.fresh() as implementation:
            same = shared.network_for(implementation) if shared else None
            if same and shared:
                same = replace(same, network=shared.remembered, seconds=time.perf_counter() - began)
                return same, None, shared.says
            trained, failure = train_stage(implementation, setting, progress)
            return trained, failure, "trained with the submission's own loss" if trained else ""
    except OutOfTime as over:
        return None, f"ddpm_loss: {over}", ""


def _sample(judge: Judge, name: str, trained: Trained | None, setting: Setting, progress: Progress) -> Part:
    try:
        with judge.fresh() as implementation:
            return sample_stage(implementation, name, trained, setting, progress)
    except OutOfTime as over:
        return Part(failure=f"{name}_sample: {over}")


def run_tests(judge: Judge, setting: Setting, progress: Progress | None = None, tests_seed: int = 0) -> list[Outcome]:
    """Run the unit suites, each on a fresh implementation; once more a task in which a process was gone."""

    def told(_: Outcome, done: int, total: int) -> None:
        if progress:
            progress("tests", done, total)

    options = ("--seed", str(tests_seed), *(("--device", "cuda") if setting.device != "cpu" else ()))
    outcomes = run_suites(judge.folder, *options, files=unit_suites(), make=judge.make, on_outcome=told)
    for kata in katas() if judge.isolated else ():
        for task in kata.tasks:
            mine = [outcome for outcome in outcomes if outcome.task == task.id]
            if any(outcome.kind == "gone" for outcome in mine):
                again = run_suites(
                    judge.folder, *options, "--task", task.id, files=[TESTS / kata.suite], make=judge.make
                )
                best = min(mine, again, key=_failures)
                outcomes = [*(outcome for outcome in outcomes if outcome.task != task.id), *best]
    return outcomes


def _failures(outcomes: list[Outcome]) -> int:
    return sum(outcome.status == "failed" for outcome in outcomes)


def _result(
    impl: str,
    judge: Judge,
    experiment: Experiment,
    outcomes: list[Outcome],
    seconds: dict[str, float],
    tests_seed: int,
) -> Result:
    """What was measured, with no points yet."""
    setting = experiment.setting
    return Result(
        impl=impl,
        tasks=_task_results(outcomes, judge.folder),
        samplers=[
            _sampler_result("ddpm", len(setting.schedule.betas), experiment.ddpm),
            _sampler_result("ddim", setting.num_inference_steps, experiment.ddim),
        ],
        floor=experiment.floor,
        density_floor=experiment.density_floor,
        settings={
            "dataset": setting.dataset,
            "recipe": setting.recipe,
            "seed": setting.seed,
            "tests_seed": tests_seed,
            "device": setting.device,
            "num_points": setting.num_points,
            "num_inference_steps": setting.num_inference_steps,
        },
        isolation=judge.tier,
        training_message=experiment.training_failure or "",
        losses=thinned(experiment.losses),
        versions=experiment.versions,
        seconds={name: round(value, 3) for name, value in seconds.items()},
    )


def _task_results(outcomes: list[Outcome], folder: Path) -> list[TaskResult]:
    """Every task that is owed, and those optional ones that were begun; a remark on a file stands with its first."""
    files = {folder / name: source for name, source in submission_files(folder)[1].items()}
    noted = {path.stem: handed_in.remarks_on(path, source) for path, source in files.items()}
    every = [(task, _task_result(task, outcomes, noted.pop(task.module, []))) for task in tasks()]
    return [result for task, result in every if not (task.optional and result.status == "locked")]


def _task_result(task: Task, outcomes: list[Outcome], noted: list[str]) -> TaskResult:
    mine = [outcome for outcome in outcomes if outcome.task == task.id]
    cases = [CaseResult(o.test, o.behaviour, o.status, o.kind, o.message, o.misconception, o.seconds) for o in mine]
    remarks = noted + board.remarks_of(mine)
    row = (task.id, task.function, task.module, task.title, state(mine), 0.0, 0.0, cases)
    return TaskResult(*row, remarks=remarks)


def _sampler_result(name: str, steps: int, part: Part) -> SamplerResult:
    """Nothing counts of a walk that is not lawful; of one with noise of its own no more than the grader's walk."""
    message, seconds = part.failure or part.unlawful or "", round(part.seconds, 3)
    counted = None if part.unlawful else part.counted
    return SamplerResult(
        name.upper(), steps, part.chamfer, 0.0, 0.0, seconds, message, counted=counted, density=part.density
    )


def thinned(losses: list[float]) -> list[float]:
    """Means over equal stretches, at most MOST_LOSSES of them: what a curve needs, in a file of a sensible size."""
    stretch = -(-len(losses) // MOST_LOSSES) or 1
    parts = [losses[i : i + stretch] for i in range(0, len(losses), stretch)]
    return [sum(part) / len(part) for part in parts]
