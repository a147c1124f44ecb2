"""Measure submissions, one after the other: a job a line on standard input, each answer in a file of its own.

`python -m grading.classroom.gradebook.grade_one FOLDER`. Torch, the suites and the sandbox's server are loaded once.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grading.classroom.gradebook.answer import Answer, Proved
from grading.classroom.gradebook.job import kata_version
from grading.machine.files import write_whole

if TYPE_CHECKING:
    from grading.experiment.networks.shared_training import SharedTraining
    from grading.experiment.stages import Experiment, Setting


def main() -> None:
    scratch = Path(sys.argv[1])
    jobs = _jobs(scratch)
    for number, job in enumerate(jobs):
        if job["version"] != kata_version():
            text = json.dumps({"lost": "the worker runs another version of the kata"})
        elif "train_for_all" in job:
            text = _train_for_all(job)
        else:
            text = _measure(job, scratch)
        write_whole(scratch / f"answer-{number}.json", text)


def _jobs(scratch: Path) -> Iterator[dict[str, Any]]:
    """Jobs as they come. A thread reads them, so that the end of the input is seen in the middle of one as well."""
    from queue import Queue

    lines: Queue[bytes] = Queue()

    def listen() -> None:
        text = b""
        while piece := os.read(0, 1 << 20):
            *whole, text = (text + piece).split(b"\n")
            for line in whole:
                lines.put(line)
        _end(scratch)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        yield json.loads(lines.get())


def _end(scratch: Path) -> None:
    """Whoever gave the jobs is gone, or asks for an end: leave nothing behind, not even children."""
    sandbox = sys.modules.get("grading.isolation.sandbox")
    if sandbox:
        sandbox.close_servers()
    shutil.rmtree(scratch.parent, ignore_errors=True)
    os._exit(1)


def _train_for_all(job: dict[str, Any]) -> str:
    from grading.experiment.networks.shared_training import share

    path = Path(job["train_for_all"])
    part = path.with_name(f".{path.name}.part")
    try:
        share(_setting(job)).save(part)
        part.replace(path)
    except OSError as error:
        return json.dumps({"lost": f"{path}: cannot be written ({error.strerror or error})"})
    return json.dumps({})


def _setting(job: dict[str, Any]) -> Setting:
    from grading.experiment.networks.training import RECIPES, Recipe
    from grading.experiment.stages import Setting

    RECIPES[job["setting"]["recipe"]] = Recipe(**job["recipe"])
    return Setting(**job["setting"])


@cache
def _shared(path: str, setting: Setting) -> SharedTraining | None:
    from grading.experiment.networks.shared_training import load, share

    return load(Path(path), setting) or share(setting)  # on a machine that does not see the path


def _measure(job: dict[str, Any], scratch: Path) -> str:
    from grading.submission.errors import UsageError

    folder, until = scratch / "submission", time.monotonic() + job["deadline"]
    shutil.rmtree(folder, ignore_errors=True)
    try:
        _unpack(job["files"], folder)
        answer = json.loads(_graded(job, folder).to_json()) if job["files"] else {}
        if job["tests"]:
            _unpack(job["tests"], folder / "tests")
            answer |= json.loads(_proved(job, folder, until).to_json())
    except UsageError as error:
        return json.dumps({"lost": str(error)})
    return json.dumps(answer)


def _unpack(files: dict[str, str], folder: Path) -> None:
    folder.mkdir()
    for name, content in files.items():
        (folder / Path(name).name).write_bytes(base64.b64decode(content))


def _graded(job: dict[str, Any], folder: Path) -> Answer:
    from grading.grade.grade import grade

    setting = _setting(job)
    shared = _shared(job["shared"], setting) if job["shared"] else None
    graded = grade(folder, setting, sandbox=job["sandbox"], deadline=job["deadline"], shared=shared)
    if graded.result.cut_short:
        graded.result.settings["deadline"] = job["deadline"]
    from grading.pictures.thumbnail import thumbnail

    try:
        return Answer(graded.result, pieces(graded.experiment), thumbnail(graded.experiment))
    except Exception:  # points that no picture can be drawn of, say: the grade outlives its report
        return Answer(graded.result, {"clouds": {}, "loss": "", "player": ""}, b"")


def _proved(job: dict[str, Any], folder: Path, until: float) -> Proved:
    """The submission's own tests; they have what the measurement has left of the time."""
    from grading.grade.proofs import proofs
    from grading.isolation import server

    tier = str(server(job["sandbox"]))
    found = proofs(folder, tier, job["sandbox"], wanted=True, until=until)
    return Proved(found, tier, job["deadline"] if time.monotonic() > until else None)


def pieces(experiment: Experiment) -> dict[str, Any]:
    """What is drawn on a report's page, as HTML; the page itself is made where the points are given."""
    from grading.pictures.player import player_of
    from grading.reports import clouds_of, loss_of

    return {"clouds": clouds_of(experiment), "loss": loss_of(experiment), "player": player_of(experiment)}


if __name__ == "__main__":
    main()
