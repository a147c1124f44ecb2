"""Results of a grade, made by hand: good, empty and hostile ones, for the tests of the reports."""

from grading.grade.result import CaseResult, ProofResult, Result, SamplerResult, TaskResult
from grading.grade.rubric import load_rubric, points_for
from grading.submission.katas import tasks

HOSTILE = (
    '</script><script>alert(1)</script> "><img src=x onerror=alert(1)> {{7*7}} ]]> &amp; [red]x[/red] '
    "\x1b[31m\x00\x07\u202e\r\n::error file=x::forged\n::notice title=Autograding report::{}\n"
    "```\n````\n# heading\n| a | b |\n"
    "![i](http://evil.example/a.png) [l](javascript:x) @everyone #1 https://evil.example \ud800 \ufffe 100% a:b,c"
)


def made(message="", *, passing=False, impl="submission", chamfer=0.71, sampler_message=""):
    """Every task fails with the message (or all pass), and both samplers score `chamfer`."""
    rubric = load_rubric()
    rows = []
    for task in tasks():
        good = CaseResult("test_shape", "The shape is right.", "passed", "", "", None, 0.01)
        bad = CaseResult("test_value", "The value is right.", "failed", "wrong", message, None, 0.02)
        cases = [good] if passing else [good, bad, bad]
        points = task.points if passing else 0.0
        status = "done" if passing else "wrong"
        rows.append(TaskResult(task.id, task.function, task.module, task.title, status, points, task.points, cases))
    samplers = [
        SamplerResult(
            name.upper(),
            steps,
            chamfer,
            points_for(chamfer, rubric.bands_for(name, 0.39)),
            10,
            1.5,
            sampler_message,
            [*rubric.bands_for(name, 0.39)],
            chamfer,
        )
        for name, steps in (("ddpm", 1000), ("ddim", 50))
    ]
    return Result(
        impl=impl,
        tasks=rows,
        samplers=samplers,
        floor=0.39,
        settings={"dataset": "swiss_roll", "recipe": "kata", "seed": 0, "device": "cpu", "num_points": 2048},
        isolation="namespaces",
        training_message=message,
        losses=[1.0, 0.5, 0.4],
        versions={"python": "3.11.2", "torch": "2.4.0"},
        seconds={"tests": 3.0, "train": 20.0, "ddpm": 2.0, "ddim": 0.1, "whole": 26.0},
        proofs=[ProofResult("2.1", "q_sample", message, 6, 6, 1, 5, [message], [message])],
    )


FULL = made(passing=True)
ATTACK = made(HOSTILE, impl=HOSTILE, chamfer=None, sampler_message=HOSTILE)
HUGE = made("\U0001f600`" * 10**5, impl="x" * 10**6, sampler_message="y" * 10**6)
NOTHING = Result("exercises", [], [], None, {}, "none (in this process)")
EVERY = {"full": FULL, "attack": ATTACK, "huge": HUGE, "nothing": NOTHING}
