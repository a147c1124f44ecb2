"""The student's repository: stubs made fresh from the solutions, suites, grader, workflows; no solutions.

The copy holds the grader whole, and with it the closed forms that the suites compare with and the catalogue of wrong
formulas. Whoever wants to can read the answers there, as in any textbook: a suite that runs on the student's machine
must know what is right. What a grade is worth rests on the instructor running it again.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from grading.submission.contract import MODULES
from grading.submission.errors import UsageError
from grading.submission.implementation import ROOT
from grading.submission.katas import REQUIRED, in_words, katas, required
from grading.submission.signatures import RELEASED
from grading.submission.stubs import pristine

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TEMPLATES = Path(__file__).with_name("templates")
WHOLE = (".devcontainer", ".vscode", "grading")  # folders, as they are
FILES = (
    *(".gitignore", "LICENSE", "conftest.py", "constraints.txt", "pyproject.toml"),
    *("exercises/__init__.py", "exercises/katas.toml", "exercises/ddpm_ddim.ipynb"),
)
TABLE = "exercises/katas.toml"
PICTURE = ".github/reverse_process.gif"


def release_student(folder: Path, hints: bool = True) -> list[str]:
    """Write the student's repository to a folder that is not there yet, or is empty; return the files' names.

    Without `hints` the third of each task, which is nearly the code, is left out.

    A folder with nothing but `.git` in it counts as empty: that is how a new repository looks.

    Raises:
        UsageError (a ValueError): the folder holds something, cannot be made, or there are no solutions to stub.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: that is a file; give a folder that is empty or not there yet")
    if folder.exists() and any(entry.name != ".git" for entry in folder.iterdir()):
        raise UsageError(f"{folder}: that folder is not empty; give one that is empty or not there yet")
    files = student_files(hints)
    try:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror}); give another folder") from None
    return list(files)


def student_files(hints: bool = True) -> dict[str, bytes]:
    """Everything in the student's repository, by its path there. Nothing is taken that is not named here."""
    if not (ROOT / "solutions").is_dir():
        raise UsageError("this copy of the kata has no solutions/ to make stubs of; release from the instructor's own")
    chosen = [path for folder in WHOLE if (ROOT / folder).is_dir() for path in (ROOT / folder).rglob("*")]
    chosen += [*(ROOT / "tests").glob("*.py"), *(ROOT / name for name in (*FILES, PICTURE))]
    files = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in chosen if path.is_file() and _ours(path)}
    for module in MODULES:
        made = pristine(module).encode()
        files |= {f"exercises/{module}.py": made, f"{RELEASED.relative_to(ROOT).as_posix()}/{module}.txt": made}
    files["pyproject.toml"] = files["pyproject.toml"].replace(b'["grading", "solutions"]', b'["grading"]')
    if not hints:
        files[TABLE] = without_third_hints(files[TABLE].decode()).encode()
    files[".gitlab-ci.yml"] = (TEMPLATES / "student" / "gitlab-ci.yml").read_bytes()
    for name in ("kata.yml", "pull-request.yml"):
        files[f".github/workflows/{name}"] = (TEMPLATES / "student" / name).read_bytes()
    files["README.md"] = _readme(PICTURE in files).encode()
    return dict(sorted(files.items()))


def without_third_hints(table: str) -> str:
    """The table of katas with two hints for each task: a third one is a line, or a block between triple quotes."""
    third = {task.hints[2] for kata in katas() for task in kata.tasks if len(task.hints) > 2}
    for hint in third:
        for quotes in ("'''", '"""'):
            table = re.sub(rf"[ \t]*{quotes}\n?{re.escape(hint)}{quotes},?[ \t]*\n", "", table)
    return "".join(line for line in table.splitlines(keepends=True) if _quoted(line) not in third)


def _quoted(line: str) -> str | None:
    """The text that a line of a TOML list consists of."""
    try:
        values = tomllib.loads(f"x = [{line.strip()}]")["x"]
    except tomllib.TOMLDecodeError:
        return None
    return values[0] if len(values) == 1 and isinstance(values[0], str) else None


def _ours(path: Path) -> bool:
    """Whether a file belongs to the project: no cache, no editor's leftover."""
    parts = path.relative_to(ROOT).parts
    return "__pycache__" not in parts and path.suffix != ".pyc" and not path.name.endswith(("~", ".swp", ".orig"))


def _readme(pictured: bool) -> str:
    rows = [
        f"| {kata.number} | [`exercises/{kata.module}.py`](exercises/{kata.module}.py) | {kata.title} | {kata.idea} |"
        for kata in katas()
    ]
    picture = f"![From noise to a Swiss roll, step by step]({PICTURE})\n\n" if pictured else ""
    text = (TEMPLATES / "student" / "README.md").read_text(encoding="utf-8")
    counts = {"TASKS": in_words(len(required())), "FILES": in_words(len(REQUIRED))}
    for name, value in {"PICTURE\n\n": picture, "KATAS": "\n".join(rows), **counts}.items():
        text = text.replace(name, value)
    return text
