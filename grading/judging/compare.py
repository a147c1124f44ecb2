"""Compare what came back with what was expected: type, shape, dtype, device, finite, value, in that order."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Tolerance(NamedTuple):
    """got and expected agree where |got - expected| <= atol + rtol |expected|."""

    rtol: float
    atol: float


# Two right forms of one equation differ by 1e-12 or so in float64; a wrong one, on the coarse schedules that the suites
# use, by 1e-3 or more. In between there is room for a 1e-8 that somebody adds under a root.
EXACT = Tolerance(rtol=1e-5, atol=1e-6)
# float32 carries 7 digits, and 1 - alpha_bar loses 4 of them near t = 0.
SINGLE = Tolerance(rtol=1e-3, atol=1e-4)


@dataclass(frozen=True)
class Mismatch:
    """What differs (`wrong shape`, or a sentence that was seen), and what to print of either side."""

    problem: str
    got: str
    expected: str


class Sentence(str):
    """What a probe has to say where no value can be seen; no submission can return one."""


def mismatch(got: Any, expected: Any, tolerance: Tolerance = EXACT) -> Mismatch | None:
    """Say how `got` differs from `expected` (a Tensor, a list of int, a number, a string), or None if it does not."""
    if type(got) is Sentence:
        other = expected if isinstance(expected, str) else kind(expected)
        return None if got == expected else Mismatch(got, got, other)
    if isinstance(expected, Tensor):
        return _tensor_mismatch(got, expected, tolerance)
    if isinstance(expected, list):
        return _list_mismatch(got, expected)
    if type(got) is not type(expected):
        return Mismatch("wrong type", kind(got), kind(expected))
    if isinstance(expected, float):
        return (
            None if abs(got - expected) <= tolerance.atol + tolerance.rtol * abs(expected) else _values(got, expected)
        )
    if isinstance(expected, str) and got != expected:
        return Mismatch(got, got, expected)  # a sentence says itself what is wrong
    return None if got == expected else _values(got, expected)


def same(left: Any, right: Any, tolerance: Tolerance = EXACT) -> bool:
    """Whether two observations are the same; NaN equals NaN here: both may come from one mistake."""
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        alike = (left.shape, left.dtype, left.device) == (right.shape, right.dtype, right.device)
        return alike and (left.is_meta or bool(_close(left, right, tolerance).all()))
    return mismatch(left, right, tolerance) is None


def kind(value: Any) -> str:
    """Name a value's type as a student would: `Tensor (3, 2) float32`, `None`, `list of 3`."""
    if value is None:
        return "None"
    if type(value) is Tensor:
        return f"Tensor {tuple(value.shape)} {dtype_name(value)}"
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__} of {len(value)}"
    return str(type(value).__name__)


def dtype_name(value: Tensor | torch.dtype) -> str:
    return str(value.dtype if isinstance(value, Tensor) else value).removeprefix("torch.")


def number(value: float) -> str:
    """Six digits: enough to recognise, few enough to read."""
    return f"{value:.6g}"


def _values(got: Any, expected: Any) -> Mismatch:
    return Mismatch("wrong value", str(got), str(expected))


def _tensor_mismatch(got: Any, expected: Tensor, tolerance: Tolerance) -> Mismatch | None:
    if type(got) is not Tensor:
        missing = " (is a return missing?)" if got is None else ""
        return Mismatch("wrong type", f"{kind(got)}{missing}", kind(expected))
    if got.layout != torch.strided:
        return Mismatch("wrong type", f"Tensor of layout {got.layout}", "a dense Tensor")
    if got.shape != expected.shape:
        return Mismatch("wrong shape", str(tuple(got.shape)), str(tuple(expected.shape)))
    if got.dtype != expected.dtype:
        return Mismatch("wrong dtype", dtype_name(got), dtype_name(expected))
    if got.device.type != expected.device.type:
        return Mismatch("wrong device", str(got.device), str(expected.device))
    if expected.is_meta or expected.numel() == 0:
        return None
    got, expected = got.detach().cpu(), expected.detach().cpu()
    close = _close(got, expected, tolerance)
    if close.all():
        return None
    finite = got.isfinite()
    problem = "wrong value" if finite[~close].all() else "not a number" if got.isnan().any() else "infinite value"
    wrong = ~finite if problem != "wrong value" else ~close
    return _first_and_worst(problem, got, expected, wrong)


def _first_and_worst(problem: str, got: Tensor, expected: Tensor, wrong: Tensor) -> Mismatch:
    index = tuple(int(i) for i in wrong.nonzero()[0])
    where = f" at {list(index)}" if index else ""
    total = got.numel()
    count = f"   {int(wrong.sum())} of {total} differ" if total > 1 else ""
    gap = (got - expected).abs().nan_to_num(0.0, 0.0, 0.0).max().item() if problem == "wrong value" and total > 1 else 0
    largest = f", largest gap {number(gap)}" if gap else ""
    return Mismatch(problem, f"{number(got[index].item())}{where}{count}{largest}", number(expected[index].item()))


def _close(left: Tensor, right: Tensor, tolerance: Tolerance) -> Tensor:
    if left.dtype.is_floating_point:
        return torch.isclose(left, right, rtol=tolerance.rtol, atol=tolerance.atol, equal_nan=True)
    return left == right


def _list_mismatch(got: Any, expected: list) -> Mismatch | None:
    if not isinstance(got, list):
        return Mismatch("wrong type", kind(got), kind(expected))
    for entry in got:
        if isinstance(entry, (bool, Tensor)) or not hasattr(type(entry), "__index__"):
            return Mismatch("wrong type", f"a list that holds {kind(entry)}", "a list of int")
    integers = [operator.index(entry) for entry in got]
    if integers == expected:
        return None
    problem = "wrong length" if len(integers) != len(expected) else "wrong value"
    return Mismatch(problem, shorten(integers), shorten(expected))


def shorten(entries: list, most: int = 6) -> str:
    """[999, 998, 997, ..., 1, 0] (1000 entries)"""
    if len(entries) <= most:
        return str(entries)
    shown = [str(entry) for entry in (*entries[:3], "...", *entries[-2:])]
    return f"[{', '.join(shown)}] ({len(entries)} entries)"
