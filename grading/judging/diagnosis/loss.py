"""What a loss measures: what the model is shown, what its answer is compared with, and how the gaps are counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grading.judging import closed_form
from grading.judging.compare import kind
from grading.judging.diagnosis.finding import Finding, all_of, for_some, stated
from grading.judging.diagnosis.loss_form import FORMS, scale_of
from grading.judging.diagnosis.measure import name_of, numbers, other_times
from grading.judging.diagnosis.search.formulas import Q_SAMPLE
from grading.judging.diagnosis.search.powers import product
from grading.judging.diagnosis.sites import UNEVEN
from grading.judging.observations import carefully
from grading.judging.step_rules import quietly

SHAPES = ((7, 3), (7, 7), (7, 1), (7, 2, 2), (1, 2), (40, 2))
TIMES = torch.tensor([2, 5, 0, 4, 1, 6, 3])
CHOICE, SUM = "sum over dims", "the squares are summed over the dims, and averaged over the batch alone"
LEGAL = "legal: a sum over dims trains as well. This kata asks for the mean over every element"


def loss_finding(implementation: Any, function: str) -> Finding | None:
    """Everything that is not as it should be, each in a sentence."""
    found = all_of(_remarks(carefully(implementation.ddpm_loss), implementation))
    return stated(SUM, ("choice", LEGAL), choice=CHOICE) if found and found.says == SUM else found


def batch(shape: tuple[int, ...]) -> tuple[Tensor, Tensor, Any, Tensor]:
    """x0, t, schedule and noise for a batch of any size, t in no order."""
    t = TIMES.repeat(1 + shape[0] // len(TIMES))[: shape[0]]
    return numbers(*shape), t, UNEVEN, numbers(*shape, seed=1)


def asked(f: Callable, shape: tuple[int, ...], answer: Tensor | None = None) -> Any:
    """The loss where the model's answer is given, whatever it is shown; its mean square is due."""
    args = batch(shape)
    given = torch.zeros_like(args[0]) if answer is None else answer
    return f(lambda *shown: given.clone(), *args)


def _remarks(f: Callable, implementation: Any) -> Iterator[str]:
    yield from _shown(f, implementation)
    first, again = (asked(f, (7, 3), numbers(7, 3, seed=2)) for _ in range(2))
    if not isinstance(first, Tensor):
        yield f"{kind(first)} is returned: a Tensor of shape () is asked for, with a gradient"
        return
    if first.shape != ():
        yield _left(first, (7, 3))
        plain = f
        f = lambda *args: plain(*args).mean()  # noqa: E731
        first, again = first.mean(), again.mean()
    if not torch.equal(first, again):
        yield "the same call gives another loss each time: something in it is drawn anew, or kept from earlier calls"
        return
    if first.dtype == torch.float64:  # differences of losses drown in float32's rounding; the dtype has its own message
        remarks = list(_value(f)) or [for_some("x0", SHAPES, partial(_is_right, f))]
        yield from filter(None, remarks)
    weight = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    loss = f(lambda *shown: weight * numbers(7, 3), *batch((7, 3)))
    if not loss.requires_grad:
        yield "no gradient reaches the model: its answer is cut off (detach, no_grad, .item())"


def _shown(f: Callable, implementation: Any) -> Iterator[str]:
    """What the model is given, and how often."""
    calls: list[tuple] = []

    def spy(*shown: Any) -> Tensor:
        calls.append(shown)
        return torch.zeros(7, 3, dtype=torch.float64)

    x0, t, schedule, noise = batch((7, 3))
    for _ in range(2):
        f(spy, x0, t, schedule, noise)
    if len(calls) != 2:
        yield f"the model is asked {len(calls) // 2} times: it is asked once"
        return
    first, again = calls
    if len(first) != 2:
        yield f"the model is given {len(first)} argument{'s' * (len(first) != 1)}: it is asked model(x_t, t)"
        return
    x_t, given_t = first
    rights = [closed_form.q_sample(x0, t, schedule, noise)]
    own = quietly(partial(carefully(implementation.q_sample), x0, t, schedule, noise))
    rights += [own] if isinstance(own, Tensor) else []
    if not isinstance(x_t, Tensor) or x_t.shape != x0.shape:
        yield f"the model is shown {kind(x_t)} where x_t belongs, {tuple(x0.shape)}"
    elif not any(torch.allclose(x_t.to(x0), right.to(x0), rtol=1e-5, atol=1e-6) for right in rights):
        drawn = not torch.equal(x_t, again[0])
        other = "another x_t each time (is noise or t drawn anew?)" if drawn else "something else than q_sample makes"
        what = name_of(x_t, {"x0": x0, "noise": noise, "x0 + noise": x0 + noise}) or other
        yield f"the model is shown {what}, where q_sample(x0, t, schedule, noise) belongs"
    if kind(given_t) != kind(t):
        yield f"the model is given t as {kind(given_t)}: it is asked with t as it came, {kind(t)}"
    if isinstance(given_t, Tensor) and given_t.numel() == t.numel() and not name_of(given_t.flatten(), {"t": t}):
        others = {**other_times(t, 7), "alpha_bar[t]": UNEVEN.alphas_cumprod[t], "t[0]": t[:1].expand(7)}
        yield f"the model is given {name_of(given_t.flatten(), others) or 'another t'} where t itself belongs"


def _left(loss: Tensor, shape: tuple[int, ...]) -> str:
    """What a loss that is no single number is."""
    what = {
        shape: "the squares themselves: the mean over every element is missing",
        shape[:1]: "one loss for each sample: the mean over the batch is missing",
        shape[1:]: "a mean over the batch alone: the mean over the dims is missing",
        (1,): "a single number has shape ()",
    }.get(tuple(loss.shape), "a single number of shape () is asked for")
    return f"the loss has shape {tuple(loss.shape)}, {what}"


def _value(f: Callable) -> Iterator[str]:
    """Degree, target, weights and divisor; the loss is asked with answers of our choice."""
    L = lambda answer: float(asked(f, (7, 3), answer))  # noqa: E731
    unit = torch.eye(21, dtype=torch.float64).reshape(21, 7, 3)
    base = L(0 * unit[0])
    up, down, twice = (torch.tensor([L(h * e) for e in unit], dtype=torch.float64) - base for h in (1.0, -1.0, 2.0))
    second = up + down
    largest = float(second.abs().max())
    if float(up.abs().max()) < 1e-12:
        yield "the loss does not depend on the model's answer"
        return
    is_square = largest >= 1e-12 and torch.allclose(twice - 2 * up, second, rtol=1e-6, atol=1e-12)
    is_sum = abs(L(unit[0] + unit[20]) - base - float(up[0] + up[20])) <= 1e-9 * largest
    if not is_square or not is_sum:
        multiplied = "gaps of different entries are multiplied: each is to be squared by itself"
        otherwise = multiplied if is_square else "the loss is not a sum of squares of noise - model(x_t, t)"
        yield _other_form(f) or otherwise
        return
    weights, target = (second / 2).reshape(7, 3), ((down - up) / (2 * second)).reshape(7, 3)
    noise, counted = batch((7, 3))[3], (second.abs() > 1e-9 * largest).reshape(7, 3).all(1)
    if not torch.allclose(target[counted], noise[counted], rtol=1e-6, atol=1e-8):
        yield _target(target[counted], counted)
    elif abs(L(noise)) > 1e-9 * max(abs(base), 1e-9):
        yield f"a perfect guess costs {L(noise):.3g}: it costs nothing"
    if not torch.allclose(weights, weights[:, :1].expand_as(weights), rtol=1e-6):
        yield "entries of one sample have different weights"
    elif not torch.allclose(weights, weights[:1].expand_as(weights), rtol=1e-6):
        yield _weights(weights[:, 0])
    elif scale := scale_of(f, asked, None):
        yield SUM if scale == "D times" else f"the loss is {scale} the mean over every element"
    elif scale is None and not np.isclose(21 * float(weights.mean()), 1.0):
        yield f"the sum of 21 squares is divided by {1 / float(weights.mean()):.6g}: their mean is due"


def _is_right(f: Callable, shape: tuple[int, ...]) -> bool:
    answer = numbers(*shape, seed=2)
    due, loss = (numbers(*shape, seed=1) - answer).square().mean(), quietly(partial(asked, f, shape, answer))
    return isinstance(loss, Tensor) and loss.shape == () and torch.allclose(loss.to(due), due, rtol=1e-5)


def _target(target: Tensor, counted: Tensor) -> str:
    """What the answer is compared with, as a sum of x0 and noise, sample by sample; some may not be counted at all."""
    x0, t, schedule, noise = batch((7, 3))
    x_t, t = closed_form.q_sample(x0, t, schedule, noise)[counted], t[counted]
    x0, noise = x0[counted], noise[counted]
    if torch.allclose(target, -noise):
        return "noise + model(x_t, t) is squared: the difference is due"
    if name := name_of(target, {"x_t": x_t, "x_t - x0": x_t - x0}):
        return f"the answer is compared with {name}: the noise itself is due"
    samples = zip(x0.numpy(), noise.numpy(), target.numpy())
    fits = [np.linalg.lstsq(np.stack([x, z], 1), y, rcond=None) for x, z, y in samples]
    if max(float(rest.sum()) for _, rest, *_ in fits) > 1e-12:
        return "the answer is compared with something else than the noise"
    factors = zip(("x0", "noise"), np.array([factors for factors, *_ in fits]).T)
    texts = {name: product(factor, _atoms(t)) for name, factor in factors if np.abs(factor).max() > 1e-9}
    if None in texts.values():
        return "the answer is compared with a mixture of x0 and noise: the noise itself is due"
    terms = ({"1": name, "-1": f"-{name}"}.get(text or "", f"{text} * {name}") for name, text in texts.items())
    total = Q_SAMPLE.written(" + ".join(terms)).replace("+ -", "- ") or "0"
    return f"the answer is compared with {total}: the noise itself is due"


def _atoms(t: Tensor) -> dict[str, Any]:
    """What may depend on t."""
    beta, alpha, ab = (table[t].numpy() for table in UNEVEN)
    return {"beta": beta, "alpha": alpha, "ab": ab, "1 - ab": 1 - ab, "(t + 1)": t.numpy() + 1.0}


def _weights(weights: Tensor) -> str:
    """How samples are weighted by their t."""
    if left := (weights.abs() < 1e-12).nonzero().flatten().tolist():
        one = f"1 of 7 samples is left out, number {left[0]} of 0 ... 6, whose t is {int(TIMES[left[0]])}"
        return one if len(left) == 1 else f"{len(left)} of 7 samples are left out"
    text = product(21 * weights.numpy(), _atoms(TIMES))
    by = f"by {Q_SAMPLE.written(text)}" if text else "by their t"
    return f"samples are weighted {by}: eq. 14 weighs all alike"


def _other_form(f: Callable) -> str:
    """Another way to count the gaps, by name."""
    for name, form in FORMS.items():
        scale = scale_of(f, asked, form)
        if scale is not None:
            return f"the loss is {f'{scale} ' if scale else ''}{name}: the mean of the squares is due"
    return ""
