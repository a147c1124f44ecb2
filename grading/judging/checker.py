"""The checker that a test of the suites talks to: `kata(x0, t, schedule, noise).gives(expected, "DDPM eq. 4")`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from grading.judging.compare import EXACT, number
from grading.judging.failure import Failure, quoted
from grading.judging.observation import Observation
from grading.judging.observations import (
    Probe,
    carefully,
    changed_in_place,
    elsewhere,
    in_float64,
    seen_as_tensor,
)
from grading.judging.rounding import float32_error_of
from grading.submission.contract import NoiseSchedule, bind, linear_schedule
from grading.submission.errors import Frame, SubmissionError
from grading.submission.katas import Task
from grading.submission.pretended import Remark

REFUSED = "raises ValueError, with a sentence"


@dataclass(frozen=True)
class Checker:
    """One task of one implementation, ready to be called and judged.

    Attributes:
        implementation: the object with the functions of the contract.
        task: the task under test.
        device: where inputs are made: `cpu` or `cuda`.
        impl: what --impl was given, for the command line shown; empty for the student's own.
        seed: shifts every random number that `randn` draws.
        remarks: the lines that work, and would make a GPU wait.
    """

    implementation: Any
    task: Task
    device: str = "cpu"
    impl: str = ""
    seed: int = 0
    remarks: list[Remark] = field(default_factory=list)

    @property
    def function(self) -> Callable:
        return getattr(self.implementation, self.task.function)

    def __call__(self, *args: Any, **kwargs: Any) -> Observation:
        """Call the task's function; `.gives(...)` says what must come back."""
        function, given = self.task.function, bind(self.task.function, args, kwargs)
        where = ", ".join(f"{k}={v}" for k, v in given.items() if type(v) is int)
        asked = Observation(self, lambda f: carefully(f)(*args, **kwargs), shown_call(function, args, kwargs), where)
        return replace(asked, error=lambda: float32_error_of(function, given))

    def probe(self, seen: str, probe: Probe) -> Observation:
        """Look at something other than the returned value: `probe(function)` calls it and returns what it saw."""
        return Observation(self, lambda f: probe(carefully(f)), seen, "")

    def double(self, *args: Any, **kwargs: Any) -> Observation:
        """Call the task's function while torch's default dtype is float64, where a slip cannot hide in the rounding."""
        plain = self(*args, **kwargs)
        return replace(plain, probe=lambda f: in_float64(plain.probe, f), default=torch.float64)

    def elsewhere(self, *args: Any, **kwargs: Any) -> Observation:
        """Call the task's function as if its arguments lay on a GPU: what fails there fails, what waits is a remark."""

        def asked(f: Callable) -> Any:
            value, remarks = elsewhere(f, *args, **kwargs)
            self.remarks.extend(remarks)
            return seen_as_tensor(value)

        return Observation(self, asked, shown_call(self.task.function, args, kwargs), "", elsewhere=True)

    def untouched(self, *args: Any, **kwargs: Any) -> Observation:
        """Call the task's function and name the arguments whose values have changed, each of them in a sentence."""

        def probe(f: Callable) -> str:
            names = changed_in_place(self.task.function, f, args, kwargs)
            return "; ".join(f"{name} is changed in place" for name in names) or "nothing is changed in place"

        def where() -> tuple[Frame, ...]:
            """torch refuses to overwrite a tensor whose entries share one place in memory, and so shows the line."""
            named = {k: _in_one_place(v) for k, v in bind(self.task.function, args, kwargs).items()}
            try:
                self.function(**named)
            except SubmissionError as error:
                return error.frames if "single memory location" in error.message else ()
            return ()

        return Observation(self, probe, shown_call(self.task.function, args, kwargs), "", of_form=True, locate=where)

    def refuses(self, given: dict[str, Any], wrong: dict[str, Any]) -> None:
        """Raise Failure unless right arguments are taken, and wrong ones raise a ValueError with a sentence."""
        self.function(**given)
        call = shown_call(self.task.function, (), given | wrong)

        def turned_away(f: Callable) -> str:
            try:
                f(**given | wrong)
            except SubmissionError as error:
                return REFUSED if re.match(r"ValueError: .*\w \w", error.message) else f"raises {error.message}"
            return "raises nothing"

        Observation(self, turned_away, call, "").gives(
            REFUSED, "the docstring's Raises; the check was given in the stub"
        )

    def paper(self, dtype: torch.dtype) -> NoiseSchedule:
        """The schedule of the papers, a thousand steps, on the device under test."""
        return linear_schedule(device=self.device, dtype=dtype)

    def randn(self, *shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
        """Standard normal numbers of their own generator."""
        return torch.randn(*shape, generator=self.generator(seed + sum(shape), "cpu"), dtype=dtype).to(self.device)

    def generator(self, seed: int = 0, device: str | None = None) -> torch.Generator:
        """A generator of its own, on the device under test, shifted by --seed."""
        return torch.Generator(device or self.device).manual_seed(100_003 * self.seed + seed)

    def on(self, placed: Any) -> Any:
        """A copy of a tensor or a schedule on the device under test: what one test's call changes spoils no other."""
        return placed.to(device=self.device, copy=True)

    def wrong_under(
        self, problem: Any, given: dict[str, Any], only: str, tried: str, source: str, default: str = "float32"
    ) -> Failure:
        """The Failure of a call that goes wrong under a condition: `only for a batch of 300`."""
        call, dtype = shown_call(self.task.function, (), given), getattr(torch, default)
        asked = Observation(self, lambda f: None, call, "", only=only, tried=tried, default=dtype)
        if isinstance(problem, SubmissionError):
            return asked._error(problem)
        return asked._failure(problem, None, source, EXACT)

    def fail(
        self, problem: str, *lines: tuple[str, str], kind: str = "wrong", misconception: str | None = None
    ) -> Failure:
        """Make the failure that a student reads."""
        task, impl = self.task, f"--impl {quoted(self.impl)} " if self.impl else ""
        ending = [("hint", f"kata hint {task.id}"), ("again", f"pytest {impl}--task {task.id}")]
        headline = f"{task.id} {task.function}: {problem}"
        return Failure(task.id, headline, kind, [*lines, *ending], misconception)


def _in_one_place(value: Any) -> Any:
    """A tensor of the same shape whose entries are all one number in memory; anything else as it is."""
    if not isinstance(value, Tensor) or not value.is_floating_point() or value.numel() == 0:
        return value
    return value.flatten()[:1].clone().expand(value.shape)


def shown_call(function: str, args: tuple, kwargs: dict) -> str:
    """ddim_step(x_t (64, 2), t=40, t_prev=20, eps (64, 2), schedule, eta=0.0)"""
    return f"{function}({', '.join(_shown(*item) for item in bind(function, args, kwargs).items())})"


def _shown(name: str, value: Any) -> str:
    if name == "schedule" and hasattr(value, "betas"):
        return f"schedule (T={len(value.betas)})"
    if isinstance(value, Tensor):
        small = value.numel() <= 4 and value.ndim == 1
        entries = ", ".join(number(v) for v in value.tolist()) if small else ""
        return f"{name} [{entries}]" if small else f"{name} {tuple(value.shape)}"
    if value is None or isinstance(value, (bool, int, float, str)):
        return f"{name}={value}"
    return name
