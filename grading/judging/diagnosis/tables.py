"""What the tables made of a schedule are, and a list of timesteps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grading.judging.compare import shorten
from grading.judging.diagnosis.finding import Finding, Line, stated
from grading.judging.diagnosis.schedules import best_of, told
from grading.judging.diagnosis.search.schedule_formulas import BETAS, FORMULAS, letters_of
from grading.judging.diagnosis.search.simplify import simplified
from grading.judging.observations import carefully

LISTS = ((10, 3), (12, 4), (11, 4), (13, 5), (20, 3), (30, 7), (17, 6))
OTHERWISE = "something else"


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
    lists = [implementation.ddim_timesteps(*pair) for pair in LISTS]
    if not all(isinstance(ts, list) for ts in lists):
        return None
    lists = [[int(t) for t in ts] for ts in lists]
    due = [[i * (T // S) for i in reversed(range(S))] for T, S in LISTS]
    if lists == due:
        return None
    if lists == [ts[::-1] for ts in due]:
        return stated("the right timesteps, the least noisy first: the noisiest comes first")
    at = next(i for i, (ts, right) in enumerate(zip(lists, due)) if ts != right)
    T, S = LISTS[at]
    lines: list[Line] = [("measured", f"yours {shorten(lists[at])}, due {due[at]}, for T = {T} and S = {S}")]
    if any(len(ts) != S for ts, (_, S) in zip(lists, LISTS)):
        return _of_lengths(lists, due, lines)
    for upwards in (False, True):
        found = np.array([t for ts in lists for t in (ts[::-1] if upwards else ts)], dtype=float)[:, None]
        best = best_of(FORMULAS[function], found, letters_of(function, LISTS))
        if best is not None:
            break
    finding = told(best, lines, "other timesteps than i * (T // S)")
    return finding.also("the least noisy first: the noisiest comes first") if best and upwards else finding


WALKS: dict[str, Callable[[int, int], range]] = {
    "every multiple of T // S below T: more than S where S does not divide T": lambda T, S: range(0, T, T // S),
    "all T timesteps: num_inference_steps is not used": lambda T, S: range(T),
    "a stride of S: S is the number of steps": lambda T, S: range(0, T, S),
    "from T - 1 down by T // S, as long as it goes: it ends at 0": lambda T, S: range((T - 1) % (T // S), T, T // S),
}


def _of_lengths(lists: list[list[int]], due: list[list[int]], lines: list[Line]) -> Finding:
    """Lists that are too long or too short."""
    turned = [sorted(ts, reverse=True) for ts in lists]
    extra = [[t for t in ts if t not in d] for ts, d in zip(lists, due)]
    lacking = [[t for t in d if t not in ts] for ts, d in zip(lists, due)]
    says = ""
    for shift, shifted in ((0, ""), (1, ", each + 1"), (-1, ", each - 1")):
        for name, walk in WALKS.items():
            if turned == [[t + shift for t in reversed(walk(*pair))] for pair in LISTS]:
                says = says or f"{name}{shifted}"
    if not says and not any(extra) and all(gone == [0] for gone in lacking):
        says = "0 is left out: the last timestep is 0"
    elif not says and not any(lacking):
        is_one = len({tuple(ts) for ts in extra}) == 1
        says = f"{extra[0]} beside the timesteps due" if is_one else "one timestep too many"
    if turned != lists and says:
        says += "; and the least noisy first"
    lines += [("yours is", says)] if says else []
    return Finding(says or "a list of another length", tuple(lines), named=bool(says))
