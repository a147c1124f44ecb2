"""What is no formula at all: another answer each time, or one that is not linear, or right for small numbers only."""

from collections.abc import Callable
from itertools import combinations_with_replacement, permutations

import numpy as np
import torch
from torch import Tensor

from grading.judging import closed_form
from grading.judging.diagnosis.finding import Finding, row, stated
from grading.judging.diagnosis.measure import SINGLE, Measured, arguments, call, fit, measure
from grading.judging.diagnosis.search.formulas import FORMULAS
from grading.judging.diagnosis.sites import UNEVEN, Site, inside
from grading.submission.contract import schedule_from

SMALL = 1e-4  # of arguments so small that nothing is clipped
KEPT = "another answer after other calls: something is kept from one call to the next (tables, a counter, an argument)"
PIXELS = ("choice", "legal for pixels, which lie in [-1, 1]: the points of this kata do not")
EACH_TIME = "the same call gives another answer each time"


def differs(left: Tensor, right: Tensor, *, rtol: float = 1e-6, atol: float = 1e-9) -> bool:
    return left.shape != right.shape or not torch.allclose(left, right, rtol, atol, equal_nan=True)


def unsteady(f: Callable, function: str) -> Finding | None:
    """What is wrong where the same call gives another answer, at once or after other calls."""
    first, other, *_ = inside(function)
    given = arguments(function, (1, 12))
    answers = [call(f, function, first, given) for _ in range(4)]
    if any(differs(answers[0], again) for again in answers[1:]):
        return _random(f, function, first, given, answers)
    twin = Site(UNEVEN.to(torch.float64)._replace(alphas_cumprod=UNEVEN.alphas_cumprod * 0.9), 3, 1, 0.5)
    same_length = Site(schedule_from(first.schedule.betas.flip(0)), first.t, first.t_prev, first.eta)
    for site in (other, twin, same_length):
        before, after, again = (call(f, function, place, given) for place in (site, first, site))
        if differs(answers[0], after) or differs(before, again):
            return stated(KEPT)
    return None


def _random(f: Callable, function: str, site: Site, given: list[Tensor], answers: list[Tensor]) -> Finding:
    """Which part of the answer is another one each time."""
    fits = [fit(answer, given) for answer in answers]
    if all(left < SINGLE for _, left in fits):
        columns = zip(FORMULAS[function][0].vectors, np.array([factors for factors, _ in fits]).T)
        changing = [name for name, column in columns if not np.allclose(column, column[0], rtol=1e-6, atol=1e-9)]
        return stated(f"the factor of {' and '.join(changing)} is another one each time, for the same call")
    if not differs(*(call(f, function, site, [0 * x for x in given]) for _ in range(2))):
        return stated(f"{EACH_TIME}: something in it is random (dropout, a random sign or scale)")
    return stated(f"{EACH_TIME}: it adds random numbers of its own")


def added_number(measured: Measured) -> Finding:
    """A number that is added to every entry: a term has lost its x_t, eps or noise."""
    formula, shown = FORMULAS[measured.function][0], int(np.nanargmax(np.abs(measured.added)))
    text = formula.written(measured.product(measured.added))
    says = f"{text or 'a number'} is added to every entry: is a term without its {' or '.join(formula.vectors)}?"
    return stated(says, *measured.table(), ("nothing", row(measured.added[shown], 0, "wrong")), named=bool(text))


def only_small(f: Callable, function: str, measured: Measured) -> Finding | None:
    """What is clipped, where all is as it should be for small numbers, or is at least a sum of them."""
    small, at = measure(f, function, measured.sites, scale=SMALL), measured.odd[0]
    clipped = _clipped(f, function, measured.sites[at], small.factors[at])
    if small.odd or not small.is_finite or not (clipped or not small.wrong):
        return None
    also = f"the factor of {' and '.join(small.wrong)} is wrong for small numbers too" if small.wrong else ""
    says = f"{clipped or 'no sum for large numbers'}: {also or 'right for small numbers, not for large ones'}"
    legal = [PIXELS] if clipped.startswith("x0") else []
    choice = "x0 clipped" if legal and not also else ""
    return stated(says, *legal, named=bool(clipped), choice=choice).also(*measured.now_and_then)


def not_linear(f: Callable, function: str, measured: Measured) -> Finding:
    """What is multiplied with what, or that entries depend on more than their own place."""
    site, vectors = measured.sites[(*measured.odd, 0)[0]], measured.vectors
    many = [arguments(function, (1, 80), seed) for seed in range(12)]
    answers, ones = torch.stack([call(f, function, site, given)[0] for given in many]), torch.ones(80)
    given, before, listed = many[0], answers[0], ", ".join(vectors)
    for i, name in enumerate(vectors):
        moved = [x + (j == i) * torch.eye(80, dtype=x.dtype)[:1] for j, x in enumerate(given)]
        if differs(call(f, function, site, moved)[0, 1:], before[1:]):
            says = f"one entry of {name} changes other entries of the answer: every entry has its own sum"
            return stated(f"{says} (no mean, norm or product of tensors)").also(*measured.now_and_then)
    columns = torch.stack([torch.stack([*(x[0] for x in given), ones], 1) for given in many], 1)  # (80, 12, columns)
    own = torch.linalg.lstsq(columns, answers.T[..., None].nan_to_num()).solution
    if not differs((columns @ own)[..., 0], answers.T):
        return stated("the entries of one sample have different factors: all are to have the same")
    if terms := _products(before.numpy(), {name: x[0].numpy() for name, x in zip(vectors, given)}):
        return stated(f"it holds {' and '.join(terms)}: it is to be a sum of numbers times {listed}")
    says = f"no sum of numbers times {listed}: is a part squared, rounded, clipped or divided by?"
    return stated(says, named=False).also(*measured.now_and_then)


def _products(answer: np.ndarray, letters: dict[str, np.ndarray]) -> list[str]:
    """The products and quotients of two arguments that the answer is made of; nothing where it is not."""
    known = {"1": np.ones_like(answer), **letters}
    terms = {f"{a} * {b}": known[a] * known[b] for a, b in combinations_with_replacement(known, 2)}
    terms |= {f"{a} / {b}": known[a] / known[b] for a, b in permutations(known, 2) if b != "1"}
    columns = np.stack([*terms.values()], 1)
    factors, *_ = np.linalg.lstsq(columns, answer, rcond=None)
    if not np.abs(columns @ factors - answer).max() < 1e-6:
        return []
    return [name for name, factor in zip(terms, factors) if abs(factor) > 1e-6 and not name.startswith("1 *")]


def _clipped(f: Callable, function: str, site: Site, factors: np.ndarray) -> str:
    """What, clipped to which bounds, gives the answers to large numbers; empty where nothing does."""
    given = arguments(function, (1, 200), scale=4.0)
    answer = call(f, function, site, given)
    plain = torch.stack([float(factor) * x for factor, x in zip(factors, given)]).sum(0)
    ab, x0 = site.schedule.alphas_cumprod[site.t], closed_form.predict_x0(given[0], site.t, given[1], site.schedule)
    of_x0 = -factors[1] * (ab / (1 - ab)) ** 0.5 if function == "ddpm_step" else factors[0] * ab**0.5
    parts = [*zip(FORMULAS[function][0].vectors, given, factors), ("the answer", plain, 1.0), ("x0", x0, of_x0)]
    if not differs(answer, plain, rtol=1e-5, atol=1e-6):
        return ""
    for name, part, factor in parts:
        low, high = (part + (answer - plain) / float(factor)).aminmax()
        if not differs(answer, plain + float(factor) * (part.clamp(low, high) - part), rtol=1e-5, atol=1e-6):
            return f"{name} is clipped to [{low:.4g}, {high:.4g}]"
    return ""
