"""Right and wrong implementations of each function of the contract, for a student's tests to tell apart.

One file for each function, of the same name. A right one says why it is right too, and what a test must allow for it. A
wrong one has a single slip that people make, a phrase that names it (shown once a test has caught it), and a question
that leads to a test. The wrong ones stand in the order of how often people make the slip.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar


@dataclass(frozen=True)
class Right:
    """`name` completes "test_x refuses ..."; `why` says why it is right too."""

    name: str
    why: str
    call: Callable


@dataclass(frozen=True)
class Wrong:
    """`slip` names what is wrong; `ask` is what a test could ask to see it, without the formula."""

    slip: str
    ask: str
    call: Callable


@dataclass(frozen=True)
class Implementations:
    """All that is known of one function: a first test of it, and what it is to tell apart."""

    example: str
    rights: tuple[Right, ...]
    wrongs: tuple[Wrong, ...]


F = TypeVar("F", bound=Callable)
T = TypeVar("T", Right, Wrong)


def right(name: str, why: str) -> Callable[[F], F]:
    """Mark a right implementation."""
    return _marked(lambda call: Right(name, why, call))


def wrong(slip: str, ask: str) -> Callable[[F], F]:
    """Mark a wrong implementation."""
    return _marked(lambda call: Wrong(slip, ask, call))


def _marked(make: Callable[[Any], Right | Wrong]) -> Callable[[F], F]:
    def mark(call: F) -> F:
        call.proving = make(call)  # type: ignore[attr-defined]
        return call

    return mark


def _checked(one: T, check: Callable | None) -> T:
    """The same, with the checks of arguments that a stub gives to everybody."""
    if check is None:
        return one

    @wraps(one.call)
    def call(*args: Any, **kwargs: Any) -> Any:
        check(*args, **kwargs)
        return one.call(*args, **kwargs)

    return replace(one, call=call)


def has(function: str) -> bool:
    """Whether there is anything to tell apart: a new task need not have it."""
    return find_spec(f"{__name__}.{function}") is not None


def of(function: str) -> Implementations:
    """The implementations of a function, in the order of its file; torch is imported here, not before."""
    module = import_module(f"{__name__}.{function}")
    own = [value for value in vars(module).values() if getattr(value, "__module__", "") == module.__name__]
    marked = [_checked(value.proving, getattr(module, "check", None)) for value in own if hasattr(value, "proving")]
    rights = tuple(one for one in marked if isinstance(one, Right))
    wrongs = tuple(one for one in marked if isinstance(one, Wrong))
    return Implementations(module.EXAMPLE, rights, wrongs)
