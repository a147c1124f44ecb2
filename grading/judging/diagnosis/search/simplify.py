"""Write an expression without what changes nothing: `1 * x`, `sqrt(1)`, `0 * eps`, `a - a`."""

from __future__ import annotations

import ast

import numpy as np

from grading.judging.diagnosis.search.changes import exchanged, parts, plain, tree_of
from grading.judging.diagnosis.search.values import attempt


def simplified(text: str) -> str:
    """The expression with what is shorter and gives the same, whatever the letters are, in the place of each part."""
    names = sorted({part.id for part in parts(tree_of(text)) if isinstance(part, ast.Name)})
    dice = np.random.default_rng(0)
    letters = {name: dice.uniform(0.1, 0.9, (5, 3)) * (10 if name[0].isupper() else 1) for name in names}
    for part in parts(tree_of(text)):
        was, *inner = (ast.unparse(one) for one in parts(part))
        for other in ("0", "1", *inner, *(f"-{one}" for one in inner)):
            if len(other) < len(was) and _is_same(attempt(was, letters), attempt(other, letters)):
                return simplified(plain(exchanged(text, part, other)))
    return text.replace("+ -", "- ").replace("- -", "+ ")


def _is_same(left: np.ndarray, right: np.ndarray) -> bool:
    return left.shape[-1] in (right.shape[-1], 1) and bool(np.allclose(left, right, rtol=1e-12, atol=0))
