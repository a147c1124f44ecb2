"""Write measured numbers as a product of powers: eta * sqrt(beta_t)."""

import ast
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
    names, sign = list(usable), "-" if y[kept][0] < 0 else ""
    logs, target = np.stack([np.log(usable[name][kept]) for name in names], axis=1), np.log(np.abs(y[kept]))
    for size in range(min(MOST, len(names)) + 1):
        for chosen, powers in _solved(logs - logs.mean(0), target - target.mean(), size):
            rest = target - logs[:, chosen] @ powers
            number = float(np.exp(rest.mean()))
            near = min(SMALL, key=lambda n: abs(n - number))
            if abs(near / number - 1) < 1e-6 and np.abs(rest - np.log(near)).max() < tolerance:
                return _written(sign + SMALL[near], dict(zip([names[i] for i in chosen], powers)))
    return None


def _solved(A: Any, b: Any, size: int) -> list[tuple[list[int], Any]]:
    """Subsets of the columns with exponents, multiples of 1/4, that fit; the simplest first."""
    gram, right, whole = A.T @ A, A.T @ b, float(b @ b)
    subsets = np.array(list(combinations(range(A.shape[1]), size)), dtype=int)
    grams = gram[subsets[:, :, None], subsets[:, None, :]] + 1e-13 * np.eye(size)
    powers = np.linalg.solve(grams, right[subsets][..., None])[..., 0]
    rounded = np.round(4 * powers) / 4
    good = ((np.abs(powers - rounded) < 1e-3) & (np.abs(rounded) <= 4) & (rounded != 0)).all(1)
    left = whole - 2 * (rounded * right[subsets]).sum(1) + np.einsum("ni,nij,nj->n", rounded, grams, rounded)
    good &= np.abs(left) < max(1e-6 * whole, 1e-12)
    order = sorted(np.flatnonzero(good), key=lambda i: (np.abs(rounded[i]).sum(), (rounded[i] % 0.5 != 0).sum()))
    return [(subsets[i].tolist(), rounded[i]) for i in order]


def _written(number: str, powers: dict[str, float]) -> str:
    """eta * sqrt(a * b / c): what has a whole power outside of the root, what has half of one inside."""
    inside = {name: 2 * p for name, p in powers.items() if p % 1}
    outside = {number.removeprefix("-"): float(number not in ("1", "-1"))} | {
        name: p for name, p in powers.items() if name not in inside
    }
    root = {f"sqrt({_ratio(inside)})": 1.0} if inside else {}
    return ast.unparse(ast.parse("-" * (number[0] == "-") + _ratio(outside | root)))


def _ratio(powers: dict[str, float]) -> str:
    above, below = ([_power(name, sign * p) for name, p in powers.items() if sign * p > 0] for sign in (1, -1))
    return " * ".join(above or ["1"]) + (f" / ({' * '.join(below)})" if below else "")


def _power(name: str, power: float) -> str:
    return {1.0: f"({name})", 0.5: f"sqrt({name})"}.get(power, f"({name}) ** {power:g}")
