"""What the files of a submission are called, and how a browser, an editor or a hurried hand may spell that."""

from __future__ import annotations

import re
from pathlib import Path

from grading.proving.run import file_of, provable
from grading.submission.katas import MODULES

WANTED = {f"{module}.py" for module in MODULES}
TESTS = {file_of(Path(), task).name for task in provable()}  # the student's own, for kata prove


def repaired(name: str) -> tuple[str, int]:
    """`Q_sample (1).py.txt` -> (`q_sample.py`, 1): the name that was meant, and the number of the copy."""
    text = name.casefold().strip()
    while text.endswith((".txt", ".py.py")):
        text = text[: -len(".txt")] if text.endswith(".txt") else text[: -len(".py")]
    stem, dot, extension = text.rpartition(".")
    if not dot or extension.strip() != "py":
        return name, 0
    stem = re.sub(r"^copy of |[ _-]+copy$", "", stem.strip())
    numbered = re.fullmatch(r"(.*?)(?:\s*\((\d{1,3})\)|[\s-](\d{1,3}))", stem)
    copy = int(numbered[2] or numbered[3]) if numbered else 0
    stem = re.sub(r"[\s_-]+", "_", (numbered[1] if numbered else stem).strip())
    return f"{stem}.py", copy
