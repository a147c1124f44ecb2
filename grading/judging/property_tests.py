"""hypothesis, imported when the first property test runs.

To import it takes half as long as torch, and the first screen of a learner needs none of it: a test file takes `given`
and `st` from here, and writes what it always wrote.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

PROFILE = "kata"


class Later:
    """An expression that is written now and worked out later, such as `st.integers(1, 4).map(str)`."""

    def __init__(self, work_out: Callable[[], Any]) -> None:
        self._now = functools.cache(work_out)

    def __getattr__(self, name: str) -> Later:
        return Later(lambda: getattr(self._now(), name))

    def __call__(self, *args: Any, **kwargs: Any) -> Later:
        return Later(lambda: self._now()(*map(now, args), **{name: now(value) for name, value in kwargs.items()}))


def now(value: Any) -> Any:
    """What an expression comes to; anything else as it is."""
    return value._now() if isinstance(value, Later) else value


class Strategies:
    """hypothesis.strategies: itself once it is imported, as where a test draws; before, expressions for later."""

    def __getattr__(self, name: str) -> Any:
        there = "hypothesis.strategies" in sys.modules
        later = Later(lambda: getattr(import_module("hypothesis.strategies"), name))
        return now(later) if there else later


st = Strategies()


def given(**strategies: Any) -> Callable[[Callable], Callable]:
    """hypothesis.given. The test's other parameters are fixtures; `property_seed` may be set before it runs."""

    def decorate(test: Callable) -> Callable:
        @functools.cache
        def made(seed: int | None) -> Callable:
            hypothesis = load_profile()
            return hypothesis.seed(seed)(hypothesis.given(**{name: now(s) for name, s in strategies.items()})(test))

        @functools.wraps(test)
        def run(*args: Any, **kwargs: Any) -> None:
            made(run.property_seed)(*args, **kwargs)  # type: ignore[attr-defined]

        signature = inspect.signature(test)
        fixtures = [p for name, p in signature.parameters.items() if name not in strategies]
        run.property_seed = None  # type: ignore[attr-defined]
        run.__signature__ = signature.replace(parameters=fixtures)  # type: ignore[attr-defined]
        return run

    return decorate


@functools.cache
def load_profile() -> Any:
    """hypothesis, with the settings of the suites: the same examples in every run, few, and no clock."""
    import hypothesis
    from hypothesis import HealthCheck, Phase, settings

    settings.register_profile(
        PROFILE,
        derandomize=True,
        deadline=None,
        max_examples=25,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],  # to explain takes longer than all the rest
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile(PROFILE)
    return hypothesis
