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
from grading.judging.diagnosis.finding import Finding
from grading.judging.diagnosis.loss_form import FORMS, scale_of
from grading.judging.diagnosis.measure import numbers
from grading.judging.diagnosis.search.formulas import written
from grading.judging.diagnosis.search.powers import product
from grading.judging.diagnosis.sites import UNEVEN
from grading.judging.observations import carefully

SHAPES = ((7, 3), (7, 7), (7, 1), (7, 2, 2), (1, 2), (40, 2))
TIMES = torch.tensor([2, 5, 0, 4, 1, 6, 3])
CHOICE, SUM = "sum over dims", "the squares are summed over the dims, and averaged over the batch alone"
LEGAL = "legal: a sum over dims trains as well. This kata asks for the mean over every element"


def loss_finding(implementation: Any, function: str) -> Finding | None:
    """Everything that is not as it should be, each in a sentence."""
    f = carefully(implementation.ddpm_loss)
    if not (remarks := list(dict.fromkeys(_remarks(f, implementation)))[:4]):
        return None
    choice = CHOICE if remarks == [SUM] else ""
    lines = [*(("measured", remark) for remark in remarks), *([("choice", LEGAL)] if choice else [])]
    return Finding("; ".join(remarks[:2]), tuple(lines), choice)


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
        remarks = list(_value(f))
        yield from remarks or _of_shapes(f)
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
    own = _quietly(partial(carefully(implementation.q_sample), x0, t, schedule, noise))
    rights += [own] if isinstance(own, Tensor) else []
    if not isinstance(x_t, Tensor) or x_t.shape != x0.shape:
        yield f"the model is shown {kind(x_t)} where x_t belongs, {tuple(x0.shape)}"
    elif not any(torch.allclose(x_t.to(x0), right.to(x0), rtol=1e-5, atol=1e-6) for right in rights):
        names = {"x0": x0, "noise": noise, "x0 + noise": x0 + noise}
        what = next((name for name, other in names.items() if torch.allclose(x_t.to(x0), other)), "")
        drawn = not torch.equal(x_t, again[0])
        other = "another x_t each time (is noise or t drawn anew?)" if drawn else "something else than q_sample makes"
        yield f"the model is shown {what or other}, where q_sample(x0, t, schedule, noise) belongs"
    if kind(given_t) != kind(t):
        yield f"the model is given t as {kind(given_t)}: it is asked with t as it came, {kind(t)}"
    if not isinstance(given_t, Tensor) or given_t.numel() != t.numel():
        return
    as_numbers, due = given_t.flatten().to(torch.float64), t.to(torch.float64)
    if not torch.allclose(as_numbers, due):
        others = {"t / T": due / 7, "t / 1000": due / 1000, "t + 1": due + 1, "t - 1": due - 1, "T - 1 - t": 6 - due,
                  "t / (T - 1)": due / 6, "alpha_bar[t]": UNEVEN.alphas_cumprod[t],
                  "t[0]": due[:1].expand(7)}  # fmt: skip
        name = next(
            (n for n, o in others.items() if torch.allclose(as_numbers, o.to(as_numbers), rtol=1e-5)), "another t"
        )
        yield f"the model is given {name} where t itself belongs"


def _quietly(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Exception as error:
        if getattr(error, "kind", "crash") in ("timeout", "gone"):
            raise
        return None


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
    L = lambda answer, shape=(7, 3): float(asked(f, shape, answer))  # noqa: E731
    _, _, _, noise = batch((7, 3))
    zero, unit = torch.zeros(7, 3, dtype=torch.float64), torch.eye(21, dtype=torch.float64).reshape(21, 7, 3)
    base = L(zero)
    up, down, twice = ([L(h * e) for e in unit] for h in (1.0, -1.0, 2.0))
    second = np.array(up) + np.array(down) - 2 * base
    if np.abs(np.array(up) - base).max() < 1e-12:
        yield "the loss does not depend on the model's answer"
        return
    curved = np.array(twice) - 2 * np.array(up) + base
    if not np.allclose(curved, second, rtol=1e-6, atol=1e-12) or np.abs(second).max() < 1e-12:
        yield _other_form(f) or "the loss is not a sum of squares of noise - model(x_t, t)"
        return
    coupled = L(unit[0] + unit[20]) - up[0] - up[20] + base
    if abs(coupled) > 1e-9 * np.abs(second).max():
        yield _other_form(f) or "gaps of different entries are multiplied: each is to be squared by itself"
        return
    weights = torch.from_numpy(second / 2).reshape(7, 3)
    with np.errstate(all="ignore"):
        target = torch.from_numpy(-(np.array(up) - np.array(down)) / (2 * second)).reshape(7, 3)
    counted = torch.from_numpy(np.abs(second) > 1e-9 * np.abs(second).max()).reshape(7, 3).all(1)
    yield from _target(target, noise, counted)
    if not bool(torch.allclose(weights, weights[:, :1].expand_as(weights), rtol=1e-6)):
        yield "entries of one sample have different weights"
    elif not torch.allclose(weights, weights[:1].expand_as(weights), rtol=1e-6):
        yield _weights(weights[:, 0])
    else:
        scale = scale_of(f, asked, None)
        if scale is None and not np.isclose(21 * float(weights.mean()), 1.0):
            yield f"the sum of 21 squares is divided by {1 / float(weights.mean()):.6g}: their mean is due"
        elif scale:
            yield SUM if scale == "D times" else f"the loss is {scale} the mean over every element"
    offset = L(target)
    if abs(offset) > 1e-9 * max(abs(base), 1e-9) and torch.allclose(target, noise):
        yield f"a perfect guess costs {offset:.3g}: it costs nothing"


def _of_shapes(f: Callable) -> Iterator[str]:
    """Right for some shapes, and not for others; said only where it is so."""
    right: list[str] = []
    wrong: list[str] = []
    for shape in SHAPES:
        answer = numbers(*shape, seed=2)
        due = (numbers(*shape, seed=1) - answer).square().mean()
        loss = _quietly(partial(asked, f, shape, answer))
        is_right = isinstance(loss, Tensor) and loss.shape == () and torch.allclose(loss.to(due), due, rtol=1e-5)
        (right if is_right else wrong).append(str(shape))
    if right and wrong:
        yield f"right for x0 of shape {', '.join(right)}, and not for {', '.join(wrong)}"


def _target(target: Tensor, noise: Tensor, counted: Tensor) -> Iterator[str]:
    """What the answer is compared with, as a sum of x0 and noise, sample by sample; some may not be counted at all."""
    target, noise, t = target[counted], noise[counted], TIMES[counted]
    if torch.allclose(target, noise, rtol=1e-6, atol=1e-8):
        return
    x0 = batch((7, 3))[0][counted]
    if torch.allclose(target, -noise, rtol=1e-6, atol=1e-8):
        yield "noise + model(x_t, t) is squared: the difference is due"
        return
    x_t = closed_form.q_sample(x0, t, UNEVEN, noise)
    for name, other in (("x_t", x_t), ("x_t - x0", x_t - x0)):
        if torch.allclose(target, other, rtol=1e-6, atol=1e-8):
            yield f"the answer is compared with {name}: the noise itself is due"
            return
    pairs = [
        np.linalg.lstsq(np.stack([x, z], 1), y, rcond=None)
        for x, z, y in zip(x0.numpy(), noise.numpy(), target.numpy())
    ]
    factors, left = np.array([pair[0] for pair in pairs]), max(float(pair[1].sum()) for pair in pairs)
    if left > 1e-12:
        yield "the answer is compared with something else than the noise"
        return
    ab = UNEVEN.alphas_cumprod[t].numpy()
    atoms = {"ab": ab, "1 - ab": 1 - ab, "alpha": UNEVEN.alphas[t].numpy(), "beta": UNEVEN.betas[t].numpy()}
    parts = []
    for column, name in zip(factors.T, ("x0", "noise")):
        if np.abs(column).max() > 1e-9:
            text = product(column, atoms)
            parts.append("?" if text is None else {"1": name, "-1": f"-{name}"}.get(text, f"{text} * {name}"))
    if "?" in parts:
        yield "the answer is compared with a mixture of x0 and noise: the noise itself is due"
    else:
        total = written(" + ".join(parts), "q_sample").replace("+ -", "- ") or "0"
        yield f"the answer is compared with {total}: the noise itself is due"


def _weights(weights: Tensor) -> str:
    """How samples are weighted by their t."""
    if (weights.abs() < 1e-12).any():
        left = (weights.abs() < 1e-12).nonzero().flatten().tolist()
        one = f", number {left[0]} of 0 ... 6, whose t is {int(TIMES[left[0]])}"
        return f"1 of 7 samples is left out{one}" if len(left) == 1 else f"{len(left)} of 7 samples are left out"
    beta, alpha, ab = (table[TIMES].numpy() for table in UNEVEN)
    atoms = {"beta": beta, "alpha": alpha, "ab": ab, "1 - ab": 1 - ab, "(t + 1)": TIMES.numpy() + 1.0}
    text = product(weights.numpy() * weights.numel() * 3, atoms)
    if text is None:
        return "samples are weighted by their t: eq. 14 weighs all alike"
    return f"samples are weighted by {written(text, 'q_sample')}: eq. 14 weighs all alike"


def _other_form(f: Callable) -> str:
    """Another way to count the gaps, by name."""
    for name, form in FORMS.items():
        scale = scale_of(f, asked, form)
        if scale is not None:
            return f"the loss is {scale} {name}".replace("  ", " ") + ": the mean of the squares is due"
    return ""
