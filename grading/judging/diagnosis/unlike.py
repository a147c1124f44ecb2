"""What is no formula at all: another answer each time, or one that is not linear, or right for small numbers only."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations_with_replacement, permutations

import numpy as np
import torch
from torch import Tensor

from grading.judging import closed_form
from grading.judging.diagnosis.finding import Finding, Line, row, stated
from grading.judging.diagnosis.measure import SINGLE, Measured, arguments, call, fit, measure
from grading.judging.diagnosis.search.formulas import FORMULAS
from grading.judging.diagnosis.sites import UNEVEN, Site, inside
from grading.submission.contract import schedule_from

SMALL = 1e-4  # of arguments so small that nothing is clipped
KEPT = "another answer after other calls: something is kept from one call to the next (tables, a counter, an argument)"
EACH_TIME = "the same call gives another answer each time"


def _different(left: Tensor, right: Tensor) -> bool:
    return left.shape != right.shape or not torch.allclose(left, right, rtol=1e-6, atol=1e-9, equal_nan=True)


def unsteady(f: Callable, function: str) -> Finding | None:
    """What is wrong where the same call gives another answer, at once or after other calls."""
    first, other, *_ = inside(function)
    given = arguments(function, (1, 12))
    answers = [call(f, function, first, given) for _ in range(4)]
    if any(_different(answers[0], again) for again in answers[1:]):
        return _random(f, function, first, given, answers)
    twin = Site(UNEVEN.to(torch.float64)._replace(alphas_cumprod=UNEVEN.alphas_cumprod * 0.9), 3, 1, 0.5)
    same_length = Site(schedule_from(first.schedule.betas.flip(0)), first.t, first.t_prev, first.eta)
    for site in (other, twin, same_length):
        before, after, again = (call(f, function, place, given) for place in (site, first, site))
        if _different(answers[0], after) or _different(before, again):
            return stated(KEPT)
    return None


def _random(f: Callable, function: str, site: Site, given: list[Tensor], answers: list[Tensor]) -> Finding:
    """Which part of the answer is another one each time."""
    fits = [fit(answer, given) for answer in answers]
    if all(left < SINGLE for _, left in fits):
        columns = zip(FORMULAS[function][0].vectors, np.array([factors for factors, _ in fits]).T)
        changing = [name for name, column in columns if not np.allclose(column, column[0], rtol=1e-6, atol=1e-9)]
        return stated(f"the factor of {' and '.join(changing)} is another one each time, for the same call")
    if not _different(*(call(f, function, site, [0 * x for x in given]) for _ in range(2))):
        return stated(f"{EACH_TIME}: something in it is random (dropout, a random sign or scale)")
    by_large_noise = call(f, function, site, [*given[:-1], 1e6 * given[-1]])  # what is random is small beside it
    unused = "" if float(by_large_noise.abs().max()) > 1e3 else ", and not the noise that it is given"
    return stated(f"{EACH_TIME}: it adds random numbers of its own{unused}")


def added_number(measured: Measured) -> Finding:
    """A number that is added to every entry: a term has lost its x_t, eps or noise."""
    formula, shown = FORMULAS[measured.function][0], int(np.nanargmax(np.abs(measured.added)))
    text = formula.written(measured.product(measured.added))
    says = f"{text or 'a number'} is added to every entry: is a term without its {' or '.join(formula.vectors)}?"
    return stated(says, *measured.table(), ("nothing", row(measured.added[shown], 0, "wrong")), named=bool(text))


def only_small(f: Callable, function: str) -> Finding | None:
    """What is clipped, where all is as it should be for small numbers, or is at least a sum of them."""
    small = measure(f, function, inside(function), scale=SMALL)
    if not (small.is_linear and small.is_finite):
        return None
    clipped, lines = _clipped(f, function, inside(function)[0], small.factors[0]), list[Line]()
    choice = "x0 clipped" if clipped.startswith("x0") else ""
    if choice:
        lines.append(("choice", "legal for pixels, which lie in [-1, 1]: the points of this kata do not"))
    if small.wrong:
        lines.append(("and", f"the factor of {' and '.join(small.wrong)} is wrong for small numbers too"))
    says = f"{clipped}: right for small numbers, not for large ones" if clipped else "right for small numbers alone"
    return stated(says, *lines, named=bool(clipped), choice="" if small.wrong else choice)


def not_linear(f: Callable, function: str) -> Finding:
    """What is multiplied with what, or that entries depend on more than their own place."""
    site, vectors = inside(function)[0], FORMULAS[function][0].vectors
    given = arguments(function, (1, 12))
    before = call(f, function, site, given)
    for i, name in enumerate(vectors):
        moved = [x + (j == i) * torch.eye(12, dtype=x.dtype)[:1] for j, x in enumerate(given)]
        after = call(f, function, site, moved)
        if after.shape == before.shape and _different(after.flatten()[1:], before.flatten()[1:]):
            says = f"one entry of {name} changes other entries of the answer: every entry has its own sum"
            return stated(f"{says} (no mean, norm or product of tensors)")
    listed = ", ".join(vectors)
    if terms := _products(f, function, site):
        return stated(f"it holds {' and '.join(terms)}: it is to be a sum of numbers times {listed}")
    says = f"not a sum of numbers times {listed}: something is squared, rounded, clipped or divided by"
    return stated(says, named=False)


def _products(f: Callable, function: str, site: Site) -> list[str]:
    """The products and quotients of two arguments that the answer is made of."""
    given = arguments(function, (1, 80))
    answer = call(f, function, site, given).flatten().numpy()
    single = {name: x.flatten().numpy() for name, x in zip(FORMULAS[function][0].vectors, given)}
    pairs = [*combinations_with_replacement(single, 2)]
    terms = {**single, "1": np.ones(80)} | {f"1 / {name}": 1 / x for name, x in single.items()}
    terms |= {f"{a}^2" if a == b else f"{a} * {b}": single[a] * single[b] for a, b in pairs}
    terms |= {f"{a} / {b}": single[a] / single[b] for a, b in permutations(single, 2)}
    columns = np.stack([*terms.values()], 1)
    factors, *_ = np.linalg.lstsq(columns, answer, rcond=None)
    if not np.isfinite(answer).all() or np.abs(columns @ factors - answer).max() > 1e-6:
        return []
    return [name for name, factor in zip(terms, factors) if abs(factor) > 1e-6 and name not in single]


def _clipped(f: Callable, function: str, site: Site, factors: np.ndarray) -> str:
    """What, clipped to which bounds, gives the answers to large numbers; empty where nothing does."""
    given = arguments(function, (1, 200), scale=4.0)
    answer = call(f, function, site, given)
    plain = torch.stack([float(factor) * x for factor, x in zip(factors, given)]).sum(0)
    parts = [*zip(FORMULAS[function][0].vectors, given, factors), ("the answer", plain, 1.0)]
    if function != "q_sample":
        one, zero = torch.tensor(1.0), torch.tensor(0.0)
        of_x0 = float(factors[0]) * float(site.schedule.alphas_cumprod[site.t]) ** 0.5
        if function == "ddpm_step":
            of_x0 = float(closed_form.posterior(one, zero, site.t, site.schedule)[0])
        parts.append(("x0", closed_form.predict_x0(given[0], site.t, given[1], site.schedule), of_x0))
    for name, part, factor in parts:
        seen = part + (answer - plain) / float(factor)
        low, high = float(seen.min()), float(seen.max())
        due = plain + float(factor) * (part.clamp(low, high) - part)
        if answer.shape == due.shape and torch.allclose(answer, due, rtol=1e-5, atol=1e-6):
            return f"{name} is clipped to [{low:.4g}, {high:.4g}]"
    return ""
