"""The few files that a child needs, copied to a folder of their own, without a formula or an expectation among them."""

from __future__ import annotations

import shutil
from pathlib import Path

from grading.submission import katas

HERE = Path(__file__).resolve().parent
SHARED = ("errors", "call_limit", "loader", "folders", "implementation", "device_check", "pretended", "global_state")
CHILD = ("protocol", "values", "crossed", "child", "server", "confine", "seccomp")
PROVING = ("bounds", "pytest_run", "sandboxed_session")  # a student's tests, which ask the parent for every answer
TABLES = ("FUNCTIONS", "MODULES", "MODULE_OF", "REQUIRED")
NAMES = "ROOT = in_words = None\n"  # what folders.py imports, and nobody asks a child for
SCHEDULE = """
from typing import NamedTuple
from torch import Tensor

class NoiseSchedule(NamedTuple):
    betas: Tensor
    alphas: Tensor
    alphas_cumprod: Tensor
"""


def write_runtime(folder: Path) -> Path:
    """Write the child's package `grading` below a folder; return the path of the server's script.

    The child's table of tasks is the bare names, its fallbacks are questions to the parent: none of the grader's
    formulas is in the child, on disk or in memory.
    """
    package = folder / "grading"
    isolation, submission, proving = (package / room for room in ("isolation", "submission", "proving"))
    for room in (package, isolation, submission, proving):
        room.mkdir(parents=True)
        (room / "__init__.py").write_text("", encoding="utf-8")
    for name in SHARED:
        shutil.copyfile(HERE.parent / "submission" / f"{name}.py", submission / f"{name}.py")
    for name in CHILD:
        shutil.copyfile(HERE / f"{name}.py", isolation / f"{name}.py")
    for name in PROVING:
        shutil.copyfile(HERE.parent / "proving" / f"{name}.py", proving / f"{name}.py")
    shutil.copyfile(HERE / "fallbacks_asked.py", submission / "fallbacks.py")
    names = "\n".join(f"{table} = {getattr(katas, table)!r}" for table in TABLES)
    (submission / "contract.py").write_text(SCHEDULE, encoding="utf-8")
    (submission / "katas.py").write_text(NAMES + names + "\n", encoding="utf-8")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return isolation / "server.py"
