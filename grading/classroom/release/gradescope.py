"""An autograder for Gradescope: a zip with setup.sh, run_autograder and the kata, to be uploaded as it is."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from grading.classroom.release.student import TEMPLATES, student_files
from grading.experiment.stages import Setting
from grading.grade.rubric import load_rubric, rubric_file
from grading.submission.errors import UsageError

SCRIPTS = ("setup.sh", "run_autograder")
TERMS, RUBRIC = "autograder.json", "autograder_rubric.toml"  # beside the kata's README, for autograder.py
LONG_AGO = (2000, 1, 1, 0, 0, 0)  # the same content makes the same zip


def release_gradescope(
    file: Path, *, rubric: Path | None = None, dataset: str = "swiss_roll", recipe: str = "kata", seed: int = 0
) -> None:
    """Write the zip. Rubric, data set, recipe and seed go into it; students need not know them.

    Raises:
        UsageError (a ValueError): the file is no place for a zip, or a setting makes no sense.
    """
    if file.suffix.casefold() != ".zip":
        raise UsageError(f"{file}: give the name of a zip to write, such as autograder.zip")
    if file.is_dir() or not file.parent.is_dir():
        raise UsageError(f"{file}: cannot be written there; give a file in a folder that exists")
    Setting(dataset, recipe, seed)
    load_rubric(rubric)
    terms: dict[str, Any] = {"dataset": dataset, "recipe": recipe, "seed": seed}
    files = {f"kata/{name}": content for name, content in student_files().items() if not name.startswith(".github/")}
    files[f"kata/{TERMS}"] = json.dumps(terms).encode()
    if rubric is not None:
        files[f"kata/{RUBRIC}"] = rubric_file(rubric).read_bytes()
    files |= {name: (TEMPLATES / "gradescope" / name).read_bytes() for name in SCRIPTS}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            member = zipfile.ZipInfo(name, LONG_AGO)
            member.external_attr = (0o100755 if name in SCRIPTS else 0o100644) << 16
            archive.writestr(member, files[name], zipfile.ZIP_DEFLATED)
    try:
        file.write_bytes(content.getvalue())
    except OSError as error:
        raise UsageError(f"{file}: cannot be written ({error.strerror})") from None
