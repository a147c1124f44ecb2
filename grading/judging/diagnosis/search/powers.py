"""Write measured numbers as a product of powers: eta * sqrt(beta_t)."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

MOST = 4
SMALL = {1.0: "1", 2.0: "2", 3.0: "3", 4.0: "4", 0.5: "1 / 2", 0.25: "1 / 4", 2**0.5: "sqrt(2)",
         0.5**0.5: "sqrt(1 / 2)"}  # fmt: skip


def product(y: Any, atoms: dict[str, Any], tolerance: float = 1e-9) -> str | None:
    """The shortest product of powers of a few atoms (each (N,), positive) that gives y (N,) at every site, or None."""
    kept = np.isfinite(y)
    if np.iscomplexobj(y) or kept.sum() < 4 or (y[kept] == 0).any() or len(set(np.sign(y[kept]))) > 1:
        return None
    usable = {name: atom for name, atom in atoms.items() if np.isfinite(atom[kept]).all() and (atom[kept] > 0).all()}
    names = list(usable)
    logs = np.stack([np.log(usable[name][kept]) for name in names], axis=1)
    target = np.log(np.abs(y[kept]))
    sign = "-" if y[kept][0] < 0 else ""
    A, b = logs - logs.mean(0), target - target.mean()
    for size in range(MOST + 1):
        for chosen, powers in _solved(A, b, size):
            rest = target - logs[:, chosen] @ powers
            number = float(np.exp(rest.mean()))
            near = min(SMALL, key=lambda n: abs(n - number))
            if abs(near / number - 1) < 1e-6 and np.abs(rest - np.log(near)).max() < tolerance:
                return sign + _written(SMALL[near], dict(zip([names[i] for i in chosen], powers)))
    return None


def _solved(A: Any, b: Any, size: int) -> list[tuple[list[int], Any]]:
    """Subsets of the columns with exponents, multiples of 1/4, that fit; the simplest first."""
    if size == 0:
        return [([], np.zeros(0))] if np.abs(b).max() < 1e-7 else []
    if size > A.shape[1]:
        return []
    gram, right, whole = A.T @ A, A.T @ b, float(b @ b)
    subsets = np.array(list(combinations(range(A.shape[1]), size)))
    grams = gram[subsets[:, :, None], subsets[:, None, :]] + 1e-13 * np.eye(size)
    powers = np.linalg.solve(grams, right[subsets][..., None])[..., 0]
    rounded = np.round(4 * powers) / 4
    good = (np.abs(powers - rounded).max(1) < 1e-3) & (np.abs(rounded) <= 4).all(1) & (rounded != 0).all(1)
    left = whole - 2 * (rounded * right[subsets]).sum(1) + np.einsum("ni,nij,nj->n", rounded, grams, rounded)
    good &= np.abs(left) < 1e-6 * max(whole, 1e-12)
    order = sorted(np.flatnonzero(good), key=lambda i: (np.abs(rounded[i]).sum(), (rounded[i] % 0.5 != 0).sum()))
    return [(subsets[i].tolist(), rounded[i]) for i in order]


def _written(number: str, powers: dict[str, float]) -> str:
    """eta * sqrt(a * b / c): what has a whole power outside of the root, what has half of one inside."""
    outside, inside = ({name: p for name, p in powers.items() if (p % 1 == 0) == whole} for whole in (True, False))
    root = [f"sqrt({_ratio({name: 2 * p for name, p in inside.items()})})"] if inside else []
    return ast.unparse(ast.parse(_ratio(outside, [number] if number != "1" else [], root)))


def _ratio(powers: dict[str, float], before: Sequence[str] = (), after: Sequence[str] = ()) -> str:
    above, below = ([_power(name, sign * p) for name, p in powers.items() if sign * p > 0] for sign in (1, -1))
    under = f"({' * '.join(below)})" if len(below) > 1 else "".join(below)
    return " * ".join([*before, *above, *after] or ["1"]) + (f" / {under}" if under else "")


def _power(name: str, power: float) -> str:
    atom = name if name.isidentifier() else f"({name})"
    return {1.0: atom, 0.5: f"sqrt({name})"}.get(power, f"{atom} ** {power:g}")
