"""One run of pytest: whose code it tests, which of the options make sense, and whether it guides a learner."""

from __future__ import annotations

import os

import pytest

from grading.submission.errors import UsageError
from grading.submission.folders import ROOT, find
from grading.submission.katas import task
from grading.suites import board
from grading.suites.terminal import brief

OWN = "exercises"


class Run:
    """What this session knows: whose code it tests, whether the project's own tests were named, whether to guide."""

    def __init__(self, config: pytest.Config) -> None:
        given = config.getoption("impl") or os.environ.get("KATA_IMPL") or ""
        self.impl = "" if given == OWN else given
        self.folder = find(given or OWN)
        self.project = any("harness" in str(argument) for argument in config.args)
        everything = given or config.getoption("run_all") or config.getoption("task") or self.project
        self.guided = config.getoption("guide") or not everything
        self.brief = brief(config, self.impl, self.project)
        self.outcomes: list[board.Outcome] = []

    @property
    def failed(self) -> list[board.Outcome]:
        return [outcome for outcome in self.outcomes if outcome.status == "failed"]


def test_from_below(config: pytest.Config) -> None:
    """Plain `pytest` within exercises/ means the same as within the folder above."""
    here = config.invocation_params.dir
    nothing_named = config.args_source is config.ArgsSource.INVOCATION_DIR
    if nothing_named and here.is_relative_to(ROOT) and not here.is_relative_to(ROOT / "tests"):
        config.args = [str(file) for file in sorted((ROOT / "tests").glob("test_*.py"))]


def settle(config: pytest.Config) -> None:
    """Make up for pyproject.toml where pytest has not read it: `pytest --impl ../elsewhere` takes that for the root."""
    if config.rootpath != ROOT:
        config.addinivalue_line("markers", "task(id): the task of the kata that a test belongs to, such as 2.1")
        config.addinivalue_line("markers", "gpu: needs a CUDA device")


def check(config: pytest.Config) -> None:
    """Raise UsageError for an option with a value that means nothing."""
    if config.getoption("task"):
        task(config.getoption("task"))
    _check_device(config.getoption("device"))
    _check_sandbox(config.getoption("sandbox"), config.getoption("isolated"))


def _check_sandbox(sandbox: str, isolated: bool) -> None:
    from grading.isolation.sandbox import CHOICES, server

    if sandbox not in CHOICES:
        raise UsageError(f"--sandbox {sandbox}: give one of {', '.join(CHOICES)}")
    if isolated:
        server(sandbox)  # started here, and used by every test: where it cannot be had, say so before the first


def _check_device(device: str) -> None:
    if device not in ("cpu", "cuda"):
        raise UsageError(f"--device {device}: give cpu or cuda")
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise UsageError("--device cuda: torch finds no CUDA device here; leave --device out to use the CPU")
