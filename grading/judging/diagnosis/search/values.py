"""What an expression gives at many places at once, and with many things in the place of one of its parts."""

from collections.abc import Mapping
from functools import cache
from types import CodeType
from typing import Any

import numpy as np

Numbers = Any  # an array (places, columns), or many of them one behind the other: (many, places, columns)
Letters = Mapping[str, Numbers]

FUNCTIONS: dict[str, Any] = {
    "sqrt": np.sqrt, "cos": np.cos, "exp": np.exp, "log": np.log, "floor": np.floor, "ceil": np.ceil,
    "rint": np.rint, "cumprod": lambda x: np.cumprod(x, -2), "cumsum": lambda x: np.cumsum(x, -2),
    "turned": lambda x: x[..., ::-1, :], "before": lambda f: f[..., :1], "after": lambda f: f[..., 1:2],
    "first": lambda f: f[..., 2:], "__builtins__": {},
}  # fmt: skip
CLAMPED = lambda x: np.sqrt(np.maximum(x, 0))  # noqa: E731  a root as many write it, with clamp(min=0)


@cache
def _code(text: str) -> CodeType:
    return compile(text, "<formula>", "eval")


def attempt(text: str, known: Letters) -> Numbers:
    """What an expression gives, with two dims or more; not a number where it gives nothing. All texts are our own."""
    try:
        return np.atleast_2d(eval(_code(text), FUNCTIONS, known))
    except (ArithmeticError, ValueError, TypeError, NameError, IndexError):
        return np.full((1, 1), np.nan)


def evaluate(lines: Mapping[str, str], letters: Letters) -> Numbers:
    """What the last line gives; a line whose name is among the letters is not worked out again."""
    known = dict(letters)
    with np.errstate(all="ignore"):
        for name, text in lines.items():
            if name not in letters:
                known[name] = attempt(text, known)
    return known[[*lines][-1]]
