"""kata doctor: what is installed, and what to do where something is amiss."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import typer

from grading.cli import app
from grading.cli.screen import Screen
from grading.judging.failure import WIDTH
from grading.submission.katas import REQUIRED, ROOT, in_words, tasks

FIXED = ("tests", "grading", "conftest.py", "pyproject.toml", "exercises/katas.toml")
FREE_GB = 1.0
INDENT = " " * 17


class Finding(NamedTuple):
    """One thing looked at: `ok`, `note` (works, but worth knowing) or `problem`, and what to do about it."""

    state: str
    what: str
    found: str
    do: str = ""


@app.command(short_help="Look at what the kata needs, and what to do about it.")
def doctor() -> None:
    """Look at everything that the kata needs, and say what to do where something is amiss.

    The exit code is 1 where something must be put right. Takes a few seconds: it tries the sandbox out.

    Example: kata doctor
    """
    screen, marks = Screen(), {"ok": ("+", "green"), "note": (".", "yellow"), "problem": ("x", "red")}
    problems = 0
    for look in (_python, _packages, _torch, _sandbox, _machine, _files):
        for finding in look():
            mark, colour = marks[finding.state]
            screen.write(f"  {mark} ", bold=True, **{colour: True})
            screen.write_line(_wrapped(f"{finding.what:<12} {finding.found}").lstrip())
            if finding.do:
                screen.write_line(textwrap.indent(textwrap.fill(finding.do, WIDTH - len(INDENT)), INDENT))
            problems += finding.state == "problem"
    screen.write_line("  + fine   . works, worth knowing   x put this right" if problems else "  Nothing to put right.")
    raise typer.Exit(problems > 0)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent="    ", subsequent_indent=INDENT, break_on_hyphens=False)


def _python() -> Iterator[Finding]:
    own = f"{platform.python_version()} ({sys.executable})"
    if sys.prefix == sys.base_prefix:
        yield Finding("note", "python", own, "No virtual environment: other projects' packages may get in the way.")
    else:
        yield Finding("ok", "python", own)


def _packages() -> Iterator[Finding]:
    """Each requirement of pyproject.toml against what is installed."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(text) for text in metadata.requires("diffusion-kata") or []]
    except metadata.PackageNotFoundError:
        yield Finding("problem", "packages", "the kata itself is not installed", INSTALL)
        return
    needed = [r for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})]
    wrong = []
    for requirement in needed:
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} is {version}, but {requirement.specifier} is needed")
    if wrong:
        yield Finding("problem", "packages", "; ".join(wrong), INSTALL)
    else:
        shown = ", ".join(f"{name} {metadata.version(name)}" for name in ("pytest", "hypothesis", "numpy", "scipy"))
        yield Finding("ok", "packages", f"all {len(needed)}, such as {shown}")


INSTALL = "pip install -c constraints.txt -e ."


def _torch() -> Iterator[Finding]:
    try:
        import torch
    except ImportError as error:
        yield Finding("problem", "torch", f"cannot be imported: {error}", INSTALL)
        return
    pinned = re.search(r"(?m)^torch==(\S+)", _text(ROOT / "constraints.txt"))
    version = torch.__version__
    if pinned and version.partition("+")[0] != pinned[1]:
        found = f"{version}; the figures in the README were measured with {pinned[1]}"
        yield Finding("note", "torch", found, "Any version from 2.4 on will do.")
    else:
        yield Finding("ok", "torch", version)
    if torch.cuda.is_available():
        yield Finding("ok", "device", f"{torch.cuda.get_device_name()}: use it with --device cuda")
    else:
        yield Finding("ok", "device", "cpu, which is all that the kata needs; torch finds no CUDA device")


def _sandbox() -> Iterator[Finding]:
    """The best tier that starts here. A student needs none; whoever grades does."""
    from grading.isolation.sandbox import server
    from grading.submission.errors import UsageError

    try:
        tier = str(server("auto"))
    except UsageError as error:
        advice = "Only for grading others' code: kata grade --in-process runs your own without one."
        yield Finding("note", "sandbox", str(error), advice)
        return
    if tier == "namespaces":
        yield Finding("ok", "sandbox", "namespaces, the strongest tier")
        return
    why = "bubblewrap does not start here"
    if shutil.which("bwrap") is None:
        why = "for more, install bubblewrap (Debian, Ubuntu: apt install bubblewrap)"
    yield Finding("ok" if sys.platform == "linux" else "note", "sandbox", f"{tier}; {why}")


def _machine() -> Iterator[Finding]:
    import torch

    yield Finding("ok", "threads", f"torch uses {torch.get_num_threads()} of {os.cpu_count()} cores")
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < FREE_GB:
        yield Finding("problem", "disk", f"{free:.1f} GB are free", "Make room: reports and pictures need some.")
    else:
        yield Finding("ok", "disk", f"{free:.0f} GB are free")


def _files() -> Iterator[Finding]:
    missing = [f"{module}.py" for module in REQUIRED if not (ROOT / "exercises" / f"{module}.py").exists()]
    if missing:
        first = next(task.id for task in tasks() if f"{task.module}.py" == missing[0])
        do = f"kata reset brings one back: kata reset {first}"
        yield Finding("problem", "exercises", f"missing: {', '.join(missing)}", do)
    else:
        yield Finding("ok", "exercises", f"all {in_words(len(REQUIRED))} modules are there")
    reference = (ROOT / "solutions" / f"{REQUIRED[0]}.py").exists()
    yield Finding("ok", "solutions", "in this copy: kata diff works" if reference else "not in this copy")
    changed = _changed()
    if changed is None:
        yield Finding("note", "fixed files", "no git history here, so nobody can tell whether tests were changed")
    elif changed:
        found = f"{len(changed)} changed since the last commit: {', '.join(changed[:3])}" + " ..." * (len(changed) > 3)
        do = f"You are graded with the original ones. To put one back: git checkout -- {changed[0]}"
        yield Finding("note", "fixed files", found, do)
    else:
        yield Finding("ok", "fixed files", "tests and grader are as committed")


def _changed() -> list[str] | None:
    """Files of the tests and the grader that differ from the last commit; None without git."""
    command = ["git", "-C", str(ROOT), "diff", "--name-only", "HEAD", "--", *FIXED]
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.splitlines() if done.returncode == 0 else None


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
