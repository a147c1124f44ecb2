"""What the tables made of a schedule are, and a list of timesteps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grading.judging.compare import shorten
from grading.judging.diagnosis.finding import Finding, Line, stated
from grading.judging.diagnosis.schedules import best_of, told
from grading.judging.diagnosis.search.changes import simplified
from grading.judging.diagnosis.search.schedule_formulas import BETAS, FORMULAS, letters_of
from grading.judging.observations import carefully

LISTS = ((10, 3), (12, 4), (11, 4), (13, 5), (20, 3), (30, 7), (17, 6))
OTHERWISE = "something else"
UPWARDS = "the least noisy first: the noisiest comes first"


def tables_finding(implementation: Any, function: str) -> Finding | None:
    """Which of the three tables of make_schedule is another one, and what it is."""
    made = carefully(implementation.make_schedule)(BETAS)
    due = {"betas": BETAS, "alphas": 1 - BETAS, "alphas_cumprod": (1 - BETAS).cumprod(0)}
    if not all(isinstance(getattr(made, name, None), Tensor) for name in due):
        if isinstance(made, (tuple, dict, list)) and not hasattr(made, "betas"):
            kind = type(made).__name__
            return stated(f"a {kind} without names: the tables are asked for by name, as in schedule.alphas")
        return None
    found = {}
    for name, expected in due.items():
        table = getattr(made, name).detach().to(torch.float64)
        if table.shape != expected.shape or not torch.allclose(table, expected, rtol=1e-6, atol=1e-9):
            found[name] = _table(table, due, name)
    if not found:
        return None
    lines = tuple(("measured", f"{name} is {what}") for name, what in found.items())
    says = "; ".join(f"{name}: {what}" for name, what in found.items())
    return Finding(says, lines, named=OTHERWISE not in found.values())


def _table(table: Tensor, due: dict[str, Tensor], name: str) -> str:
    if table.ndim == 0:
        return "one number: the product of all alphas? cumprod keeps the product up to each t"
    if len(table) == len(BETAS) + 1 and torch.allclose(table[1:], due[name]):
        return f"of length {len(table)}, with {table[0]:g} before it: it has one entry for each t"
    if len(table) != len(BETAS):
        return f"of length {len(table)}"
    for other, expected in due.items():
        if torch.allclose(table, expected):
            return f"the table {other}"
    best = best_of(FORMULAS[name], table.numpy()[:, None], letters_of("make_schedule", ()))
    if best is None:
        return OTHERWISE
    if best.formula.name and not best.changed:
        return best.formula.name
    result, alpha = (best.formula.written(simplified(best.lines.get(line, "1 - beta"))) for line in ("result", "alpha"))
    return result + (f", with alpha = {alpha}" if alpha != "1 - beta" and "alpha" in result else "")


def list_finding(implementation: Any, function: str) -> Finding | None:
    """How the timesteps are spaced, and where they end."""
    made = (implementation.ddim_timesteps(*pair) for pair in LISTS)
    lists: list = [[int(t) for t in ts] if isinstance(ts, list) else ts for ts in made]  # one list may serve them all
    if not all(isinstance(ts, list) for ts in lists):
        return None
    due = [[i * (T // S) for i in reversed(range(S))] for T, S in LISTS]
    if lists == due:
        return None
    at = next(i for i, (ts, right) in enumerate(zip(lists, due)) if ts != right)
    T, S = LISTS[at]
    yours: Line = ("measured", f"yours {shorten(lists[at])}, due {due[at]}, for T = {T} and S = {S}")
    has_lengths = [len(ts) for ts in lists] == [S for _, S in LISTS]
    for turn, also in ((1, ()), (-1, (UPWARDS,))):
        turned = [ts[::turn] for ts in lists]
        if name := _known(turned, due):
            says = "; ".join((name, *also))
            return Finding(says, (yours, ("yours is", says)))
        column = np.array([t for ts in turned for t in ts], dtype=float)[:, None]
        if has_lengths and (best := best_of(FORMULAS[function], column, letters_of(function, LISTS))):
            return told(best, [yours], "").also(*also)
    says = "other timesteps than i * (T // S)" if has_lengths else "a list of another length"
    return Finding(says, (yours,), named=False)


def _known(lists: list[list[int]], due: list[list[int]]) -> str:
    """What lists that should go downwards are, by name; empty where they have none."""
    for shift, shifted in ((0, ""), (1, ", each + 1"), (-1, ", each - 1")):
        for name, walk in WALKS.items():
            if lists == [sorted((int(t) + shift for t in walk(*pair)), reverse=True) for pair in LISTS]:
                return f"{name}{shifted}"
    extra = [[t for t in ts if t not in d] for ts, d in zip(lists, due)]
    lacking = [[t for t in d if t not in ts] for ts, d in zip(lists, due)]
    if not any(extra) and all(gone == [0] for gone in lacking):
        return "0 is left out: the last timestep is 0"
    if any(lacking) or lists != [sorted(ts, reverse=True) for ts in lists]:
        return ""
    is_one = len({tuple(ts) for ts in extra}) == 1
    return f"{extra[0]} beside the timesteps due" if is_one else "one timestep too many"


WALKS: dict[str, Callable[[int, int], Iterable[float]]] = {
    "the right timesteps": lambda T, S: (i * (T // S) for i in range(S)),
    "every multiple of T // S below T: more than S where S does not divide T": lambda T, S: range(0, T, T // S),
    "all T timesteps: num_inference_steps is not used": lambda T, S: range(T),
    "a stride of S: S is the number of steps": lambda T, S: range(0, T, S),
    "from T - 1 down by T // S, as long as it goes: it ends at 0": lambda T, S: range((T - 1) % (T // S), T, T // S),
    "from T - 1 down by T // S: it ends at 0": lambda T, S: (T - 1 - i * (T // S) for i in range(S)),
    "(i + 1) * (T // S): the strides start at 0": lambda T, S: ((i + 1) * (T // S) for i in range(S)),
    "the noisiest multiples of T // S: it ends at 0": lambda T, S: range(0, T, T // S)[-S:],
    "the noisiest one by one: the stride is missing": lambda T, S: range(T - S, T),
    "floor(i * T / S): the stride T // S is a whole number": lambda T, S: (i * T // S for i in range(S)),
    "round(i * T / S): the stride T // S is a whole number": lambda T, S: (round(i * T / S) for i in range(S)),
    "evenly from 0 to T - 1 (linspace), rounded down": lambda T, S: np.linspace(0, T - 1, S),
    "evenly from 0 to T - 1 (linspace), rounded": lambda T, S: np.linspace(0, T - 1, S).round(),
    "spaced quadratically": lambda T, S: np.linspace(0, 1, S) ** 2 * (T - 1),
}
