"""What the tables made of a schedule are, and a list of timesteps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grading.judging.compare import shorten
from grading.judging.diagnosis.finding import Finding, Line
from grading.judging.diagnosis.schedules import best_of, told
from grading.judging.diagnosis.search.schedule_formulas import BETAS, FORMULAS, letters_of, written
from grading.judging.diagnosis.search.simplify import simplified
from grading.judging.observations import carefully

LISTS = ((10, 3), (12, 4), (11, 4), (13, 5), (20, 3), (30, 7), (17, 6))


def tables_finding(implementation: Any, function: str) -> Finding | None:
    """Which of the three tables of make_schedule is another one, and what it is."""
    made = carefully(implementation.make_schedule)(BETAS)
    due = {"betas": BETAS, "alphas": 1 - BETAS, "alphas_cumprod": (1 - BETAS).cumprod(0)}
    if not all(isinstance(getattr(made, name, None), Tensor) for name in due):
        if isinstance(made, (tuple, dict, list)) and not hasattr(made, "betas"):
            says = f"a {type(made).__name__} without names: the tables are asked for by name, as in schedule.alphas"
            return Finding(says, (("measured", says),))
        return None
    lines, said = [], []
    for name, expected in due.items():
        table = getattr(made, name).detach().to(torch.float64)
        if table.shape == expected.shape and torch.allclose(table, expected, rtol=1e-6, atol=1e-9):
            continue
        what = _table(table, due, name)
        said.append(f"{name}: {what}")
        lines.append(("measured", f"{name} is {what}"))
    return (
        Finding("; ".join(said), tuple(lines), named=not any("something else" in text for text in said))
        if said
        else None
    )


def _table(table: Tensor, due: dict[str, Tensor], name: str) -> str:
    if table.ndim == 0:
        return "one number: the product of all alphas? cumprod keeps the product up to each t"
    if len(table) != len(BETAS):
        shifted = len(table) == len(BETAS) + 1 and torch.allclose(table[1:], due[name])
        return (
            f"of length {len(table)}, with {table[0]:g} before it: it has one entry for each t"
            if shifted
            else f"of length {len(table)}"
        )
    for other, expected in due.items():
        if other != name and torch.allclose(table, expected):
            return f"the table {other}"
    letters = letters_of("make_schedule", ())
    best = best_of(FORMULAS[name], table.numpy()[:, None], letters)
    if best is None:
        return "something else"
    if best.formula.name and not best.changed:
        return best.formula.name
    result, alpha = (simplified(best.lines.get(line, "1 - beta")) for line in ("result", "alpha"))
    return written(result) + (f", with alpha = {written(alpha)}" if alpha != "1 - beta" and "alpha" in result else "")


def list_finding(implementation: Any, function: str) -> Finding | None:
    """How the timesteps are spaced, and where they end."""
    made = (implementation.ddim_timesteps(*pair) for pair in LISTS)
    lists: list = [[int(t) for t in ts] if isinstance(ts, list) else ts for ts in made]  # one list may serve them all
    if not all(isinstance(ts, list) for ts in lists):
        return None
    due = [[i * (T // S) for i in reversed(range(S))] for T, S in LISTS]
    if lists == due:
        return None
    if lists == [ts[::-1] for ts in due]:
        says = "the right timesteps, the least noisy first: the noisiest comes first"
        return Finding(says, (("measured", says),))
    at = next(i for i, (ts, right) in enumerate(zip(lists, due)) if ts != right)
    T, S = LISTS[at]
    lines: list[Line] = [("measured", f"yours {shorten(lists[at])}, due {due[at]}, for T = {T} and S = {S}")]
    lengths = {len(ts) - pair[1] for ts, pair in zip(lists, LISTS)}
    if lengths == {0}:
        flat = np.array([t for ts in lists for t in ts], dtype=float)[:, None]
        turned = np.array([t for ts in lists for t in ts[::-1]], dtype=float)[:, None]
        letters = letters_of("ddim_timesteps", LISTS)
        best = best_of(FORMULAS["ddim_timesteps"], flat, letters)
        upwards = best is None and (best := best_of(FORMULAS["ddim_timesteps"], turned, letters)) is not None
        found = told(best, lines, "other timesteps than i * (T // S)")
        more = (("and", "the least noisy first: the noisiest comes first"),) if upwards else ()
        return replace(found, lines=(*found.lines, *more))
    return _of_lengths(lists, due, lines)


def _of_lengths(lists: list[list[int]], due: list[list[int]], lines: list[Line]) -> Finding:
    """Lists that are too long or too short."""
    known = {
        "every multiple of T // S below T: more than S where S does not divide T":
            lambda T, S: list(range(0, T, T // S))[::-1],
        "all T timesteps: num_inference_steps is not used": lambda T, S: list(range(T))[::-1],
        "a stride of S: S is the number of steps": lambda T, S: list(range(0, T, S))[::-1],
        "from T - 1 down by T // S, as long as it goes: it ends at 0": lambda T, S: list(range(T - 1, -1, -(T // S))),
    }  # fmt: skip
    turned = [sorted(ts, reverse=True) for ts in lists]
    says = next((name for name, make in known.items() if turned == [make(*pair) for pair in LISTS]), "")
    for shift in (1, -1):
        makes = {name: make for name, make in known.items() if turned == [[t + shift for t in make(*p)] for p in LISTS]}
        says = says or next((f"{name}, each {'+' if shift > 0 else '-'} 1" for name in makes), "")
    extra = [[t for t in ts if t not in d] for ts, d in zip(lists, due)]
    lacking = [[t for t in d if t not in ts] for ts, d in zip(lists, due)]
    if not says and all(not e for e in extra) and all(gone == [0] for gone in lacking):
        says = "0 is left out: the last timestep is 0"
    if not says and not any(lacking) and len({tuple(e) for e in extra}) == 1:
        says = f"{extra[0]} beside the timesteps due"
    if not says and not any(lacking):
        says = "one timestep too many"
    if turned != lists and says:
        says += "; and the least noisy first"
    lines = [*lines, ("yours is", says)] if says else lines
    return Finding(says or "a list of another length", tuple(lines), named=bool(says))
