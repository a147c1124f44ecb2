"""One look at a function: what it can be asked, and how what is seen is put so that two versions can be compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from grading.judging.closed_form import broadcast
from grading.judging.compare import EXACT, SINGLE, Tolerance, kind, same
from grading.submission.contract import NoiseSchedule, bind, schedule_from
from grading.submission.device_check import Watch
from grading.submission.pretended import Remark

Probe = Callable[[Callable], Any]  # takes a function of the contract, calls it, returns what it saw
HOPELESS = ("timeout", "gone")  # a submission that hangs, or whose process died, is not worth asking further


@dataclass(frozen=True)
class Look:
    """One look at a function.

    Attributes:
        manners: whether it looks at how a value is worked out (dtype, device, in place) and not at the value.
    """

    probe: Probe
    tolerance: Tolerance = EXACT
    manners: bool = False


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


def plain(seen: Any) -> Any:
    """What can be compared, as it is; of anything else no more than what it is."""
    whole = type(seen) is list and all(type(entry) is int for entry in seen)
    return seen if whole or type(seen) in (Tensor, str, float, int) else kind(seen)


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


def steadily(probe: Probe) -> Probe:
    """What a probe sees, where it sees the same twice."""

    def twice(f: Callable) -> Any:
        once, again = plain(probe(f)), plain(probe(f))
        return once if same(once, again) else "another answer each time"

    return twice


def value(*args: Any) -> Look:
    """What a call returns."""
    float32 = any(isinstance(a, Tensor) and a.dtype == torch.float32 for a in args)
    probe = steadily(lambda f: f(*(copied(a) for a in args)))
    return Look(probe, SINGLE if float32 else EXACT, manners=float32)


def in_place(function: str, *args: Any) -> Look:
    return Look(lambda f: ", ".join(changed_in_place(function, f, args, {})), manners=True)


def on_a_gpu(*args: Any) -> Look:
    return Look(lambda f: kind(elsewhere(f, *args)[0]), manners=True)


UNEVEN = schedule_from(torch.tensor([0.03, 0.2, 0.1, 0.35, 0.25, 0.4, 0.15], dtype=torch.float64))


def numbers(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(20 + seed + sum(shape))
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def model(x_t: Tensor, t: Tensor) -> Tensor:
    """Depends on all that it is shown, and grows with x_t."""
    return 0.3 * x_t * (1 + 0.1 * broadcast(t, x_t).to(x_t))


# What device_check.py says of a tensor on the wrong device, and what it means.
DEVICE = (
    ("no numpy array", "leaves the device"),
    ("the result is on the CPU", "leaves the device"),
    ("on the same device", "mixes devices"),
    ("by a generator of", "mixes devices"),
    ("the model lies on the GPU", "mixes devices"),
)


def raised(error: BaseException) -> str:
    """What stands for an exception among the things that a look can see: its type, or what it says of a device."""
    message = str(getattr(error, "message", "")) or f"{type(error).__name__}: {error}"
    for words, meaning in DEVICE:
        if words in message:
            return f"raised: {meaning}"
    return f"raised {message.partition(':')[0]}"
