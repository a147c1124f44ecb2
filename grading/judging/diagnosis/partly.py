"""Right in part: inside the schedule and not at its edges, for some shapes, for one sample and not for a batch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from grading.judging import closed_form
from grading.judging.diagnosis.finding import Finding, for_some, stated
from grading.judging.diagnosis.measure import Measured, arguments, call, measure
from grading.judging.diagnosis.search.explain import Explanation, matching
from grading.judging.diagnosis.search.formulas import FORMULAS
from grading.judging.diagnosis.search.values import CLAMPED, evaluate
from grading.judging.diagnosis.sites import UNEVEN, Site, edges, inside
from grading.judging.step_rules import quietly

SHAPES: tuple[tuple[int, ...], ...] = ((5, 3), (5, 5), (5, 1), (5, 2, 2), (5, 1, 2, 2), (300, 2))
SITE, TIMES = Site(UNEVEN, 4, 2, 0.5), torch.tensor([1, 4, 2, 5, 3])  # several t in one batch are q_sample's alone


def edge_findings(f: Callable, function: str, inside: Explanation | None = None) -> list[Finding]:
    """One for each edge where the factors are neither those due nor those of the formula that holds inside."""
    found: dict[str, Finding] = {}
    for name, sites in edges(function).items():
        edge = f"{name} and t_prev = -1" if name == "t = 0" else name
        if any({*known.split(" and ")} <= {*edge.split(" and ")} for known in found):
            continue  # said already, of the wider one
        measured = measure(f, function, sites)
        if measured.errors:
            found[name] = Finding(f"at {name} it fails: {next(iter(measured.errors.values()))}")
        elif not _is_known(measured, inside):
            found[name] = _at(name, measured)
    return [*found.values()]


def _is_known(measured: Measured, inside: Explanation | None) -> bool:
    """Whether all is right here, or as in the formula inside; noise where none is due is a slip of its own."""
    if not measured.is_finite:
        return inside is not None and not np.isfinite(evaluate(inside.lines, measured.letters)).all()
    if all(measured.right) or inside is None:
        return all(measured.right)
    known = [{**measured.letters, **more} for more in ({}, {"sqrt": CLAMPED})]
    ways = [matching(evaluate(inside.lines, letters), measured.factors, measured.tolerance) for letters in known]
    open_columns = [column in inside.as_measured for column in range(len(measured.vectors))]
    explained = all(any(known) for known in zip(measured.right, max(ways, key=sum), open_columns))
    return explained and (measured.right[-1] or bool(measured.due[:, -1].any()))


def _at(name: str, measured: Measured) -> Finding:
    places = np.isfinite(measured.factors).all(1).sum()
    if not places:
        why = ": alpha_bar is 1 there, and there is no entry of the table for it" if "t_prev = -1" in name else ""
        return Finding(f"at {name} the answer is not a number{why}", named=False)
    best = measured.search().explanations(FORMULAS[measured.function], depth=2)[0]
    yours = best.says() if best.whole and places > 2 else ""
    says = f"at {name} {' and '.join(measured.wrong)} {'has' if len(measured.wrong) == 1 else 'have'} the wrong factor"
    lines = [*measured.table(), *([("yours is", yours)] if yours else [])]
    return Finding(f"{says}: {yours}" if yours else says, tuple(lines), named=bool(yours))


def only_some(f: Callable, function: str, alone: bool) -> Finding | None:
    """For which batches a step is right, and whose t or which term is wrong in the others.

    Where it is wrong for one sample `alone`: whether it is right there for others, or for samples of one entry.
    """
    site = next((s for s in inside(function) if not _is_right(f, function, s, (1, 3))), None) if alone else SITE
    if not alone and function == "q_sample" and (whose := _whose_factor(f)):
        return stated(whose)
    vectors, shapes = FORMULAS[function][0].vectors, (*SHAPES, (1, 3)) if alone else SHAPES
    if site is None:
        return None
    is_right = partial(_is_right, f, function, site)
    says = for_some(vectors[0], shapes, is_right)
    if not says or (alone and " and not for " not in says):
        return None
    wrong = next(shape for shape in shapes if not is_right(shape))
    blamed = [name for column, name in enumerate(vectors) if not is_right(wrong, column)]
    return stated(says).also(*(f"what is wrong there is the term of {name}" for name in blamed if len(blamed) == 1))


def _is_right(f: Callable, function: str, site: Site, shape: tuple[int, ...], column: int | None = None) -> bool:
    """Whether an answer for a shape is that due; for one argument alone, all others 0, if a column is given."""
    given = [x * (column in (None, i)) for i, x in enumerate(arguments(function, shape))]
    times = TIMES.repeat(shape[0] // len(TIMES)) if site is SITE else None
    due = call(getattr(closed_form, function), function, site, given, times)
    answer = quietly(partial(call, f, function, site, given, times))
    return isinstance(answer, Tensor) and answer.shape == due.shape and torch.allclose(answer, due, 1e-5, 1e-6)


def _whose_factor(f: Callable) -> str:
    """Where a batch has several t: the factor that each entry of (5, 5) gets."""
    one = torch.ones(5, 5, dtype=torch.float64)
    factors = quietly(partial(call, f, "q_sample", SITE, [one, 0 * one], TIMES))
    if factors is None or factors.shape != one.shape:
        return ""
    due = UNEVEN.alphas_cumprod[TIMES][:, None] ** 0.5
    permuted = torch.allclose(factors[:, 0].sort().values, due[:, 0].sort().values)
    wrong = ((factors - due).abs().amax(1) > 1e-6).nonzero().flatten().tolist()
    known = {
        "": due,
        "a factor of shape (B,) that runs along the last dim, not along the batch: reshape it to (B, 1, ...)": due.T,
        "every sample is given the factors of t[0]: each has its own t": due[:1],
        "the whole batch is given one factor: each sample has its own t": factors[:1, :1],
        "the samples are given each other's t": factors[:, :1] * (1 if permuted else float("nan")),
        f"one sample of 5 is wrong, number {(*wrong, 0)[0]} of 0 ... 4": factors
        * (1 if len(wrong) == 1 else float("nan")),
    }
    return next((says for says, made in known.items() if torch.allclose(factors, made + 0 * one, 1e-5)), "")
