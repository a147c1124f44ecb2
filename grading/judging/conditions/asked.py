"""Ask a function under every condition, and say under which it fails: `wrong value, only for a batch of 300`."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from grading.judging.compare import EXACT, SINGLE, Mismatch, mismatch, same
from grading.judging.conditions.arguments import arguments
from grading.judging.conditions.factors import Row, factors, least, plain, rows, said
from grading.judging.observations import in_default_dtype, seen_as_tensor
from grading.judging.rounding import exactly, float32_error, right_in_float32
from grading.judging.step_rules import by_own_q_sample
from grading.submission.contract import NoiseSchedule
from grading.submission.errors import SubmissionError

HOPELESS = ("todo", "load", "timeout", "gone")  # not asked again
TABLES = NoiseSchedule._fields
# A call with other arguments, before the one that is judged; what it leaves behind must not be seen.
OTHER: Row = {
    "schedule": "another T = 10",
    "num_timesteps": 11,
    "order of t": "sorted",
    "step": "t = T - 1",
}

Due = Callable[..., Any]
Problem = Mismatch | SubmissionError | None


class Asked:
    """One function, asked in rows of conditions.

    Attributes:
        kata: the checker of its task.
        due: the closed form of the answer, for float64 arguments; a class of its own judges what has none.
        source: where that comes from.
    """

    def __init__(self, kata: Any, due: Due, source: str) -> None:
        self.kata, self.due, self.source = kata, due, source
        self.name = kata.task.function

    def under_every_condition(self) -> None:
        """Raise Failure at the first row that goes wrong, with what it takes to go wrong."""
        for row in rows(self.name):
            problem = self.problem(row)
            if problem is not None:
                self.fail(row, problem)

    def problem(self, row: Row) -> Problem:
        """What is wrong with the answer to a row; None if nothing."""
        dtype = getattr(torch, row.get("default dtype", "float32"))
        return in_default_dtype(dtype, lambda: self._problem(row))

    def _problem(self, row: Row) -> Problem:
        try:
            kept = None
            if row["when"] != "first":
                other = row | {k: v for k, v in OTHER.items() if k in row and row["when"] == "after another"}
                before = self.kata.function(**arguments(self.name, other, self.kata))
                kept = before, copied(before)
                if "batch" in row and row["when"] == "after another":
                    self.call(arguments(self.name, other | {"batch": 7}, self.kata))
            given = arguments(self.name, row, self.kata)
            versions = _versions(given)
            seen = self.call(given)
            if kept and not same(seen_as_tensor(kept[0]), kept[1]):
                return sentence("the answer of an earlier call changes", "a new answer for each call")
            changed = [name for name, version in _versions(given).items() if version != versions[name]]
            if changed:
                return sentence(f"{changed[0]} is changed in place", "inputs never change")
            return self.judge(seen, given, row)
        except SubmissionError as error:
            return error
        except (TypeError, ValueError, RuntimeError, AttributeError, IndexError) as error:
            return sentence(f"what came back cannot be used: {error}", "a usable answer")

    def call(self, given: dict[str, Any]) -> Any:
        return seen_as_tensor(self.kata.function(**given))

    def judge(self, seen: Any, given: dict[str, Any], row: Row) -> Problem:
        expected, exact = self.expected(given)
        found = judged(seen, expected, row.get("size", 1.0), lambda: float32_error(self.due, exact))
        own = by_own_q_sample(self.kata.implementation, exact) if found and self.name == "ddpm_loss" else None
        if own is not None and mismatch(seen, own.to(expected.dtype), SINGLE) is None:
            return None  # a slip in q_sample costs its own task alone
        return found or (self._gradient(seen, given) if "model" in given else None)

    def _gradient(self, seen: Tensor, given: dict[str, Any]) -> Problem:
        """What is wrong with the gradient that reaches the model, where the answer is right."""
        if not seen.requires_grad:
            return sentence("no gradient reaches the model", "a loss that can be followed back")
        weight = given["model"].weight
        seen.backward()
        answer, weight.grad = weight.grad, None
        (slope,) = torch.autograd.grad(self.due(**given), weight)
        if answer is None or not torch.allclose(answer, slope, rtol=1e-3, atol=1e-4 * float(slope.abs() + 1)):
            return sentence("a wrong gradient reaches the model", "the derivative of the mean square")
        return None

    def expected(self, given: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The closed form for the arguments given, in the dtype that is due; and the arguments in float64."""
        exact = {name: exactly(value) for name, value in given.items()}
        due = self.due(**exact)
        return (due.to(_dtype(given)) if isinstance(due, Tensor) else due), exact

    def fail(self, row: Row, problem: Mismatch | SubmissionError) -> None:
        """Raise the Failure of a row that has gone wrong, with what it takes to go wrong."""
        hopeless = isinstance(problem, SubmissionError) and problem.kind in HOPELESS
        again = None if hopeless else self.problem(row)
        needed = {} if again is None else least(self.name, row, lambda r: self.problem(r) is not None)
        if again is not None:
            row = plain(self.name) | needed
            problem = self.problem(row) or problem
        if isinstance(problem, Mismatch) and problem.problem == "wrong value":
            from grading.judging.conditions.state import remembers  # which asks in the ways of this module

            first = row | {"when": "first"}
            remembers(self.kata, lambda kata: type(self)(kata, self.due, self.source).problem(first) is not None)
        raise self.kata.wrong_under(
            problem,
            arguments(self.name, row, self.kata),
            said(self.name, needed) if again is not None or hopeless else "only now and then: asked again, it is right",
            self.tried(row, needed),
            self.source,
            row.get("default dtype", "float32"),
        )

    def tried(self, row: Row, needed: Row) -> str:
        """Where one factor alone decides: with which of its ways it goes wrong, and with which right."""
        if len(needed) != 1:
            return ""
        (name,) = needed
        ways = next(factor.ways for factor in factors(self.name) if factor.name == name)
        if len(ways) < 3:
            return ""
        wrong = [way for way in ways if self.problem(row | {name: way}) is not None]
        right = [way for way in ways if way not in wrong]
        return f"{name}: wrong with {_listed(wrong)}; right with {_listed(right)}" if wrong and right else ""


def judged(seen: Any, expected: Any, size: float, error: Callable[[], Tensor | None]) -> Mismatch | None:
    """Compare as closely as float64 allows; where that fails, as closely as float32 does."""
    tolerance = EXACT._replace(atol=EXACT.atol * size)
    found = mismatch(seen, expected, tolerance)
    return None if found is None or right_in_float32(found, seen, expected, tolerance, error) else found


def copied(answer: Any) -> Any:
    """An answer as it is now, whatever becomes of it."""
    return copy.deepcopy(seen.detach() if isinstance(seen := seen_as_tensor(answer), Tensor) else seen)


def sentence(problem: str, expected: str) -> Mismatch:
    return Mismatch(problem, problem, expected)


def _listed(ways: list) -> str:
    return ", ".join(str(way) for way in ways)


def _versions(given: dict[str, Any]) -> dict[str, int]:
    """How often each tensor has been written to."""
    found = {}
    for name, value in given.items():
        if isinstance(value, Tensor):
            found[name] = value._version
        elif isinstance(value, NoiseSchedule):
            found |= {f"schedule.{table}": getattr(value, table)._version for table in TABLES}
    return found


def _dtype(given: dict[str, Any]) -> torch.dtype:
    """The dtype that an answer has: that of the first tensor of numbers, or torch's default."""
    found = (v.dtype for v in given.values() if isinstance(v, Tensor) and v.is_floating_point())
    return next(found, torch.get_default_dtype())
