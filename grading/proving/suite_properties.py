"""What the kata's own suite asks of a function that a student's tests do not: told once everything is caught.

A property is a word that stands for it, looked for in the suite's own sentences and in the student's file.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from grading.submission.katas import ROOT, Task, katas

# What a suite's sentence may be about, and what in a student's file shows that a test asks for it.
PROPERTIES = {
    r"in place|still needs|the caller": r"clone\(|in place|unchanged|untouched|left.alone",
    r"dtype|float32": r"dtype|float64|\.double\(\)|\.float\(\)",
    r"GPU|device": r"device|cuda",
    r"number of dims|any shape|images": r"randn\(\d+, \d+, \d+|shape",
    r"linear|twice|thrice": r"linear|\b2 \*|twice",
    r"variance 1|variances|add up": r"\.var\(|variance|\*\* ?2|square",
    r"t = 0|last step|last jump|at the end|after the last": r"t = 0|, 0,|-1|last",
    r"hand|quarter|half": r"approx|allclose|==",
    r"repeat|same call|again|two calls": r"again|twice|equal",
    r"generator|fresh": r"[gG]enerator",
    r"gradient": r"backward|requires_grad|grad",
    r"ValueError|turned away|refused": r"raises",
    r"T = 1\b|one step": r"\(1\b|\[\d?\.\d+\]",
    r"equals|the same as|agree|many small steps": r"cumprod|for .* in range",
}


def missing(task: Task, text: str) -> list[str]:
    """The suite's sentences about properties that nothing in a student's file speaks of."""
    used = {about for about, shown in PROPERTIES.items() if re.search(shown, text)}
    return [
        sentence
        for sentence in sentences(task)
        if not any(re.search(about, sentence) for about in used)
        and any(re.search(about, sentence) for about in PROPERTIES)
    ]


def sentences(task: Task) -> list[str]:
    """What each test of the suite says that it asks, for one task, in the order of the file."""
    suite = next(kata.suite for kata in katas() if task in kata.tasks)
    found = [_first_line(test) for test, ids in _tests(_loaded(ROOT / "tests" / suite)) if task.id in ids]
    return list(dict.fromkeys(filter(None, found)))


def _loaded(path: Path) -> Any:
    """A suite, read as pytest reads it; the checks that suites share lie beside it."""
    spec = spec_from_file_location(f"kata_suite_{path.stem}", path)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


def _tests(holder: Any, outer: tuple[str, ...] = ()) -> Iterator[tuple[Callable, tuple[str, ...]]]:
    """Every test of a module or class, with the ids in its `task` markers or in those of what holds it."""
    outer = _ids(holder) or outer
    names = dir(holder) if isinstance(holder, type) else vars(holder)
    for name in names:
        held = getattr(holder, name)
        if name.startswith("test_") and callable(held):
            yield held, _ids(held) or outer
        elif name.startswith("Test") and isinstance(held, type):
            yield from _tests(held, outer)


def _ids(marked: Any) -> tuple[str, ...]:
    marks = getattr(marked, "pytestmark", [])
    marks = marks if isinstance(marks, (list, tuple)) else [marks]
    return tuple(mark.args[0] for mark in marks if mark.name == "task")


def _first_line(test: Callable) -> str:
    return (test.__doc__ or "").strip().partition("\n")[0]
