"""Wrong versions of the functions, each with a sentence that says what is wrong with it.

Each of them, put into the reference, must be caught by the suite of its own kata, and measured by the diagnosis.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

# The module of this package where the wrong versions of a function are registered, in the order of the katas.
WHERE = {
    "linear_beta_schedule": "evenly_spaced",
    "quadratic_beta_schedule": "evenly_spaced",
    "cosine_beta_schedule": "cosine",
    "make_schedule": "make_schedule",
    "q_sample": "q_sample",
    "ddpm_loss": "ddpm_loss",
    "ddpm_step": "ddpm_step",
    "ddpm_sample": "samplers",
    "ddim_timesteps": "ddim_timesteps",
    "ddim_step": "ddim_step",
    "ddim_sample": "samplers",
}


@dataclass(frozen=True)
class Misconception:
    """One wrong version of a function.

    Attributes:
        function: the function of the contract that `wrong` stands for, with the same parameters.
        name: a short name, one of a kind within the function: `alpha_for_alpha_bar`.
        says: a phrase that follows the words "looks like": `alpha[t] where alpha_bar[t] belongs`.
        confuses: the equation that it gets wrong: `DDPM eq. 4`.
        wrong: the wrong function, whole.
    """

    function: str
    name: str
    says: str
    confuses: str
    wrong: Callable

    @property
    def id(self) -> str:
        return f"{self.function}/{self.name}"


_REGISTRY: dict[str, Misconception] = {}


def register(function: str, name: str, says: str, confuses: str, wrong: Callable) -> None:
    """Add one entry; within a function the likely come before the rare, because they are tried in this order."""
    _add(Misconception(function, name, says, confuses, wrong))


def _add(entry: Misconception) -> None:
    if entry.id in _REGISTRY:
        raise ValueError(f"there are two misconceptions {entry.id}")
    _REGISTRY[entry.id] = entry


def looks_like(function: str, says: str, confuses: str) -> Callable[[Callable], Callable]:
    """Register the decorated function as a misconception of `function`, under its own name."""

    def remember(wrong: Callable) -> Callable:
        register(function, wrong.__name__, says, confuses, wrong)
        return wrong

    return remember


@cache
def catalogue(function: str | None = None) -> tuple[Misconception, ...]:
    """Every misconception, or those of one function, in the order in which they are tried."""
    wanted = WHERE.values() if function is None else (WHERE[function],) if function in WHERE else ()
    for module in dict.fromkeys(wanted):
        importlib.import_module(f"{__name__}.{module}")
    return tuple(m for m in _REGISTRY.values() if function in (None, m.function))
