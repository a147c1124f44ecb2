"""Find the misconception that gives the same wrong result, here and everywhere else that it is looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from grading.judging.compare import EXACT, Tolerance, same
from grading.judging.fingerprints import looks
from grading.judging.misconceptions import Misconception, catalogue
from grading.judging.observations import HOPELESS, Probe, plain, raised
from grading.submission.errors import SubmissionError

RAISED = "raised"


def diagnose(
    implementation: Any, function: str, probe: Probe, seen: Any, tolerance: Tolerance = EXACT
) -> Misconception | None:
    """Name the misconception of `function` that nothing tells from the implementation's version of it, or None.

    It must agree in every look of the function's fingerprint, or in all those at values, and give what the failing
    probe has seen. So two wrong values at once have no name (unless the catalogue has the pair), and a wrong name is
    not given on a resemblance.
    """
    try:
        whole = (m for m in _alike(implementation, function) if _reproduces(m, implementation, probe, seen, tolerance))
        parts = (
            m for m in _alike(implementation, function, False) if same(_quietly(probe, m.wrong), plain(seen), tolerance)
        )
        return next(whole, None) or next(parts, None)
    except Exception:  # a missing name is a small loss; a crash here would hide the failure itself
        return None


def _reproduces(m: Misconception, implementation: Any, probe: Probe, seen: Any, tolerance: Tolerance) -> bool:
    """Whether the failing probe sees the same; where a repetition sees something else anyway, that is no argument."""
    if same(_quietly(probe, m.wrong), plain(seen), tolerance):
        return True
    return not same(_quietly(probe, getattr(implementation, m.function)), plain(seen), tolerance)


_found: WeakKeyDictionary[Any, dict[tuple[str, bool], list[Misconception]]] = WeakKeyDictionary()


def _alike(implementation: Any, function: str, manners: bool = True) -> list[Misconception]:
    """The misconceptions that share the fingerprint of the implementation's function; worked out once.

    First those that come from an earlier function of the implementation, if that makes the same mistake itself.
    """
    known, key = _found.setdefault(implementation, {}), (function, manners)
    if key not in known:
        known[key] = []  # for a crash half way: it is not tried again
        found = resembling(getattr(implementation, function), function, manners)
        earlier = [
            m for m in found if m.inherited and m.inherited.id in _ids(implementation, m.inherited.function, manners)
        ]
        there = [replace(m, says=f"{m.says}, in {m.inherited.function}") for m in earlier if m.inherited]
        known[key] = [*there, *(m for m in found if m not in earlier)]
    return known[key]


def _ids(implementation: Any, function: str, manners: bool) -> list[str]:
    return [m.id for m in _alike(implementation, function, manners)]


def resembling(student: Callable, function: str, manners: bool = True) -> list[Misconception]:
    """The misconceptions of a function that nothing in its fingerprint tells from `student`, the likely ones first.

    Without manners, only values are compared: then another mistake may be made beside, in dtype, device or in place.
    """
    suspects, all_seen = list(catalogue(function)), []
    for number, look in enumerate(looks(function)):
        if look.manners and not manners:
            continue
        here = _quietly(look.probe, student)
        all_seen.append(here)
        suspects = [m for m in suspects if same(_fingerprint(m, number), here, look.tolerance)]
        if not suspects:
            break
    if _say_something(all_seen):
        return suspects
    own = [m for m in suspects if not m.inherited]  # of a loop something is seen even if all its states are nan
    return own if function.endswith("_sample") and not all(map(_is_raised, all_seen)) else []


def _say_something(all_seen: list[Any]) -> bool:
    """Whether there is more to compare than exceptions and nan."""
    tensors = [seen for seen in all_seen if isinstance(seen, Tensor)]
    if any(seen.is_meta or seen.isfinite().any() for seen in tensors):
        return True
    return not tensors and not all(map(_is_raised, all_seen))


def _is_raised(seen: Any) -> bool:
    return isinstance(seen, str) and seen.startswith(RAISED)


@cache
def _fingerprint(m: Misconception, number: int) -> Any:
    look = looks(m.function)[number]
    return _quietly(look.probe, m.wrong)


def _quietly(probe: Probe, function: Callable) -> Any:
    """What a probe sees, from the same state of torch's global generator, or what was raised."""
    before = torch.get_rng_state()
    torch.default_generator.manual_seed(0)
    try:
        return plain(probe(function))
    except SubmissionError as error:
        if error.kind in HOPELESS:
            raise
        return raised(error)
    except Exception as error:
        return raised(error)
    finally:
        torch.set_rng_state(before)
