"""Timing in pairs: two things take turns, so that a machine that slows down slows both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Pair:
    """Median seconds of ours and of what it is held against, and how a reader should take their ratio.

    Attributes:
        wanted: what the ratio theirs / ours should be at least; with `at_most`, what ours / theirs should be at most.
    """

    name: str
    ours: float
    theirs: float
    against: str
    wanted: float | None = None
    at_most: bool = False

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs if self.at_most else self.theirs / self.ours

    @property
    def reached(self) -> bool | None:
        if self.wanted is None:
            return None
        return self.ratio <= self.wanted if self.at_most else self.ratio >= self.wanted


def seconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def in_turns(ours: Callable[[], object], theirs: Callable[[], object], times: int) -> tuple[float, float]:
    """Median seconds of each over `times` rounds of one call each, after one of each that is not counted."""
    ours(), theirs()
    rounds = [(seconds(ours), seconds(theirs)) for _ in range(times)]
    return statistics.median(a for a, _ in rounds), statistics.median(b for _, b in rounds)
