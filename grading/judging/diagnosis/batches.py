"""Right for one sample at a time: for which shapes and batches is a step wrong, and whose factors do samples get?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from grading.judging import closed_form
from grading.judging.diagnosis.finding import Finding
from grading.judging.diagnosis.measure import Measured, arguments, call, numbers
from grading.judging.diagnosis.search.formulas import FORMULAS
from grading.judging.diagnosis.search.values import evaluate
from grading.judging.diagnosis.sites import UNEVEN, Site, inside, letters_at
from grading.judging.diagnosis.unlike import same, total


def only_some(f: Callable, function: str) -> Finding | None:
    """Right for one sample at a time: in batches, whose t is used, and along which dim does the factor run?"""
    return _of_batches(f) if function == "q_sample" else _of_shapes(f, function)


SHAPES = ((5, 3), (5, 5), (5, 1), (5, 2, 2), (5, 1, 2, 2), (300, 2))


def _of_shapes(f: Callable, function: str) -> Finding | None:
    return _of_shapes_at(f, function, inside(function)[0])


def for_some_shapes(f: Callable, function: str, sites: tuple[Site, ...], measured: Measured) -> Finding | None:
    """Where one sample alone goes wrong: whether batches are right there, or samples of one entry."""
    due = evaluate(FORMULAS[function][0].lines, letters_at(function, sites))
    close = np.all(np.isclose(measured.factors, due, rtol=1e-6, atol=1e-9), axis=1)
    right = close & (np.abs(measured.added) < 1e-6)
    wrong = [site for site, is_right in zip(sites, right) if not is_right]
    found = _of_shapes_at(f, function, wrong[0], (*SHAPES, (1, 3))) if wrong else None
    return found if found and " and not for " in found.says else None


def _of_shapes_at(f: Callable, function: str, site: Site, shapes: tuple = SHAPES) -> Finding | None:
    vectors = FORMULAS[function][0].vectors
    factors = evaluate(FORMULAS[function][0].lines, letters_at(function, (site,)))[0]

    def is_right(given: list[Tensor]) -> bool:
        return _is_right(lambda: call(f, function, site, given), total(factors, given))

    asked = {shape: arguments(function, site, shape) for shape in shapes}
    right, wrong = ([s for s, given in asked.items() if is_right(given) == way] for way in (True, False))
    found = _some_shapes(right, wrong, vectors[0])
    if found is None:
        return None
    given = asked[wrong[0]]
    alone = [[x if x is one else torch.zeros_like(x) for x in given] for one in given]
    blamed = [name for name, arguments in zip(vectors, alone) if not is_right(arguments)]
    more = (("and", f"what is wrong there is the term of {blamed[0]}"),) if len(blamed) == 1 else ()
    return replace(found, lines=(*found.lines, *more))


def _is_right(ask: Callable[[], Tensor], due: Tensor) -> bool:
    try:
        answer = ask()
    except (RuntimeError, ValueError, TypeError, AttributeError, IndexError):
        return False
    except Exception as error:
        if getattr(error, "kind", "") != "crash":
            raise
        return False
    return answer.shape == due.shape and same(answer, due)


def _some_shapes(right: list, wrong: list, name: str) -> Finding | None:
    if not wrong:
        return None
    if not right:
        says = f"right for one sample alone, and for no batch: {name} of shape {_list(wrong[:3])} ..."
        return Finding(says, (("measured", says),))
    says = f"right for {name} of shape {_list(right)}, and not for {_list(wrong)}"
    return Finding(says, (("measured", says),))


def _list(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join(str(shape) for shape in shapes)


def _of_batches(f: Callable) -> Finding | None:
    t = torch.tensor([1, 4, 2, 5, 3])
    right: list[tuple[int, ...]] = []
    wrong: list[tuple[int, ...]] = []
    for shape in SHAPES:
        x0, noise, ts = numbers(*shape), numbers(*shape, seed=1), (t.repeat(60) if shape[0] == 300 else t)
        due = closed_form.q_sample(x0, ts, UNEVEN, noise)
        ask = lambda: f(x0, ts, UNEVEN, noise).detach().to(torch.float64)  # noqa: B023, E731
        (right if _is_right(ask, due) else wrong).append(shape)
    if not wrong:
        return None
    found = _whose_factor(f, t)
    return found or _some_shapes(right, wrong, "x0")


def _whose_factor(f: Callable, t: Tensor) -> Finding | None:
    """Where a batch has several t: the factor that each entry of (5, 5) gets."""
    zero, one = torch.zeros(5, 5, dtype=torch.float64), torch.ones(5, 5, dtype=torch.float64)
    try:
        factors = f(one, t, UNEVEN, zero).detach().to(torch.float64)
    except Exception as error:
        if getattr(error, "kind", "crash") != "crash":
            raise
        return None
    if factors.shape != one.shape:
        return None
    due = UNEVEN.alphas_cumprod[t] ** 0.5
    says = ""
    if same(factors, due[:, None].expand(5, 5)):
        return None
    if same(factors, due[None, :].expand(5, 5)):
        says = "a factor of shape (B,) that runs along the last dim, not along the batch: reshape it to (B, 1, ...)"
    elif same(factors, due[:1, None].expand(5, 5)):
        says = "every sample is given the factors of t[0]: each has its own t"
    elif same(factors, factors[:1, :1].expand(5, 5)):
        says = "the whole batch is given one factor: each sample has its own t"
    elif same(factors, factors[:, :1].expand(5, 5)) and same(factors[:, 0].sort().values, due.sort().values):
        says = "the samples are given each other's t"
    elif int((rows := (factors - due[:, None]).abs().amax(1) < 1e-6).sum()) == 4:
        says = f"one sample of 5 is wrong, number {int((~rows).nonzero())} of 0 ... 4"
    return Finding(says, (("measured", says),)) if says else None
