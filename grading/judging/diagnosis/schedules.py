"""What betas, the tables made of them, and a list of timesteps are, where they are not those due."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grading.judging import closed_form
from grading.judging.compare import shorten
from grading.judging.diagnosis.finding import Finding, Line, stated, table
from grading.judging.diagnosis.measure import name_of
from grading.judging.diagnosis.search.changes import simplified
from grading.judging.diagnosis.search.explain import Explanation, Search, matching
from grading.judging.diagnosis.search.schedule_formulas import BETAS, CALLS, FORMULAS, letters_of
from grading.judging.diagnosis.search.values import Letters, Numbers, attempt, evaluate
from grading.judging.observations import carefully, in_float64

CLOSE, OTHERWISE = 1e-6, "something else"
COSINE = "cosine_beta_schedule"
SCALES = ("beta", "sqrt(beta)", "log(beta)", "beta ** 2", "beta ** (1/4)")  # in what betas may be evenly spaced


def schedule_finding(implementation: Any, function: str) -> Finding | None:
    """Which part of a schedule is another one: its length, its ends, its spacing; and what it is, if that is found."""
    f, calls = getattr(implementation, function), CALLS[function]
    made = [in_float64(lambda g, call=call: g(*call), f) for call in calls]  # type: ignore[misc]
    if not all(isinstance(betas, Tensor) and betas.ndim == 1 for betas in made):
        return None
    for betas, (T, *_) in zip(made, calls):
        if more := len(betas) - T:
            says = f"{abs(more)} beta{'s' * (abs(more) > 1)} too {'many' if more > 0 else 'few'}"
            return Finding(says, (("measured", f"{says}: {len(betas)} for num_timesteps = {T}"),))
    made, due = [betas.double() for betas in made], [getattr(closed_form, function)(*call) for call in calls]
    wrong = [seen for seen in zip(calls, made, due) if not torch.allclose(*seen[1:], CLOSE)]
    if not wrong:
        return _defaults(f, function)
    b, bar = torch.cat(due), torch.cat([(1 - betas).cumprod(0) for betas in due])
    known = {"alpha = 1 - beta": 1 - b, "alpha_bar": bar, "1 - alpha_bar": 1 - bar}
    if name := name_of(torch.cat(made), known):
        return stated(f"{name} is returned, where beta belongs")
    (call, yours, right), *_ = wrong
    places = {"first": 0, "middle": len(right) // 2, "last": -1} if function == COSINE else {"first": 0, "last": -1}
    marks = ["right" if close else "wrong" for close in torch.isclose(yours, right, CLOSE, 1e-9)]
    rows = [(name, float(yours[at]), float(right[at]), marks[at]) for name, at in places.items()]
    lines = table("measured", f"{function}{call}", rows)
    if function == COSINE:
        return _of_cosine(made, lines)
    lines.append(("spaced", f"evenly in {_spacing(yours)}; due: evenly in {_spacing(right)}"))
    bends = (made[1] / made[1].abs().max()).diff(n=2).round(decimals=5)
    may_fit = (bends[1:] * bends[:-1] < 0).sum() < 5 or made[1].min() <= 0  # a likely line does not zigzag above 0
    best = best_of(function, torch.cat(made)[:, None].numpy(), letters_of(function)) if may_fit else None
    return told(best, lines, "another line than beta_start ... beta_end")


def _defaults(f: Callable, function: str) -> Finding | None:
    """Right where the ends are given: are they where they are not?"""
    first, last = in_float64(lambda g: g(1000), f)[[0, -1]].tolist()
    right = np.isclose((first, last), getattr(closed_form, function)(1000)[[0, -1]], 1e-3, 0.0)
    if right.all():
        return None
    if function != COSINE:
        return stated(f"the default ends are {first:.4g} and {last:.4g}: 1e-4 and 0.02 are due")
    if right[0]:
        return stated(f"the default max_beta is {last:.4g}: 0.999 is due")
    return stated(f"with 1000 steps the first beta is {first:.4g}: 4.128e-05 is due, and there is no lower bound")


def _spacing(betas: Tensor) -> str:
    """In what the betas are evenly spaced."""
    with np.errstate(all="ignore"):
        gaps = {scale: np.diff(attempt(scale, {"beta": betas.numpy()}))[0] for scale in SCALES}
    even = (scale.replace(" ** ", "^") for scale, gap in gaps.items() if np.allclose(gap, gap[0], 1e-5, 1e-9))
    return next(even, "neither beta nor sqrt(beta)")


def best_of(name: str, measured: Numbers, letters: Letters) -> Explanation | None:
    search = Search(measured, letters, 1e-7)
    found = [e for e in search.explanations(FORMULAS[name], depth=2) if e.whole]
    return found[0] if found else search.two_changes(FORMULAS[name][0])


def told(best: Explanation | None, lines: list[Line], otherwise: str) -> Finding:
    if best is None:
        return Finding(otherwise, tuple(lines), named=False)
    return Finding(best.says(), (*lines, *best.told()), formula=dict(best.lines))


def _of_cosine(made: list[Tensor], lines: list[Line]) -> Finding:
    """The clip is measured by itself: where it holds, nothing else is seen."""
    letters, measured = letters_of(COSINE), torch.cat(made)[:, None].numpy()
    tops = torch.cat([betas.max().expand(len(betas)) for betas in made])[:, None].numpy()
    due, bounds = evaluate(FORMULAS[COSINE][0].lines, letters), letters["end"]
    free = np.where(measured < tops - 1e-9, measured, np.nan)
    lowest = np.nanmin(free, initial=np.inf)
    clip = f"the largest beta is {tops[0, 0]:.4g} where max_beta is {bounds[0, 0]:g}"
    clip = "" if np.allclose(tops, bounds, CLOSE) else clip
    low = f"the smallest beta is {lowest:.4g}: there is no lower bound"
    above = np.where(free > lowest + 1e-12, free, np.nan)
    turned = "max_beta bounds the betas from below: clamp(max=max_beta) bounds them from above"
    for says, seen, like in ((clip, free, due), (low, above, due), (turned, measured, np.maximum(due, bounds))):
        if says and np.isfinite(seen).any() and matching(like, seen, CLOSE)[0]:
            return Finding(says, (*lines, ("yours is", says)))
    rows = np.isfinite(free[:, 0])
    kept = {name: column[rows] for name, column in letters.items()}
    best = best_of(COSINE, free[rows], kept) if rows.sum() > 8 else None
    found = told(best, lines, "betas that do not follow eq. 17")
    if best is None or not clip or matching(np.minimum(evaluate(best.lines, letters), bounds), measured, CLOSE)[0]:
        return found
    return found.also(clip)


def tables_finding(implementation: Any, function: str) -> Finding | None:
    """Which of the three tables of make_schedule is another one, and what it is."""
    betas = torch.tensor(BETAS, dtype=torch.float64)
    made = carefully(implementation.make_schedule)(betas)
    due = dict(zip(("betas", "alphas", "alphas_cumprod"), closed_form.make_schedule(betas)))
    if isinstance(made, (tuple, dict, list)) and not hasattr(made, "betas"):
        return stated(f"a {type(made).__name__} without names: the tables are asked for by name, as in schedule.alphas")
    tables: dict[str, Any] = {name: getattr(made, name, None) for name in due}
    if not all(isinstance(table, Tensor) for table in tables.values()):
        return None
    found = {name: _table(table.detach().double(), due, name) for name, table in tables.items()}
    lines = tuple(("measured", f"{name} is {what}") for name, what in found.items() if what)
    says = "; ".join(f"{name}: {what}" for name, what in found.items() if what)
    return Finding(says, lines, named=OTHERWISE not in found.values()) if lines else None


def _table(table: Tensor, due: dict[str, Tensor], name: str) -> str:
    """What a table is; empty where it is right."""
    if table.ndim == 0:
        return "one number: the product of all alphas? cumprod keeps the product up to each t"
    if len(table) != len(BETAS):
        is_longer = len(table) == len(BETAS) + 1 and torch.allclose(table[1:], due[name])
        before = f", with {table[0]:g} before it: it has one entry for each t" if is_longer else ""
        return f"of length {len(table)}{before}"
    if other := name_of(table, due):
        return f"the table {other}" if other != name else ""
    best = best_of(name, table.numpy()[:, None], letters_of("make_schedule"))
    if best is None or (best.formula.name and not best.changed):
        return best.formula.name if best else OTHERWISE
    written = {line: best.formula.written(simplified(text)) for line, text in best.lines.items()}
    with_alpha = f", with alpha = {written['alpha']}" if "alpha" in written["result"] else ""
    return written["result"] + with_alpha.removesuffix(", with alpha = 1 - beta")


def list_finding(implementation: Any, function: str) -> Finding | None:
    """How the timesteps are spaced, and where they end."""
    made = (implementation.ddim_timesteps(*pair) for pair in CALLS[function])
    lists: list = [[int(t) for t in ts] if isinstance(ts, list) else ts for ts in made]  # one list may serve them all
    due = [closed_form.ddim_timesteps(*pair) for pair in CALLS[function]]
    if lists == due or not all(isinstance(ts, list) for ts in lists):
        return None
    (T, S), first, right = next(seen for seen in zip(CALLS[function], lists, due) if seen[1] != seen[2])
    yours: Line = ("measured", f"yours {shorten(first)}, due {right}, for T = {T} and S = {S}")
    has_lengths = [*map(len, lists)] == [*map(len, due)]
    for turn, also in ((1, ()), (-1, ("the least noisy first: the noisiest comes first",))):
        turned = [ts[::turn] for ts in lists]
        if name := _known(turned, due):
            says = "; ".join((name, *also))
            return Finding(says, (yours, ("yours is", says)))
        column = np.concatenate(turned)[:, None].astype(float)
        if has_lengths and (best := best_of(function, column, letters_of(function))):
            return told(best, [yours], "").also(*also)
    says = "other timesteps than i * (T // S)" if has_lengths else "a list of another length"
    return Finding(says, (yours,), named=False)


def _known(lists: list[list[int]], due: list[list[int]]) -> str:
    """What lists that should go downwards are, by name; empty where they have none."""
    for shift, shifted in ((0, ""), (1, ", each + 1"), (-1, ", each - 1")):
        for name, walk in WALKS.items():
            walks = ((int(t) + shift for t in walk(*pair)) for pair in CALLS["ddim_timesteps"])
            if lists == [sorted(ts, reverse=True) for ts in walks]:
                return f"{name}{shifted}"
    extra = [[t for t in ts if t not in right] for ts, right in zip(lists, due)]
    is_one = all(more == extra[0] for more in extra)
    name = f"{extra[0]} beside the timesteps due" if is_one else "one timestep too many"
    return name if lists == [sorted(right + more, reverse=True) for right, more in zip(due, extra)] else ""


WALKS: dict[str, Callable[[int, int], Iterable[float]]] = {
    "the right timesteps": lambda T, S: (i * (T // S) for i in range(S)),
    "0 is left out: the last timestep is 0": lambda T, S: (i * (T // S) for i in range(1, S)),
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
