"""Measure the factors of a step: what its function makes of x_t, of eps and of noise, at any place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from grading.judging.diagnosis.finding import Line, table
from grading.judging.diagnosis.search.explain import Search, matching
from grading.judging.diagnosis.search.formulas import FORMULAS
from grading.judging.diagnosis.search.powers import product
from grading.judging.diagnosis.search.values import Numbers, attempt, evaluate
from grading.judging.diagnosis.sites import Site, letters_at
from grading.judging.observations import HOPELESS, copied
from grading.submission.errors import SubmissionError

ENTRIES = 12  # of each argument in one call: the factors are three unknowns, the rest shows whether there are factors
NO_UNIT = -3.0
SUMS = ("1 + ab", "1 - sqrt(ab)", "1 - ab ** 2", "1 - ab / ab_prev", "ab_prev - ab", "1 + ab_prev")
ROUNDING, SINGLE = 1e-10, 3e-6  # what is left over of a linear function, in float64 and in float32


@dataclass(frozen=True)
class Measured:
    """What was seen of a step at some places, beside what is due there.

    Attributes:
        letters: what a formula may be made of.
        factors: (places, columns), nan where the answer was not finite or the call failed.
        added: (places,), a number in every entry of the answer that is no factor of an argument: 0 if all is well.
        left: (places,), how far the answers are from such sums, in units of the answer.
        errors: what calls raised, by the number of the place.
    """

    function: str
    sites: tuple[Site, ...]
    letters: dict[str, Numbers]
    factors: Numbers
    added: Numbers
    left: Numbers
    errors: dict[int, str]

    @property
    def vectors(self) -> tuple[str, ...]:
        return FORMULAS[self.function][0].vectors

    @cached_property
    def odd(self) -> list[int]:
        """The numbers of the places where the answer is no such sum."""
        return np.flatnonzero(self.left > SINGLE).tolist()

    @property
    def now_and_then(self) -> tuple[str, ...]:
        """Where the answer is no such sum, if it is one elsewhere."""
        places = "; ".join(self.sites[number].shown(self.function) for number in self.odd[:3])
        return (f"not everywhere: at {places}",) if 0 < len(self.odd) < len(self.sites) else ()

    @property
    def is_finite(self) -> bool:
        return bool(np.isfinite(self.factors).all())

    @property
    def has_added(self) -> bool:
        return float(np.nan_to_num(np.abs(self.added)).max()) > 1e-6

    @property
    def tolerance(self) -> float:
        """How closely a formula must agree: 1e-9, if the function works in float64 throughout."""
        return 1e-9 if self.left.max() < ROUNDING else 2e-5

    def like(self, other: Measured) -> bool:
        """Whether other numbers were multiplied by the same factors."""
        ours, theirs = (np.column_stack([seen.factors, seen.added]) for seen in (self, other))
        return np.allclose(ours, theirs, 1e-4, 1e-5, equal_nan=True)

    @cached_property
    def due(self) -> Numbers:
        return np.broadcast_to(evaluate(FORMULAS[self.function][0].lines, self.letters), self.factors.shape)

    @cached_property
    def right(self) -> list[bool]:
        """Column by column."""
        return matching(self.due, self.factors, self.tolerance)[: len(self.vectors)].tolist()

    @cached_property
    def atoms(self) -> dict[str, Numbers]:
        """What a product may be made of: the letters, 1 minus each, what grows from t to t_prev; each value once."""
        names = FORMULAS[self.function][0].letters.split()
        texts = [*names, *(f"1 - {name}" for name in names if name.startswith("ab")), *SUMS]
        items = [(text, attempt(text, self.letters)[:, 0]) for text in texts]
        return {n: v for i, (n, v) in enumerate(items) if not any(np.allclose(v, w, 1e-9, 0) for _, w in items[:i])}

    def product(self, y: Numbers) -> str:
        """Numbers, one for each place, as a product of powers; empty where they are none."""
        return product(y, self.atoms, self.tolerance) or ""

    def search(self, **known: Numbers) -> Search:
        """A search for the formula that gives these factors; some lines may be known. No unit is its own square."""
        letters, size = {**self.letters, **known}, len(self.vectors)
        vectors = {name: NO_UNIT * value for name, value in letters.items() if np.shape(value)[-1:] == (size,)}
        return Search(NO_UNIT * self.factors, {**letters, **vectors}, self.tolerance)

    @property
    def wrong(self) -> list[str]:
        """The arguments whose factor is wrong."""
        return [vector for vector, right in zip(self.vectors, self.right) if not right]

    def table(self, remarks: list[str] | None = None) -> list[Line]:
        """Yours and due at the place where that which is wrong shows most."""
        remarks = remarks or ["right" if right else "wrong" for right in self.right]
        gaps = np.abs(self.factors - self.due) / (np.abs(self.due) + 0.02)
        wrong = [c for c, remark in enumerate(remarks) if remark != "right"] or [0]
        shown = int(np.nanargmax(np.nan_to_num(gaps[:, wrong], nan=-1.0).min(1)))
        rows = zip(self.vectors, self.factors[shown], self.due[shown], remarks)
        return table("factor of", self.sites[shown].shown(self.function), rows)


def numbers(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(1000 + seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def name_of(seen: Tensor, known: dict[str, Tensor]) -> str:
    """Which of the tensors known by name was seen; empty if none."""
    alike = (name for name, other in known.items() if torch.allclose(seen.double(), other.double(), 1e-5, 1e-6))
    return next(alike, "")


def other_times(t: Tensor, T: int) -> dict[str, Tensor]:
    """What a model may be given in the place of t."""
    return {"t / T": t / T, "t / 1000": t / 1000, "t + 1": t + 1, "t - 1": t - 1, "T - 1 - t": T - 1 - t,
            "t / (T - 1)": t / (T - 1)}  # fmt: skip


def arguments(function: str, shape: tuple[int, ...], seed: int = 0, scale: float = 1.0) -> list[Tensor]:
    """One tensor for each argument that the function is linear in."""
    return [scale * numbers(*shape, seed=10 * seed + i) for i in range(len(FORMULAS[function][0].vectors))]


def call(f: Callable, function: str, site: Site, given: list[Tensor], times: Tensor | None = None) -> Tensor:
    """The function's answer at a place, with copies of the arguments; that of q_sample at several times, if given."""
    given, schedule = [copied(x) for x in given], copied(site.schedule)
    if function == "q_sample":
        answer = f(given[0], torch.full((len(given[0]),), site.t) if times is None else times, schedule, given[1])
    elif function == "ddpm_step":
        answer = f(given[0], site.t, given[1], schedule, given[2])
    else:
        noise = given[2] if site.has_noise else None
        answer = f(given[0], site.t, site.t_prev, given[1], schedule, site.eta, noise)
    return answer.detach().to(given[0].dtype)


def fit(answer: Tensor, given: list[Tensor]) -> tuple[Numbers, float]:
    """The factors, a constant last, that come nearest to an answer, and what is left over."""
    size = given[0].numel()
    y = answer.reshape(size).numpy()
    if not np.isfinite(y).all():
        return np.full(len(given) + 1, np.nan), float("nan")
    A = np.stack([*(x.flatten().numpy() for x in given), np.ones(size)], axis=1)
    factors = np.linalg.lstsq(A, y, rcond=None)[0]
    return factors, float(np.abs(A @ factors - y).max() / max(np.abs(y).max(), np.abs(A[:, :-1]).max()))


def measure(
    f: Callable, function: str, sites: tuple[Site, ...], scale: float = 1.0, seed: int = 0, imaginary: bool = False
) -> Measured:
    """The factors at each place; one sample at a time, so that the samples of a batch cannot disturb each other.

    With `imaginary`, in complex numbers: there the root of a negative number is a number too.
    """
    dtype, kind = (torch.complex128, complex) if imaginary else (torch.float64, float)
    columns = len(FORMULAS[function][0].vectors)
    factors = np.full((len(sites), columns + 1), np.nan, dtype=kind)
    left, errors = np.zeros(len(sites)), dict[int, str]()
    for number, site in enumerate(sites):
        given = arguments(function, (1, ENTRIES), seed + number, scale)
        place = replace(site, schedule=site.schedule.to(dtype)) if imaginary else site
        try:
            factors[number], left[number] = fit(call(f, function, place, [x.to(dtype) for x in given]), given)
        except Exception as error:
            if isinstance(error, SubmissionError) and error.kind in HOPELESS:
                raise
            errors[number] = getattr(error, "message", "") or f"{type(error).__name__}: {error}"
    letters = {name: column.astype(kind) for name, column in letters_at(function, sites).items()}
    return Measured(function, sites, letters, factors[:, :columns], factors[:, columns], np.nan_to_num(left), errors)
