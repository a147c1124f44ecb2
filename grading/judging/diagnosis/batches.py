"""Right for one sample at a time: for which shapes and batches is a step wrong, and whose factors do samples get?"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from grading.judging import closed_form
from grading.judging.diagnosis.finding import Finding
from grading.judging.diagnosis.measure import arguments, call, numbers
from grading.judging.diagnosis.search.formulas import FORMULAS
from grading.judging.diagnosis.search.values import evaluate
from grading.judging.diagnosis.sites import UNEVEN, inside, letters_at
from grading.judging.diagnosis.unlike import same, total


def only_some(f: Callable, function: str) -> Finding | None:
    """Right for one sample at a time: in batches, whose t is used, and along which dim does the factor run?"""
    return _of_batches(f) if function == "q_sample" else _of_shapes(f, function)


SHAPES = ((5, 3), (5, 5), (5, 1), (5, 2, 2), (5, 1, 2, 2), (300, 2))


def _of_shapes(f: Callable, function: str) -> Finding | None:
    site = inside(function)[0]
    factors = evaluate(FORMULAS[function][0].lines, letters_at(function, (site,)))[0]
    right: list[tuple[int, ...]] = []
    wrong: list[tuple[int, ...]] = []
    for shape in SHAPES:
        given = arguments(function, site, shape)
        due = total(factors, given)
        (right if _is_right(lambda: call(f, function, site, given), due) else wrong).append(shape)  # noqa: B023
    return _some_shapes(right, wrong, FORMULAS[function][0].vectors[0])


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
    if same(factors, due[None, :].expand(5, 5)):
        says = "a factor of shape (B,) that runs along the last dim, not along the batch: reshape it to (B, 1, ...)"
    elif same(factors, due[:1, None].expand(5, 5)):
        says = "every sample is given the factors of t[0]: each has its own t"
    elif same(factors, factors[:1, :1].expand(5, 5)):
        says = "the whole batch is given one factor: each sample has its own t"
    elif same(factors, due.flip(0)[:, None].expand(5, 5)):
        says = "the samples are given each other's t"
    return Finding(says, (("measured", says),)) if says else None
