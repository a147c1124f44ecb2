"""Right in part: inside the schedule and not at its edges, for some shapes, for one sample and not for a batch."""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from grading.judging import closed_form
from grading.judging.diagnosis.finding import Finding, for_some, stated
from grading.judging.diagnosis.measure import Measured, arguments, call, measure
from grading.judging.diagnosis.search.explain import Explanation, matching
from grading.judging.diagnosis.search.formulas import FORMULAS
from grading.judging.diagnosis.search.values import CLAMPED, evaluate
from grading.judging.diagnosis.sites import INSIDE, RARE, UNEVEN, Site, edges, inside
from grading.judging.diagnosis.unlike import differs
from grading.judging.step_rules import quietly

SHAPES: tuple[tuple[int, ...], ...] = ((5, 3), (5, 5), (5, 1), (5, 2, 2), (5, 1, 2, 2), (300, 2), (1, 3))
ONE_T = "right where all samples have one t, and not where each has its own"
SITE, TIMES = Site(UNEVEN, 4, 2, 0.5), torch.tensor([1, 4, 2, 5, 3])  # several t in one batch are q_sample's alone


def edge_findings(f: Callable, function: str, inside: Explanation | None = None) -> list[Finding]:
    """One for each edge where the factors are neither those due nor those of the formula that holds inside."""
    seen = {what: measure(f, function, sites) for what, sites in edges(function).items()}
    wrong = {what for what, measured in seen.items() if measured.errors or not _is_known(measured, inside)}
    wrong = {what for what in wrong if "T = 1" not in what} or wrong  # it is all edges at once
    found, failing = list[Finding](), {what for what in wrong if seen[what].errors}
    for left in (failing, wrong - failing):
        while left:
            edge = _edge(left, seen)
            there = [what for what in seen if what in left and edge <= what]
            found.append(_at(edge, measure(f, function, sum((seen[what].sites for what in there), ()))))
            left.difference_update(there)
    return found


def _edge(wrong: set[frozenset[str]], seen: Iterable[frozenset[str]]) -> frozenset[str]:
    """The shortest condition under which all is wrong, and of these the one that holds at most places."""
    conditions = {frozenset(c) for what in wrong for size in range(len(what)) for c in combinations(what, size + 1)}
    holds = [
        edge for edge in conditions
        if not edge <= INSIDE and all(what in wrong for what in seen if edge <= what and what & RARE == edge & RARE)
    ]  # fmt: skip
    return min(holds, key=lambda edge: (len(edge), -sum(edge <= what for what in wrong), sorted(edge)))


def _is_known(measured: Measured, inside: Explanation | None) -> bool:
    """Whether all is right here, or as in the formula inside; noise where none is due is a slip of its own."""
    plain = {name: value for name, value in measured.letters.items() if name != "sigma"}  # 0 * nan is not 0
    known, lines = (measured.letters, plain, {**measured.letters, "sqrt": CLAMPED}), inside.lines if inside else {}
    ways = [np.broadcast_to(evaluate(lines, letters), measured.factors.shape) for letters in known if lines]
    if measured.odd or measured.has_added:
        return False
    if not measured.is_finite:
        return any((~np.isfinite(way).all(1) == ~np.isfinite(measured.factors).all(1)).all() for way in ways)
    if all(measured.right) or inside is None:
        return all(measured.right)
    ways = [matching(way, measured.factors, measured.tolerance) for way in ways]
    unknown = {*inside.as_measured, None if measured.sites[0].has_noise else 2}
    settled = [right or column in unknown for column, right in enumerate(measured.right)]
    explained = any(all(map(any, zip(settled, way))) for way in ways)
    return explained and (measured.function == "ddim_step" or measured.right[-1] or bool(measured.due[:, -1].any()))


def _at(edge: frozenset[str], measured: Measured) -> Finding:
    name = " and ".join(sorted(edge, key=lambda mark: ("Tten".index(mark[0]), mark)))
    if measured.errors:
        return Finding(f"at {name} it fails: {next(iter(measured.errors.values()))}")
    numbers = np.isfinite(measured.factors).all(1).sum()
    if not numbers:
        why = ": alpha_bar is 1 there, and there is no entry of the table for it" if "t_prev = -1" in name else ""
        return Finding(f"at {name} the answer is not a number{why}", named=False)
    if measured.odd or measured.has_added:
        return Finding(f"at {name} the answer is not a sum of numbers times {', '.join(measured.vectors)}", named=False)
    best = measured.search().explanations(FORMULAS[measured.function], depth=2)[0]
    yours = best.says() if best.whole and numbers > 2 else ""
    says = f"at {name} {' and '.join(measured.wrong)} {'has' if len(measured.wrong) == 1 else 'have'} the wrong factor"
    says += "" if measured.is_finite else ", where there is a number"
    says += ", not always" if (np.abs(measured.factors - measured.due) < 1e-6).all(1).any() else ""
    lines = [*measured.table(), *([("yours is", yours)] if yours else [])]
    return Finding(f"{says}: {yours}" if yours else says, tuple(lines), named=bool(yours))


def only_some(f: Callable, function: str, measured: Measured) -> Finding | None:
    """For which shapes a step is right, and whose t or which term is wrong in the others."""
    if not measured.wrong and function == "q_sample" and (whose := _whose_factor(f)):
        return stated(whose)
    answer = quietly(partial(call, f, function, SITE, arguments(function, (5, 3)), TIMES))
    if isinstance(answer, Tensor) and answer.shape != (5, 3):
        return stated(f"the answer has shape {tuple(answer.shape)} where all arguments have shape (5, 3)")
    vectors, gaps = measured.vectors, np.abs(measured.factors - measured.due).max(1)  # the place that is most wrong
    site = measured.sites[int(np.nan_to_num(gaps, nan=np.inf).argmax())] if measured.wrong else SITE
    is_right = partial(_is_right, f, function, site)
    says, again = (for_some(vectors[0], SHAPES, partial(is_right, seed=seed)) for seed in (0, 9))
    if not says or says != again:
        return None
    wrong = next(shape for shape in SHAPES if not is_right(shape))
    blamed = [name for column, name in enumerate(vectors) if not is_right(wrong, column)]
    found = stated(says).also(*(f"what is wrong there is the term of {name}" for name in blamed if len(blamed) == 1))
    return found.also(*filter(None, [in_a_batch(f, function)]))


def in_a_batch(f: Callable, function: str) -> str:
    """What is wrong with the samples of a batch, where they do not get what each gets alone."""
    given, ask = arguments(function, (5, 4)), partial(call, function=function, site=inside(function)[0])
    together, due = quietly(lambda: ask(f, given=given)), ask(getattr(closed_form, function), given=given)
    single = quietly(lambda: torch.cat([ask(f, given=[x[[i]] for x in given]) for i in range(5)]))
    if together is None or single is None or not together.shape == single.shape == due.shape:
        return ""
    if _rows(together, single).all() or not _rows(together, ask(f, given=given)).all():
        return ""
    for column, name in enumerate(FORMULAS[function][0].vectors):
        moved = [x + (i == column) * torch.eye(5, 4) for i, x in enumerate(given)]
        if not _rows(ask(f, given=moved), together)[-1]:  # whose own numbers are what they were
            return f"one sample's {name} changes the answer of another: each sample has a sum of its own"
    wrong, alone = ((~_rows(seen, due)).nonzero().flatten().tolist() for seen in (together, single))
    if len(wrong) in (0, 5):
        return "a sample alone gets another answer than in a batch, and both are wrong" if wrong and alone else ""
    also = ", and one sample alone" if alone else ""
    return f"of a batch of 5 sample {', '.join(map(str, wrong))} is wrong (the first is 0){also}: the others are right"


def _rows(left: Tensor, right: Tensor) -> Tensor:
    return torch.isclose(left, right, 1e-5, 1e-6, equal_nan=True).all(1)


def _is_right(
    f: Callable, function: str, site: Site, shape: tuple[int, ...], column: int | None = None, seed: int = 0
) -> bool:
    """Whether an answer for a shape is that due; for one argument alone, all others 0, if a column is given."""
    given = [x * (column in (None, i)) for i, x in enumerate(arguments(function, shape, seed))]
    times = TIMES[torch.arange(shape[0]) % len(TIMES)] if site is SITE else None
    due = call(getattr(closed_form, function), function, site, given, times)
    answer = quietly(partial(call, f, function, site, given, times))
    return isinstance(answer, Tensor) and answer.shape == due.shape and torch.allclose(answer, due, 1e-5, 1e-6)


def _whose_factor(f: Callable) -> str:
    """Where a batch has several t: the factors that each entry of (5, 5) gets."""
    found, one, other = dict[str, str](), torch.ones(5, 5, dtype=torch.float64), arguments("q_sample", (5, 5))[0]

    def ask(g: Callable, x: Tensor, column: int) -> Tensor:
        return call(g, "q_sample", SITE, [x * (i == column) for i in (0, 1)], TIMES)

    for column, name in enumerate(FORMULAS["q_sample"][0].vectors):
        factors, seen = (quietly(partial(ask, f, x, column)) for x in (one, other))
        if factors is None or seen is None or factors.shape != one.shape or differs(factors * other, seen):
            return ""
        due = ask(closed_form.q_sample, one, column)
        permuted = torch.allclose(factors[:, 0].sort().values, due[:, 0].sort().values)
        known = {
            "": due,
            "a factor of shape (B,) runs along the last dim, not along the batch: reshape it to (B, 1, ...)": due.T,
            "every sample is given the factors of t[0]: each has its own t": due[:1],
            "the whole batch is given one factor: each sample has its own t": factors[:1, :1],
            "the samples are given each other's t": factors[:, :1] * (1 if permuted else float("nan")),
        }
        fits = (says for says, made in known.items() if torch.allclose(factors, made + 0 * one, 1e-5))
        found[name] = next(fits, ONE_T)
    if ONE_T in found.values() and not _is_right(f, "q_sample", inside("q_sample")[0], (5, 5)):
        return ""
    both, *others = {*found.values()}
    return both if not others else "; ".join(f"the factor of {name}: {says}" for name, says in found.items() if says)
