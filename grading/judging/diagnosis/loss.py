"""What a loss measures: what the model is shown, what its answer is compared with, and how the gaps are counted."""

from ast import unparse
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grading.judging import closed_form
from grading.judging.compare import kind
from grading.judging.diagnosis.finding import Finding, all_of, for_some, stated
from grading.judging.diagnosis.measure import name_of, numbers, other_times
from grading.judging.diagnosis.search.changes import simplified, tree_of
from grading.judging.diagnosis.search.formulas import Q_SAMPLE
from grading.judging.diagnosis.search.powers import product
from grading.judging.diagnosis.sites import UNEVEN
from grading.judging.observations import carefully
from grading.judging.step_rules import quietly, x_t_of_its_own

SHAPES: tuple[tuple[int, ...], ...] = ((7, 3), (7, 7), (7, 1), (7, 2, 2), (7, 1, 2, 2), (1, 2), (40, 2))
TIMES = torch.tensor([2, 5, 0, 4, 1, 6, 3])
ANSWER = numbers(7, 3, seed=2)
BETA, ALPHA, AB = (table[TIMES].numpy() for table in UNEVEN)
ATOMS = {"beta": BETA, "alpha": ALPHA, "ab": AB, "1 - ab": 1 - AB, "t + 1": TIMES.numpy() + 1.0}  # of each sample
SUM = "the squares are summed over the dims, and averaged over the batch alone"
LEGAL = "legal: a sum over dims trains as well. This kata asks for the mean over every element"
FORMS: dict[str, Callable[[Tensor], Tensor]] = {
    "the mean of |noise - guess|": lambda gap: gap.abs().mean(),
    "the mean of noise - guess, without a square": lambda gap: gap.mean(),
    "the square of the mean": lambda gap: gap.mean() ** 2,
    "the root of the mean square": lambda gap: gap.square().mean().sqrt(),
    "the mean of the fourth powers": lambda gap: gap.pow(4).mean(),
    "smooth_l1": lambda gap: torch.nn.functional.smooth_l1_loss(gap, 0 * gap),
    "the mean of the samples' lengths": lambda gap: gap.flatten(1).norm(dim=1).mean(),
    "the square of the samples' mean length": lambda gap: gap.flatten(1).norm(dim=1).mean() ** 2,
}


def loss_finding(implementation: Any, function: str) -> Finding | None:
    """Everything that is not as it should be, each in a sentence."""
    f = carefully(implementation.ddpm_loss)
    shown = [*_shown(f, implementation, ANSWER.shape)]
    found = all_of(shown if "asked once" in str(shown) else (*shown, *_returned(f)))
    for shape in () if found else SHAPES:
        found = found or all_of(f"for x0 of shape {shape}: {says}" for says in _shown(f, implementation, shape))
    return stated(SUM, ("choice", LEGAL), choice="sum over dims") if found and found.says == SUM else found


def batch(like: Tensor) -> tuple[Tensor, Tensor, Any, Tensor]:
    """x0, t, schedule and noise for answers of a shape, t in no order."""
    return numbers(*like.shape), TIMES[torch.arange(len(like)) % len(TIMES)], UNEVEN, numbers(*like.shape, seed=1)


def _shown(f: Callable, implementation: Any, shape: tuple[int, ...]) -> Iterator[str]:
    """What the model is given, and how often."""
    calls: list[tuple] = []
    args = x0, t, _, noise = batch(torch.zeros(shape))
    for _ in range(2):
        f(lambda *shown: calls.append(shown) or torch.zeros_like(x0), *args)  # type: ignore[func-returns-value]
    if len(calls) != 2:
        yield f"the model is asked {len(calls) // 2} times: it is asked once"
        return
    if (count := len(calls[0])) != 2:
        yield f"the model is given {count} argument{'s' * (count != 1)}: it is asked model(x_t, t)"
    x_ts = {"own": x_t_of_its_own(implementation, *args), "due": closed_form.q_sample(*args)}
    x_ts |= {"x0": x0, "noise": noise, "x0 + noise": x0 + noise}
    times = {"due": t, **other_times(t, 7), "alpha_bar[t]": UNEVEN.alphas_cumprod[t], "t[0]": t[:1].expand(len(t))}
    belongs = "q_sample(x0, t, schedule, noise)", "t itself"
    for what, known, seen, again in zip(belongs, (x_ts, times), *calls):
        if kind(seen).replace("float32", "float64") != kind(known["due"]):  # precision has its own message
            yield f"the model is given {kind(seen)} where {what} belongs, {kind(known['due'])}"
        if isinstance(seen, Tensor) and seen.numel() == known["due"].numel():
            seen, known["something else"] = (x.reshape(known["due"].shape) for x in (seen, again))
            if (name := name_of(seen, known) or "something new each time (what is drawn anew?)") not in ("own", "due"):
                yield f"the model is given {name} where {what} belongs"


def _returned(f: Callable) -> Iterator[str]:
    """What the loss is, and what it is made of."""
    asked = lambda answer: f(lambda *shown: answer.clone(), *batch(answer))  # noqa: E731
    first, again = (asked(ANSWER.clone().requires_grad_()) for _ in range(2))
    if not isinstance(first, Tensor):
        yield f"{kind(first)} is returned: a Tensor of shape () is asked for, with a gradient"
        return
    if shape := tuple(first.shape):
        missing = "one loss for each sample: the mean over the batch is missing"
        yield f"the loss has shape {shape}, {missing if shape == (7,) else 'the mean over every element has shape ()'}"
    if not torch.equal(first, again):
        yield "the same call gives another loss each time: something in it is drawn anew, or kept from earlier calls"
        return
    if first.dtype == torch.float64:  # differences of losses drown in float32's rounding; the dtype has its own message
        L = lambda answer: float(asked(answer).mean())  # noqa: E731
        due = lambda answer: (batch(answer)[3] - answer).square().mean()  # noqa: E731
        is_right = lambda shape: bool(np.isclose(_ratio(L, due, shape), 1.0))  # noqa: E731
        yield from [*_value(L)] or filter(None, [for_some("x0", SHAPES, is_right)])
    if not first.requires_grad:
        yield "no gradient reaches the model: its answer is cut off (detach, no_grad, .item())"


def _value(L: Callable[[Tensor], float]) -> Iterator[str]:
    """Degree, target, weights and divisor of the loss, asked with answers of our choice."""
    unit, noise = torch.eye(21, dtype=torch.float64).reshape(21, 7, 3), batch(ANSWER)[3]
    base = L(0 * noise)
    up, down = (numbers(7, 3).new_tensor([L(h * e) for e in unit]).reshape(7, 3) - base for h in (1, -1))
    weights = (up + down) / 2
    largest = float(weights.abs().max())
    if not (up + down).isfinite().all():
        yield "the loss is not a number where the model's answer is 0, or nearly"
        return
    if float(up.abs().max()) < 1e-12:
        yield "the loss does not depend on the model's answer"
        return
    made_of_squares = base + float((weights * ANSWER.square() + (up - down) / 2 * ANSWER).sum())
    if largest < 1e-12 or abs(L(ANSWER) - made_of_squares) > 1e-8 * largest:
        forms = ((name, _multiple(L, lambda x, form=form: form(batch(x)[3] - x))) for name, form in FORMS.items())
        named = (f"{scale}{name}: the mean of the squares is due" for name, scale in forms if scale is not None)
        yield f"the loss is {next(named, 'not a sum of squares of noise - model(x_t, t)')}"
        return
    target, counted = (down - up) / (4 * weights), (weights.abs() > 1e-9 * largest).all(1)
    if not torch.allclose(target[counted], noise[counted], rtol=1e-6, atol=1e-8):
        yield _target(target[counted], counted)
    elif abs(L(noise)) > 1e-9 * max(abs(base), 1e-9):
        yield f"a perfect guess costs {L(noise):.3g}: it costs nothing"
    if not torch.allclose(weights, weights[:, :1], rtol=1e-6):
        yield "entries of one sample have different weights"
    elif not torch.allclose(weights, weights[:1], rtol=1e-6):
        yield _weights(weights[:, 0])
    elif scale := _multiple(lambda x: (L(x) + L(-x)) / 2 - L(0 * x), lambda x: x.square().mean()):
        yield SUM if scale == "D times " else f"the loss is {scale}the mean over every element"
    elif scale is None and not np.isclose(float(weights.sum()), 1.0):
        yield f"the sum of 21 squares is divided by {21 / float(weights.sum()):.6g}: their mean is due"


def _ratio(loss: Callable, due: Callable, shape: tuple[int, ...]) -> float:
    """One loss in units of another, for answers of a shape; not a number where it fails."""
    answer = numbers(*shape, seed=2)
    return quietly(lambda: float(loss(answer)) / float(due(answer))) or np.nan


def _multiple(loss: Callable, due: Callable) -> str | None:
    """`D times `, if a loss is that multiple of another; empty for 1; None where it is none."""
    sizes = dict(zip("BD", np.array([(B, np.prod(dims)) for B, *dims in SHAPES], dtype=float).T))
    text = product(np.array([_ratio(loss, due, shape) for shape in SHAPES]), sizes, 1e-6)
    return None if text is None else {"1": "", "-1": "minus "}.get(text, f"{text} times ")


def _target(target: Tensor, counted: Tensor) -> str:
    """What the answer is compared with, as a sum of x0 and noise, sample by sample; some may not be counted at all."""
    x0, _, _, noise = args = batch(ANSWER)
    x_t, x0, noise = (x[counted] for x in (closed_form.q_sample(*args), x0, noise))
    atoms = {name: atom[counted.numpy()] for name, atom in ATOMS.items()}
    pairs = torch.stack([x0, noise], -1)
    factors = torch.linalg.lstsq(pairs, target[..., None]).solution
    texts = [product(column.numpy(), atoms) if column.abs().max() > 1e-9 else "0" for column in factors[..., 0].T]
    total = name_of(target, {"x_t": x_t, "x_t - x0": x_t - x0})
    if not total and (None in texts or not torch.allclose(pairs @ factors, target[..., None], 1e-6)):
        return "the answer is compared with something else than the noise"
    total = total or simplified(unparse(tree_of(f"({texts[0]}) * x0 + ({texts[1]}) * noise")))
    return f"the answer is compared with {Q_SAMPLE.written(total)}: the noise itself is due"


def _weights(weights: Tensor) -> str:
    """How samples are weighted by their t."""
    counted = weights.abs() > 1e-12
    left = (~counted).nonzero().flatten().tolist()
    by = product(21 * weights.where(counted, torch.nan).numpy(), ATOMS | {"t": TIMES.numpy() + 0.0}) or "their t"
    if not left or weights[counted].std() > 1e-6 * weights[counted].abs().max():
        return f"samples are weighted by {Q_SAMPLE.written(by)}: eq. 14 weighs all alike"
    return f"samples {left} of 0 ... 6, with t = {TIMES[left].tolist()}, are left out"
