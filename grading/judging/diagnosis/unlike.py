"""What is no formula at all: another answer each time, or one that is not linear, or right for some samples only."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from grading.judging import closed_form
from grading.judging.diagnosis.finding import Finding
from grading.judging.diagnosis.measure import SINGLE, arguments, call, fit, measure, numbers
from grading.judging.diagnosis.search.formulas import FORMULAS, evaluate
from grading.judging.diagnosis.sites import UNEVEN, Site, inside, letters_at

SMALL = 1e-4  # of arguments so small that nothing is clipped
BOUNDS = (1.0, 2.0, 3.0, 5.0, 10.0, 20.0)
X0_CLIPPED = "x0 clipped"


def _different(left: Tensor, right: Tensor) -> bool:
    return left.shape != right.shape or not torch.allclose(left, right, rtol=1e-6, atol=1e-9, equal_nan=True)


def unsteady(f: Callable, function: str) -> Finding | None:
    """Whether the same call gives the same answer, at once and after other calls."""
    first, *others = inside(function)
    given = arguments(function, first, (1, 12))
    try:
        answers = [call(f, function, first, given) for _ in range(4)]
        if any(_different(answers[0], again) for again in answers[1:]):
            return _random(f, function, first, given, answers)
        twin = Site(UNEVEN.to(torch.float64)._replace(alphas_cumprod=UNEVEN.alphas_cumprod * 0.9), 3, 1, 0.5)
        same_length = Site(_other(first), first.t, first.t_prev, first.eta)
        for site in (others[0], twin, same_length):
            call(f, function, site, arguments(function, site, (1, 12), 1))
        if _different(answers[0], call(f, function, first, given)):
            says = "another answer after other calls: something is kept from one call to the next"
            return Finding(says, (("measured", f"{says} (tables, a counter, an argument that is changed)"),))
        before = call(f, function, same_length, given)
        call(f, function, first, given)
        if _different(before, call(f, function, same_length, given)):
            return Finding("another answer after other calls: something is kept from one call to the next")
    except (RuntimeError, ValueError, TypeError, AttributeError, IndexError):
        return None
    return None


def _other(site: Site):  # type: ignore[no-untyped-def]
    """A schedule of the same length with other numbers."""
    betas = site.schedule.betas.flip(0)
    return type(site.schedule)(betas, 1 - betas, (1 - betas).cumprod(0))


def _random(f: Callable, function: str, site: Site, given: list[Tensor], answers: list[Tensor]) -> Finding:
    """Which part of the answer is another one each time."""
    vectors = FORMULAS[function][0].vectors
    fits = [fit(answer, given) for answer in answers]
    factors = np.array([found[:-1] for found, _ in fits])
    changing = [v for v, column in zip(vectors, factors.T) if not np.allclose(column, column[0], rtol=1e-6, atol=1e-9)]
    if all(left < SINGLE for _, left in fits):
        shown = ", ".join(f"{number:.3g}" for number in factors[:3, vectors.index(changing[0])])
        says = f"the factor of {' and '.join(changing)} is another one each time"
        return Finding(says, (("measured", f"{says}, for the same call: {shown}"),))
    zero = [torch.zeros_like(x) for x in given]
    alone = [call(f, function, site, zero) for _ in range(2)]
    if _different(*alone):
        says = "the same call gives another answer each time: it adds random numbers of its own"
        used = _uses_noise(f, function, site, given)
        says += "" if used else ", and not the noise that it is given"
        return Finding(says, (("measured", says),))
    says = "the same call gives another answer each time: something in it is random (dropout, a random sign or scale)"
    return Finding(says, (("measured", says),))


def _uses_noise(f: Callable, function: str, site: Site, given: list[Tensor]) -> bool:
    """Whether the answer follows the noise given; asked with noise so large that what is random is small beside it."""
    return float(call(f, function, site, [*given[:-1], 1e6 * given[-1]]).abs().max()) > 1e3


def not_linear(f: Callable, function: str) -> Finding:
    """What is clipped, or that entries of the answer depend on more than their own place."""
    sites = inside(function)
    small = measure(f, function, sites, scale=SMALL)
    vectors = FORMULAS[function][0].vectors
    if small.is_linear and np.isfinite(small.factors).all():
        for what, says, choice in _clips(f, function, sites[0], small.factors[0]):
            letters = letters_at(function, sites)
            due = np.broadcast_to(evaluate(FORMULAS[function][0].lines, letters), small.factors.shape)
            wrong = [v for v, c in zip(vectors, np.isclose(small.factors, due, rtol=1e-6, atol=1e-9).all(0)) if not c]
            more = (("and", f"the factor of {' and '.join(wrong)} is wrong for small numbers too"),) if wrong else ()
            why = (
                (("choice", "legal for pixels, which lie in [-1, 1]: the points of this kata do not"),)
                if choice
                else ()
            )
            return Finding(says, (("measured", f"{says}: right for small numbers, not for large ones"), *why, *more),
                           choice if not wrong else "")  # fmt: skip
        says = "not linear: right for small numbers, and not for large ones; is something clipped?"
        return Finding(says, (("measured", says),), named=False)
    given = arguments(function, sites[0], (1, 12))
    before = call(f, function, sites[0], given)
    for name, x in zip(vectors, given):
        x[0, 0] += 1
        after = call(f, function, sites[0], given)
        x[0, 0] -= 1
        if after.shape == before.shape and _different(after.flatten()[1:], before.flatten()[1:]):
            says = f"one entry of {name} changes other entries of the answer: every entry has its own sum"
            return Finding(says, (("measured", f"{says} (no mean, norm or product of tensors)"),))
    says = f"not a sum of factors times {', '.join(vectors)}: something is squared, rounded, clipped or added"
    return Finding(says, (("measured", says),), named=False)


def _clips(f: Callable, function: str, site: Site, factors: np.ndarray) -> Iterator[tuple[str, str, str]]:
    """What, clipped to which bound, gives the answers to large numbers."""
    given = arguments(function, site, (1, 200), scale=4.0)
    answer = call(f, function, site, given).flatten()
    if answer.numel() != 200:
        return
    flat = [x.flatten() for x in given]
    plain = _total(factors, flat)
    ab = site.schedule.alphas_cumprod[site.t]
    bounds = sorted({*BOUNDS, float(answer.abs().max())}, key=lambda b: b not in BOUNDS)
    for bound in bounds:
        for name, x, factor in zip(FORMULAS[function][0].vectors, flat, factors):
            if _matches(answer, plain + float(factor) * (x.clamp(-bound, bound) - x)):
                yield name, f"{name} is clipped to [-{bound:g}, {bound:g}]", ""
        if _matches(answer, plain.clamp(-bound, bound)):
            yield "answer", f"the answer is clipped to [-{bound:g}, {bound:g}]", ""
        if function != "q_sample":
            x0 = closed_form.predict_x0(flat[0], site.t, flat[1], site.schedule)
            if function == "ddim_step":
                of_x0 = float(factors[0]) * float(ab) ** 0.5
            else:
                of_x0 = float(closed_form.posterior(torch.tensor(1.0), torch.tensor(0.0), site.t, site.schedule)[0])
            if _matches(answer, plain + of_x0 * (x0.clamp(-bound, bound) - x0)):
                yield "x0", f"x0 is clipped to [-{bound:g}, {bound:g}]", X0_CLIPPED


def _total(factors: np.ndarray, given: list[Tensor]) -> Tensor:
    return torch.stack([float(factor) * x for factor, x in zip(factors, given)]).sum(0)


def _matches(left: Tensor, right: Tensor) -> bool:
    return torch.allclose(left, right, rtol=1e-5, atol=1e-6)


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
        due = _total(factors, given)
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
    return answer.shape == due.shape and _matches(answer, due)


def _some_shapes(right: list, wrong: list, name: str) -> Finding | None:
    if not wrong or not right:
        return None
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
    if _matches(factors, due[None, :].expand(5, 5)):
        says = "a factor of shape (B,) that runs along the last dim, not along the batch: reshape it to (B, 1, ...)"
    elif _matches(factors, due[:1, None].expand(5, 5)):
        says = "every sample is given the factors of t[0]: each has its own t"
    elif _matches(factors, factors[:1, :1].expand(5, 5)):
        says = "the whole batch is given one factor: each sample has its own t"
    elif _matches(factors, due.flip(0)[:, None].expand(5, 5)):
        says = "the samples are given each other's t"
    return Finding(says, (("measured", says),)) if says else None
