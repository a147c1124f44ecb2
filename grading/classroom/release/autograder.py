"""What Gradescope's run_autograder runs: `python -m grading.classroom.release.autograder SUBMISSION RESULTS`."""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from pathlib import Path

from grading.classroom.collect.choose import NotASubmission, take_from
from grading.classroom.release.gradescope import RUBRIC, TERMS
from grading.experiment.stages import Setting
from grading.grade.grade import grade
from grading.grade.rubric import load_rubric
from grading.isolation import close_servers
from grading.machine.files import write_whole
from grading.reports import zero_until_graded
from grading.reports.gradescope import gradescope
from grading.submission.errors import UsageError
from grading.submission.implementation import ROOT

DEADLINE = 480.0  # seconds; Gradescope ends everything after 600, starting up and reporting included


def run(submission: Path, results: Path) -> None:
    """Grade what a student uploaded: the modules, at the top or in one folder, with tests/. Writes results.json.

    Raises:
        UsageError (a ValueError): it cannot be graded; results.json says why, with zero points.
    """
    with zero_until_graded(results, ["gradescope"]), tempfile.TemporaryDirectory() as scratch:
        try:
            taken = take_from(submission.resolve())
        except NotASubmission as problem:
            raise UsageError(str(problem)) from None
        folder = Path(scratch) / "submission"
        folder.mkdir()
        terms = json.loads((ROOT / TERMS).read_text(encoding="utf-8"))
        rubric = load_rubric(ROOT / RUBRIC if (ROOT / RUBRIC).exists() else None)
        tests = {f"tests/{name}": content for name, content in taken.tests.items() if rubric.prove}
        for name, content in (taken.files | tests).items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
        graded = grade(folder, Setting(**terms), rubric, deadline=DEADLINE)
        write_whole(results / "results.json", gradescope(graded.result, notes=taken.notes))
        close_servers()  # their memory is free before a picture is drawn
        with contextlib.suppress(Exception):  # a grade outlives its picture
            from grading.pictures.thumbnail import thumbnail

            picture = thumbnail(graded.experiment)
            write_whole(results / "results.json", gradescope(graded.result, picture, taken.notes))
    print(f"{graded.result.points:g} of {graded.result.max_points:g} points")


if __name__ == "__main__":
    try:
        run(Path(sys.argv[1]), Path(sys.argv[2]))
    except UsageError as error:
        print(f"not graded: {error}")
