"""What is no formula at all: another answer each time, or one that is not linear, or right for some samples only."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from grading.judging import closed_form
from grading.judging.diagnosis.factors import atoms_of
from grading.judging.diagnosis.finding import Finding, row
from grading.judging.diagnosis.measure import SINGLE, Measured, arguments, call, fit, measure
from grading.judging.diagnosis.search.explain import matching
from grading.judging.diagnosis.search.formulas import FORMULAS, written
from grading.judging.diagnosis.search.powers import product
from grading.judging.diagnosis.search.values import evaluate
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


def added_number(function: str, measured: Measured, letters: dict) -> Finding:
    """A number that is added to every entry: a term has lost its x_t, eps or noise."""
    formula = FORMULAS[function][0]
    due = np.broadcast_to(evaluate(formula.lines, letters), measured.factors.shape)
    right = matching(due, measured.factors, 1e-6)
    shown = int(np.nanargmax(np.abs(measured.added)))
    table = [(v, row(measured.factors[shown, i], due[shown, i], "right" if right[i] else "wrong"))
             for i, v in enumerate(formula.vectors)]  # fmt: skip
    text = written(product(measured.added, atoms_of(formula, letters)) or "", function)
    number = row(measured.added[shown], 0, "wrong")
    says = f"{text or 'a number'} is added to every entry: is a term without its {' or '.join(formula.vectors)}?"
    return Finding(
        says, (("measured", says), ("factor of", "yours      due"), *table, ("nothing", number)), named=bool(text)
    )


def not_linear(f: Callable, function: str) -> Finding:
    """What is clipped, or multiplied with what, or that entries depend on more than their own place."""
    sites, vectors = inside(function), FORMULAS[function][0].vectors
    small = measure(f, function, sites, scale=SMALL)
    if small.is_linear and np.isfinite(small.factors).all():
        clip = next(_clips(f, function, sites[0], small.factors[0]), None)
        says = f"{clip[0]}: right for small numbers, not for large ones" if clip else "right for small numbers alone"
        due = np.broadcast_to(evaluate(FORMULAS[function][0].lines, letters_at(function, sites)), small.factors.shape)
        wrong = [v for v, c in zip(vectors, np.isclose(small.factors, due, rtol=1e-6, atol=1e-9).all(0)) if not c]
        lines = [("measured", says)]
        if clip and clip[1]:
            lines.append(("choice", "legal for pixels, which lie in [-1, 1]: the points of this kata do not"))
        if wrong:
            lines.append(("and", f"the factor of {' and '.join(wrong)} is wrong for small numbers too"))
        return Finding(clip[0] if clip else says, tuple(lines), clip[1] if clip and not wrong else "", bool(clip))
    given = arguments(function, sites[0], (1, 12))
    before = call(f, function, sites[0], given)
    for name, x in zip(vectors, given):
        x[0, 0] += 1
        after = call(f, function, sites[0], given)
        x[0, 0] -= 1
        if after.shape == before.shape and _different(after.flatten()[1:], before.flatten()[1:]):
            says = f"one entry of {name} changes other entries of the answer: every entry has its own sum"
            return Finding(says, (("measured", f"{says} (no mean, norm or product of tensors)"),))
    terms = _products(f, function, sites[0])
    listed = ", ".join(vectors)
    says = f"it holds {' and '.join(terms)}: it is to be a sum of numbers times {listed}" if terms else (
        f"not a sum of numbers times {listed}: something is squared, rounded, clipped or divided by")  # fmt: skip
    return Finding(says, (("measured", says),), named=bool(terms))


def _products(f: Callable, function: str, site: Site) -> list[str]:
    """The products and quotients of two arguments that the answer is made of."""
    vectors = FORMULAS[function][0].vectors
    given = arguments(function, site, (1, 80))
    answer = call(f, function, site, given).flatten().numpy()
    flat = [x.flatten().numpy() for x in given]
    terms = {name: x for name, x in zip(vectors, flat)} | {"1": np.ones(80)}
    terms |= {f"1 / {name}": 1 / x for name, x in zip(vectors, flat)}
    for i, (a, x) in enumerate(zip(vectors, flat)):
        for j, (b, y) in enumerate(zip(vectors, flat)):
            terms |= {f"{a}^2" if i == j else f"{a} * {b}": x * y} if i <= j else {}
            terms |= {f"{a} / {b}": x / y} if i != j else {}
    factors, *_ = np.linalg.lstsq(np.stack(list(terms.values()), 1), answer, rcond=None)
    if not np.isfinite(answer).all() or np.abs(np.stack(list(terms.values()), 1) @ factors - answer).max() > 1e-6:
        return []
    return [name for name, factor in zip(terms, factors) if abs(factor) > 1e-6 and name not in vectors]


def _clips(f: Callable, function: str, site: Site, factors: np.ndarray) -> Iterator[tuple[str, str]]:
    """What, clipped to which bound, gives the answers to large numbers."""
    given = arguments(function, site, (1, 200), scale=4.0)
    answer = call(f, function, site, given).flatten()
    if answer.numel() != 200:
        return
    flat = [x.flatten() for x in given]
    plain = total(factors, flat)
    ab = site.schedule.alphas_cumprod[site.t]
    bounds = sorted({*BOUNDS, float(answer.abs().max())}, key=lambda b: b not in BOUNDS)
    for bound in bounds:
        for name, x, factor in zip(FORMULAS[function][0].vectors, flat, factors):
            if same(answer, plain + float(factor) * (x.clamp(-bound, bound) - x)):
                yield f"{name} is clipped to [-{bound:g}, {bound:g}]", ""
        if same(answer, plain.clamp(-bound, bound)):
            yield f"the answer is clipped to [-{bound:g}, {bound:g}]", ""
        if function != "q_sample":
            x0 = closed_form.predict_x0(flat[0], site.t, flat[1], site.schedule)
            if function == "ddim_step":
                of_x0 = float(factors[0]) * float(ab) ** 0.5
            else:
                of_x0 = float(closed_form.posterior(torch.tensor(1.0), torch.tensor(0.0), site.t, site.schedule)[0])
            if same(answer, plain + of_x0 * (x0.clamp(-bound, bound) - x0)):
                yield f"x0 is clipped to [-{bound:g}, {bound:g}]", X0_CLIPPED


def total(factors: np.ndarray, given: list[Tensor]) -> Tensor:
    return torch.stack([float(factor) * x for factor, x in zip(factors, given)]).sum(0)


def same(left: Tensor, right: Tensor) -> bool:
    return torch.allclose(left, right, rtol=1e-5, atol=1e-6)
