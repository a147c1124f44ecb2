"""The catalogue of misconceptions: wrong versions of the eleven functions, each with the sentence that names it.

It is used twice. When a suite sees a wrong value it tries these on the same inputs, and names the one that gives the
same result. And each of them, put into the reference, must be caught by the suite of its own kata: the catalogue is the
mutation test of the suites.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from grading.contract import MODULE_OF, MODULES


@dataclass(frozen=True)
class Misconception:
    """One wrong version of a function.

    Attributes:
        function: the function of the contract that `wrong` stands for, with the same parameters.
        says: a phrase that follows the words "looks like": `alpha[t] where alpha_bar[t] belongs`.
        confuses: the equation that it gets wrong: `DDPM eq. 4`.
        wrong: the wrong function, whole.
    """

    function: str
    says: str
    confuses: str
    wrong: Callable

    @property
    def id(self) -> str:
        return f"{self.function}/{self.wrong.__name__}"


_REGISTRY: list[Misconception] = []


def looks_like(function: str, says: str, confuses: str) -> Callable[[Callable], Callable]:
    """Register the decorated function as a misconception of `function`."""

    def register(wrong: Callable) -> Callable:
        _REGISTRY.append(Misconception(function, says, confuses, wrong))
        return wrong

    return register


@cache
def catalogue(function: str | None = None) -> tuple[Misconception, ...]:
    """Every misconception, or those of one function, in the order in which they are tried."""
    wanted = MODULES if function is None else (MODULE_OF[function],)
    for module in wanted:
        importlib.import_module(f"{__name__}.{module}")
    return tuple(m for m in _REGISTRY if function in (None, m.function))
