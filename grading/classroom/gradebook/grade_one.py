"""Grade one submission: a job on standard input, its answer in a file.

`python -m grading.classroom.gradebook.grade_one FOLDER`.
"""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import os
import shutil
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grading.classroom.gradebook.job import Answer, kata_version, rubric_of
from grading.files import write_whole

if TYPE_CHECKING:
    from grading.experiment.stages import Experiment


def main() -> None:
    scratch = Path(sys.argv[1])
    job = _first_line()
    threading.Thread(target=_end_with_parent, args=(scratch,), daemon=True).start()
    if job["version"] != kata_version():
        text = json.dumps({"lost": "the worker runs another version of the kata"})
    else:
        text = _grade(job, scratch)
    write_whole(scratch / "answer.json", text)


def _first_line() -> dict[str, Any]:
    text = b""
    while not text.endswith(b"\n"):
        piece = os.read(0, 1 << 20)
        if not piece:
            sys.exit("the job was cut short")
        text += piece
    return json.loads(text)


def _end_with_parent(scratch: Path) -> None:
    """Wait until whoever gave the job is gone, or asks for an end; then leave nothing behind, not even children."""
    while os.read(0, 1):
        pass
    sandbox = sys.modules.get("grading.isolation.sandbox")
    if sandbox:
        sandbox.close_servers()
    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(1)


def _grade(job: dict[str, Any], scratch: Path) -> str:
    from grading.experiment.stages import Setting
    from grading.experiment.training import RECIPES, Recipe
    from grading.grade.grade import grade
    from grading.reports import write_report
    from grading.submission.errors import UsageError

    folder = scratch / "submission"
    folder.mkdir()
    for name, content in job["files"].items():
        (folder / Path(name).name).write_bytes(base64.b64decode(content))
    RECIPES[job["setting"]["recipe"]] = Recipe(**job["recipe"])
    try:
        how = {"sandbox": job["sandbox"], "deadline": job["deadline"]}
        graded = grade(folder, Setting(**job["setting"]), rubric_of(job["rubric"]), **how)
    except UsageError as error:
        return json.dumps({"lost": str(error)})
    graded = dataclasses.replace(graded, result=dataclasses.replace(graded.result, impl=job["name"]))
    try:
        report = scratch / "report"
        page = write_report(graded, report).relative_to(report).as_posix()
        files = {
            path.relative_to(report).as_posix(): path.read_bytes()
            for path in report.rglob("*")
            if path.is_file() and path.name != "result.json"
        }
        return Answer(graded.result, page, files, thumbnail(graded.experiment)).to_json()
    except Exception:  # points that no picture can be drawn of, say: the grade outlives its report
        return Answer(graded.result, "", {}, b"").to_json()


def thumbnail(experiment: Experiment) -> bytes:
    """A PNG of 200 x 100 pixels: what DDPM and DDIM drew, over the data; nothing where neither drew."""
    from matplotlib.figure import Figure

    from grading.pictures.style import DDIM, DDPM, PALE

    drawn = [part.samples for part in (experiment.ddpm, experiment.ddim)]
    if all(samples is None for samples in drawn):
        return b""
    figure = Figure(figsize=(2, 1), dpi=100)
    for number, samples in enumerate(drawn):
        axes = figure.add_axes((number / 2, 0, 0.5, 1))
        axes.set_axis_off()
        for points, colour in ((experiment.data, PALE), (samples, (DDPM, DDIM)[number])):
            if points is not None:
                axes.scatter(points[:1024, 0], points[:1024, 1], s=1, c=colour, linewidths=0)
        reach = 1.15 * float(experiment.data.abs().max())
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


if __name__ == "__main__":
    main()
