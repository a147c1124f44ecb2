"""How a function is asked without harm: with copies, in float64, as on a GPU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from grading.judging.compare import kind
from grading.submission.contract import NoiseSchedule, bind
from grading.submission.device_check import Watch
from grading.submission.pretended import Remark

Probe = Callable[[Callable], Any]  # takes a function of the contract, calls it, returns what it saw
HOPELESS = ("timeout", "gone")  # a submission that hangs, or whose process died, is not worth asking further


def copied(value: Any) -> Any:
    """A copy of a tensor or a schedule; anything else as it is."""
    if isinstance(value, NoiseSchedule):
        return NoiseSchedule(*(table.clone() for table in value))
    return value.clone() if isinstance(value, Tensor) else value


def carefully(function: Callable) -> Callable:
    """The function, called with copies: what it changes in place is seen by the one test that looks for that."""
    return lambda *args, **kwargs: function(*map(copied, args), **{k: copied(v) for k, v in kwargs.items()})


def elsewhere(function: Callable, *args: Any, **kwargs: Any) -> tuple[Any, list[Remark]]:
    """Call a function, a submission's or another, as if its arguments lay on a GPU."""
    known = getattr(function, "elsewhere", None)
    if known:
        return known(*args, **kwargs)
    watch = Watch(getattr(function, "__name__", "it"), Path())
    return watch.call(function, args, kwargs), watch.remarks


def unchanged(left: Any, right: Any) -> bool:
    """Whether two arguments hold the same values."""
    if isinstance(left, NoiseSchedule):
        return all(unchanged(*pair) for pair in zip(left, right))
    return torch.equal(left, right) if isinstance(left, Tensor) else True


def changed_in_place(function: str, f: Callable, args: tuple, kwargs: dict) -> list[str]:
    """The names of the arguments whose values a call changes."""
    named = {k: copied(v) for k, v in bind(function, args, kwargs).items()}
    before = {k: copied(v) for k, v in named.items()}
    f(**named)
    return [k for k in named if not unchanged(named[k], before[k])]


def in_default_dtype(dtype: torch.dtype, look: Callable[[], Any]) -> Any:
    """What is seen while this is torch's default dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        return look()
    finally:
        torch.set_default_dtype(before)


def in_float64(probe: Probe, function: Callable) -> Any:
    """What a probe sees while torch's default dtype is float64."""
    return in_default_dtype(torch.float64, lambda: probe(function))


def seen_as_tensor(answer: Any) -> Any:
    """A schedule as one tensor (3, T), where it has three tables of one kind; anything else as it is."""
    tables: list[Any] = [getattr(answer, name, None) for name in NoiseSchedule._fields]
    if all(table is None for table in tables):
        return answer
    if not all(type(table) is Tensor for table in tables):
        return f"the schedule's tables are {', '.join(map(kind, tables))}"
    if len({(table.shape, table.dtype) for table in tables}) > 1:
        return f"the schedule's tables are {', '.join(map(kind, tables))}"
    return torch.stack(tables)
