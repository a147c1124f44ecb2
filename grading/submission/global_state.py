"""What is one for the whole process, and is nobody's to leave changed: it is put back after every call, and said."""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import torch

_seeded: list[tuple[Any, Any]] = []  # at each seed that Python's or numpy's numbers were given: the state before


class GlobalState:
    """Gradients, default dtype, seeds, threads, warnings and modes as they are now."""

    def __init__(self) -> None:
        self.grad, self.dtype = torch.is_grad_enabled(), torch.get_default_dtype()
        self.seed, self.threads = torch.initial_seed(), torch.get_num_threads()
        self.filters, self.random = warnings.filters[:], torch.get_rng_state()
        self.exact, self.anomaly = torch.are_deterministic_algorithms_enabled(), torch.is_anomaly_enabled()
        self.seeded = len(_seeded)
        self.others: dict[Any, Any] = {
            module: module.seed for module in (random, sys.modules.get("numpy.random")) if module
        }
        for module in self.others:
            module.seed = _noted(module)

    def put_back(self) -> tuple[list[str], list[str]]:
        """What has been left changed: that which falsifies what others do, and that which only annoys them."""
        wrong, odd = [], []
        if torch.is_grad_enabled() != self.grad:
            wrong.append(f"leaves gradients switched {'off' if self.grad else 'on'} for everybody")
            torch.set_grad_enabled(self.grad)
        if torch.get_default_dtype() != self.dtype:
            left = str(torch.get_default_dtype()).removeprefix("torch.")
            wrong.append(f"leaves {left} as the default dtype for everybody")
            torch.set_default_dtype(self.dtype)
        if torch.initial_seed() != self.seed:
            wrong.append("sets torch's seed for everybody")
            torch.default_generator.manual_seed(self.seed)
            torch.set_rng_state(self.random)
        for module, seed in self.others.items():
            module.seed = seed
        for module, state in reversed(_seeded[self.seeded :]):
            says = f"sets {'numpy' if module is not random else 'Python'}'s seed for everybody"
            wrong += [says] if says not in wrong else []
            (random.setstate if module is random else module.set_state)(state)
        del _seeded[self.seeded :]
        if torch.get_num_threads() != self.threads:
            odd.append(f"leaves torch with {torch.get_num_threads()} threads")
            torch.set_num_threads(self.threads)
        if torch.are_deterministic_algorithms_enabled() != self.exact:
            odd.append(f"leaves torch's deterministic algorithms switched {'off' if self.exact else 'on'}")
            torch.use_deterministic_algorithms(self.exact)
        if torch.is_anomaly_enabled() != self.anomaly:
            odd.append(f"leaves torch's anomaly detection switched {'off' if self.anomaly else 'on'}")
            torch.autograd.set_detect_anomaly(self.anomaly)
        if warnings.filters != self.filters:
            odd.append("leaves the warnings filters changed")
            warnings.filters[:] = self.filters  # type: ignore[index]
            warnings._filters_mutated()  # type: ignore[attr-defined]
        return wrong, odd


@cache
def _noted(module: Any) -> Callable:
    """In the place of `random.seed` or `numpy.random.seed`: to compare whole states at every call would take long."""
    seed = module.seed

    @wraps(seed)
    def noted(*args: Any, **kwargs: Any) -> Any:
        _seeded.append((module, random.getstate() if module is random else module.get_state()))
        return seed(*args, **kwargs)

    return noted
