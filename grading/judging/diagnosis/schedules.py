"""What betas, the tables made of them, and a list of timesteps are, where they are not those due."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grading.judging import closed_form
from grading.judging.compare import shorten
from grading.judging.diagnosis.finding import Finding, Line, all_of, stated, table
from grading.judging.diagnosis.measure import name_of
from grading.judging.diagnosis.search.explain import Explanation, Search, matching
from grading.judging.diagnosis.search.schedule_formulas import BETAS, CALLS, EDGES, FORMULAS, letters_of
from grading.judging.diagnosis.search.values import Letters, Numbers, evaluate
from grading.judging.diagnosis.unlike import EACH_TIME, differs
from grading.judging.observations import carefully, in_float64
from grading.judging.step_rules import quietly
from grading.submission.contract import schedule_from

CLOSE, OTHERWISE = 1e-6, "something else"
COSINE = "cosine_beta_schedule"
SCALES = ("beta", "sqrt(beta)", "log(beta)", "beta ** 2", "beta ** (1/4)")  # in what betas may be evenly spaced


def schedule_finding(implementation: Any, function: str) -> Finding | None:
    """Which part of a schedule is another one: its length, its ends, its spacing; and what it is, if that is found."""
    f, calls = getattr(implementation, function), CALLS[function]
    ask = lambda *call: in_float64(lambda g: g(*call), f)  # noqa: E731
    made = [ask(*call) for call in calls]
    if not all(isinstance(betas, Tensor) and betas.ndim == 1 for betas in made):
        return None
    for betas, (T, *_) in zip(made, calls):
        if more := len(betas) - T:
            return stated(
                f"{len(betas)} betas for num_timesteps = {T}: {abs(more)} too {'many' if more > 0 else 'few'}"
            )
    if differs(ask(*calls[0]), made[0]):
        return stated(EACH_TIME)
    formula = getattr(closed_form, function)
    made, due = [betas.double() for betas in made], [formula(*call) for call in calls]
    wrong = [seen for seen in zip(calls, made, due) if not torch.allclose(*seen[1:], CLOSE)]
    if not wrong:
        return _elsewhere(ask, formula, {f"{function}{call}": call for call in EDGES[function]})
    b, bar = torch.cat(due), torch.cat([(1 - betas).cumprod(0) for betas in due])
    known = {"alpha = 1 - beta": 1 - b, "alpha_bar": bar, "1 - alpha_bar": 1 - bar}
    if name := name_of(torch.cat(made), known):
        return stated(f"{name} is returned, where beta belongs")
    (call, yours, right), *_ = wrong
    close, most = torch.isclose(yours, right, CLOSE, 1e-9), int((yours / right - 1).abs().argmax())
    places = sorted({most: f"t = {most}", 0: "first", len(right) - 1: "last"}.items())
    rows = [(name, float(yours[i]), float(right[i]), "right" if close[i] else "wrong") for i, name in places]
    lines = table("measured", f"{function}{call}", rows)
    if function == COSINE:
        return _of_cosine(made, lines)
    lines.append(("spaced", f"evenly in {_spacing(yours)}; due: evenly in {_spacing(right)}"))
    best = best_of(function, torch.cat(made)[:, None].numpy(), letters_of(function))
    return told(best, lines, "another line than beta_start ... beta_end")


def _elsewhere(ask: Callable, due: Callable, calls: dict[str, tuple]) -> Finding | None:
    """Right wherever it was measured: is it in other calls?"""
    for where, call in calls.items():
        if (answer := quietly(partial(ask, *call))) is None:
            continue
        yours, right = (torch.as_tensor(seen).double() for seen in (answer, due(*call)))
        if differs(yours, right, rtol=1e-4, atol=1e-6):
            first, second = (shorten([f"{x:.4g}" for x in xs.flatten()]).replace("'", "") for xs in (yours, right))
            return stated(f"right elsewhere; {where.replace(',)', ')')} is {first}, and {second} is due", named=False)
    return None


def _spacing(betas: Tensor) -> str:
    """In what the betas are evenly spaced."""
    gaps = {scale: np.diff(evaluate({"gaps": scale}, {"beta": betas.numpy()}))[0] for scale in SCALES}
    even = (scale.replace(" ** ", "^") for scale, gap in gaps.items() if np.allclose(gap, gap[0], 1e-5, 1e-9))
    return next(even, "neither beta nor sqrt(beta)")


def best_of(name: str, measured: Numbers, letters: Letters) -> Explanation | None:
    search = Search(measured, letters, 1e-7)
    found = [e for e in search.explanations(FORMULAS[name], depth=2) if e.whole]
    return found[0] if found else search.two_changes(FORMULAS[name][0])


def told(best: Explanation | None, lines: list[Line], otherwise: str) -> Finding:
    if best is None or not best.says():
        return Finding(otherwise, tuple(lines), named=False)
    return Finding(best.says(), (*lines, *best.told()), formula=dict(best.lines))


def _of_cosine(made: list[Tensor], lines: list[Line]) -> Finding:
    """The clip is measured by itself: where it holds, nothing else is seen."""
    letters, measured = letters_of(COSINE), torch.cat(made)[:, None].numpy()
    tops = torch.cat([betas.max().expand(len(betas)) for betas in made])[:, None].numpy()
    due, bounds, lowest = evaluate(FORMULAS[COSINE][0].lines, letters), letters["end"], measured.min()
    clip = f"the largest beta is {tops[0, 0]:.4g} where max_beta is {bounds[0, 0]:g}"
    clip = "" if np.allclose(tops, bounds, CLOSE) else clip
    low = f"the smallest beta is {lowest:.4g}: there is no lower bound" if lowest > due.min() + 1e-9 else ""
    turned = "max_beta bounds the betas from below: clamp(max=max_beta) bounds them from above"
    free, both = (measured < tops - 1e-9)[:, 0], "; ".join(filter(None, (clip, low)))
    for says, like in {turned: np.maximum(due, bounds), both: np.minimum(np.maximum(due, lowest), tops)}.items():
        if says and free.any() and matching(like, measured, CLOSE).all():
            return Finding(says, (*lines, ("yours is", says)))
    kept = {name: column[free] for name, column in letters.items()}
    best = best_of(COSINE, measured[free], kept) if free.sum() > 8 else None
    found = told(best, lines, "betas that do not follow eq. 17")
    is_bound = best is None or matching(np.minimum(evaluate(best.lines, letters), bounds), measured, CLOSE)[0]
    return found.also(clip) if clip and not is_bound else found


def tables_finding(implementation: Any, function: str) -> Finding | None:
    """Which of the three tables of make_schedule is another one, and what it is."""
    betas, ask = torch.tensor(BETAS, dtype=torch.float64), carefully(implementation.make_schedule)
    made, due = ask(betas), schedule_from(betas)._asdict()
    if isinstance(made, (tuple, dict, list)) and not hasattr(made, "betas"):
        return stated(f"a {type(made).__name__} without names: the tables are asked for by name, as in schedule.alphas")
    tables: dict[str, Any] = {name: getattr(made, name, None) for name in due}
    if not all(isinstance(table, Tensor) for table in tables.values()):
        return None
    seen = {name: _table(table.detach().double(), due, name) for name, table in tables.items()}
    if found := all_of(f"{name} is {what}" for name, what in seen.items() if what):
        return replace(found, named=OTHERWISE not in seen.values())
    others = {"other betas, as many as before,": betas.flip(0), "200 betas of 0.05": 0 * betas[0].expand(200) + 0.05,
              "one beta": betas[1:2]}  # fmt: skip
    calls = {f"{name} of {what}": (name, other) for name in due for what, other in others.items()}
    yours, right = (lambda name, b, make=make: getattr(make(b), name) for make in (ask, schedule_from))
    return _elsewhere(yours, right, calls)


def _table(table: Tensor, due: dict[str, Tensor], name: str) -> str:
    """What a table is; empty where it is right."""
    if table.shape != due[name].shape:
        before = f", {table[0]:g} before what is due" if table.ndim and not differs(table[1:], due[name]) else ""
        return f"of shape {tuple(table.shape)}{before}: one entry for each t is due"
    if other := name_of(table, due | {f"{known}, turned": right.flip(0) for known, right in due.items()}):
        return f"the table {other}" if other != name else ""
    best = best_of(name, table.numpy()[:, None], letters_of("make_schedule"))
    return best.says().removeprefix(f"{name} = ") if best else OTHERWISE


def list_finding(implementation: Any, function: str) -> Finding | None:
    """How the timesteps are spaced, and where they end."""
    f, calls = implementation.ddim_timesteps, CALLS[function]
    made = (f(*pair) for pair in (*calls, calls[-1]))
    lists: list = [[*map(int, ts)] if isinstance(ts, list) else ts for ts in made]  # one list may serve them all
    due = [closed_form.ddim_timesteps(*pair) for pair in calls]
    if not all(isinstance(ts, list) for ts in lists):
        return None
    if lists.pop() != lists[-1]:
        return stated(EACH_TIME)
    if lists == due:
        return _elsewhere(f, closed_form.ddim_timesteps, {f"{function}{call}": call for call in EDGES[function]})
    (T, S), first, right = next(seen for seen in zip(calls, lists, due) if seen[1] != seen[2])
    yours: Line = ("measured", f"yours {shorten(first)}, due {right}, for T = {T} and S = {S}")
    has_lengths = [*map(len, lists)] == [*map(len, due)]
    for turn, also in ((1, ()), (-1, ("the least noisy first: the noisiest comes first",))):
        turned = [ts[::turn] for ts in lists]
        if name := _known(turned):
            says = "; ".join((name, *also))
            return Finding(says, (yours, ("yours is", says)))
        column = np.concatenate(turned)[:, None].astype(float)
        if has_lengths and (best := best_of(function, column, letters_of(function))):
            return told(best, [yours], "").also(*also)
    says = "other timesteps than i * (T // S)" if has_lengths else "a list of another length"
    return Finding(says, (yours,), named=False)


def _known(lists: list[list[int]]) -> str:
    """What lists that should go downwards are, by name; empty where they have none."""
    shifts = {"": 0, ", each + 1": 1, ", each - 1": -1}
    for (shifted, shift), (how, whole), (name, walk) in product(shifts.items(), WHOLE.items(), WALKS.items()):
        if lists == [sorted((whole(t) + shift for t in walk(*pair)), reverse=True) for pair in CALLS["ddim_timesteps"]]:
            return f"{name}{how}{shifted}"
    return ""


WHOLE: dict[str, Callable[[float], float]] = {"": float, ", rounded down": int, ", rounded": round}
WALKS: dict[str, Callable[[int, int], Iterable[float]]] = {
    "the right timesteps": lambda T, S: (i * (T // S) for i in range(S)),
    "0 is left out: the last timestep is 0": lambda T, S: (i * (T // S) for i in range(1, S)),
    "every multiple of T // S below T: more than S where S does not divide T": lambda T, S: range(0, T, T // S),
    "all T timesteps: num_inference_steps is not used": lambda T, S: range(T),
    "a stride of S: S is the number of steps": lambda T, S: range(0, T, S),
    "from T - 1 down by T // S, as long as it goes: it ends at 0": lambda T, S: range((T - 1) % (T // S), T, T // S),
    "from T - 1 down by T // S: it ends at 0": lambda T, S: (T - 1 - i * (T // S) for i in range(S)),
    "i = 0 ... S: one timestep too many": lambda T, S: (i * (T // S) for i in range(S + 1)),
    "-1 beside the timesteps due": lambda T, S: (-1, *(i * (T // S) for i in range(S))),
    "T - 1 beside the timesteps due": lambda T, S: (T - 1, *(i * (T // S) for i in range(S))),
    "(i + 1) * (T // S): the strides start at 0": lambda T, S: ((i + 1) * (T // S) for i in range(S)),
    "the noisiest multiples of T // S: it ends at 0": lambda T, S: range(0, T, T // S)[-S:],
    "the noisiest one by one: the stride is missing": lambda T, S: range(T - S, T),
    "i * T / S, with a stride that is no whole number": lambda T, S: (i * T / S for i in range(S)),
    "evenly from 0 to T - 1 (linspace)": lambda T, S: np.linspace(0, T - 1, S),
    "spaced quadratically": lambda T, S: np.linspace(0, 1, S) ** 2 * (T - 1),
}
