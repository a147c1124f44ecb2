"""What a measurement is worth. A grade is measured once, for minutes; any rubric says in no time what it earns."""

from __future__ import annotations

from dataclasses import replace

from grading.experiment.stages import Setting, floor
from grading.grade.result import CaseResult, ProofResult, Result, SamplerResult, TaskResult
from grading.grade.rubric import SAMPLERS, Rubric, points_for
from grading.submission.katas import tasks

COUNTED = "counted as"


def worth(measured: Result, rubric: Rubric) -> Result:
    """The same result with the points of a rubric: nothing else in it changes, and nothing is run."""
    known = {task.id: task for task in tasks()}
    return replace(
        measured,
        tasks=[_task(task, rubric.points_of(known[task.id]), rubric) for task in measured.tasks],
        samplers=[_sampler(sampler, rubric, measured.floor or 0.0) for sampler in measured.samplers],
        proofs=[_proof(*one) for one in zip(measured.proofs, _shares(rubric.prove, len(measured.proofs)))],
    )


def floor_warnings(setting: Setting, rubric: Rubric) -> list[str]:
    """A sentence for each band that even the real data would miss: points that no right code can be sure of."""
    least = floor(setting.dataset, setting.num_points)
    return [
        f"{setting.dataset}: two draws of the real data are {least:.3g} apart, so nothing earns the {band.points:g} "
        f"points of {name} below {band.below:g}; give a rubric with other bands"
        for name in SAMPLERS
        for band in rubric.bands_for(name, least)
        if band.below <= least
    ]


def _task(task: TaskResult, most: float, rubric: Rubric) -> TaskResult:
    """All or nothing, unless the rubric gives partial credit; a stub is worth nothing even if some tests pass it."""
    accepted = sorted({name for case in task.cases if (name := _accepted(case, rubric))})
    judged = replace(task, accepted=accepted, max_points=most)
    right = len(task.cases) - len(judged.failures) - sum(case.status == "skipped" for case in task.cases)
    whole = bool(task.cases) and right == len(task.cases)
    begun = not any(case.kind == "todo" for case in judged.failures)
    share = 1.0 if whole else right / len(task.cases) if rubric.partial and begun and task.cases else 0.0
    status = "done" if whole else "wrong" if task.status == "done" else task.status
    return replace(judged, status=status, points=round(most * share, 2))


def _shares(points: float, count: int) -> list[float]:
    """Points shared out in hundredths, so that they add up."""
    upto = [round(points * number / count, 2) for number in range(count + 1)] if count else []
    return [round(most - less, 2) for less, most in zip(upto, upto[1:])]


def _proof(proof: ProofResult, most: float) -> ProofResult:
    share = proof.caught / proof.wrongs if proof.wrongs and not proof.problem else 0.0
    return replace(proof, points=round(most * share, 2), max_points=most)


def _accepted(case: CaseResult, rubric: Rubric) -> str:
    """The failed test's named variant, if the rubric takes it as right; else nothing."""
    return case.misconception if case.status == "failed" and rubric.accepts(case.misconception) else ""  # type: ignore[return-value]


def _sampler(sampler: SamplerResult, rubric: Rubric, floor: float) -> SamplerResult:
    bands = rubric.bands_for(sampler.name.lower(), floor)
    points = points_for(sampler.counted, bands)
    message = "" if sampler.message.startswith(COUNTED) else sampler.message
    if not message and sampler.counted is not None and points < points_for(sampler.chamfer, bands):
        message = (
            f"{COUNTED} {sampler.counted:.3g}: so far from the data the same network leads with the grader's noise"
        )
    return replace(sampler, points=points, max_points=bands[0].points, bands=list(bands), message=message)
