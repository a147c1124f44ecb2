"""Did the model lead to these points? Look at every step that a sampler took between two questions to its model.

A Chamfer distance says how near points are to the data, not where they came from: copied training points score best.
So the points earn something only if the walk that the model saw is a lawful one and ends where the points are.

What is lawful: each step is the equation's, but for rounding (DDIM) or for noise that is a fair draw (DDPM, see
noise_check.py). Rounding may scale a step by a hair, the same for every point, and leave each number a few units in its
last place: nothing that could lead a point anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from grading.experiment.noise_check import LATE, Step, Unlawful, check_noise
from grading.judging import closed_form
from grading.submission.contract import NoiseSchedule

ROUNDING = 1e-5  # float32: 80 units in the last place, relative to what is added up in a step
CANCELLED = 5e-7  # eight units in the last place of alpha_bar: all that is wrong with 1 - alpha_bar, small near t = 0
BLOCK = 1 << 20  # numbers
MOST_KEPT = 1 << 26  # numbers that a recorder keeps: 8 times those of 2,048 points and 1,000 steps


@dataclass(frozen=True)
class Verdict:
    """Whether a walk was lawful, and one sentence that says why not (empty where it was)."""

    lawful: bool
    sentence: str = ""


@dataclass
class Recorder:
    """A model that keeps what it was asked and what it said, to be judged afterwards.

    What is on a device stays there until somebody looks: to copy it here at each step would make the device wait.
    """

    model: Callable[[Tensor, Tensor], Tensor]
    kept_there: list[tuple[Any, Any, Any]] = field(default_factory=list)
    kept: int = 0
    blocks: dict[torch.dtype, tuple[Tensor, int]] = field(default_factory=dict)

    def __call__(self, x_t: Any, t: Any) -> Tensor:
        asked = sum(value.numel() for value in (x_t, t) if isinstance(value, Tensor))
        self.kept += 2 * asked
        if self.kept > MOST_KEPT:
            raise ValueError(f"the model was asked about more than {MOST_KEPT // 2:,} numbers")
        eps = self.model(x_t, t)
        same = isinstance(t, Tensor) and t.is_cpu and t.numel() > 1 and bool((t == t.flatten()[0]).all())
        self.kept_there.append((self._kept(x_t), self._kept(t.flatten()[:1] if same else t), self._kept(eps)))
        return eps

    @property
    def calls(self) -> list[tuple[Any, Any, Any]]:
        """(x_t, t, eps) of every question, on the CPU."""
        self.kept_there = [(_here(x_t), _here(t), _here(eps)) for x_t, t, eps in self.kept_there]
        return self.kept_there

    def _kept(self, value: Any) -> Any:
        """A copy in a large block: small ones, made between a network's temporaries, leave holes of a gigabyte."""
        if not isinstance(value, Tensor):
            return value
        value = value.detach()
        if not value.is_cpu:
            return value.clone()
        block, used = self.blocks.get(value.dtype, (torch.empty(0), BLOCK))
        if used + value.numel() > len(block):
            block, used = torch.empty(max(BLOCK, value.numel()), dtype=value.dtype), 0
        self.blocks[value.dtype] = (block, used + value.numel())
        return block[used : used + value.numel()].view(value.shape).copy_(value)


def _here(value: Any) -> Any:
    return value.cpu() if isinstance(value, Tensor) else value


def check_path(
    recorder: Recorder,
    x_T: Tensor,
    points: Any,
    schedule: NoiseSchedule,
    steps: list[int],
    eta: float | None,
    data: Tensor | None = None,
) -> Verdict:
    """Judge a finished walk.

    Args:
        recorder: what the sampler asked, in order.
        x_T: (B, *dims), where it had to start.
        points: what it returned.
        schedule: the tables that it was given.
        steps: the timesteps that a lawful walk visits, in order.
        eta: 0 for DDIM, whose every step is exact; None for DDPM, whose steps add noise of a known law. Both of the
            paper's variances, beta_t and beta~_t, count as lawful here, and so does noise at t = 0; the suites tell
            them apart.
        data: (N, D), points of the data set, where a cheat would want to go; without them fewer directions are tried.
    """
    try:
        states = _states(recorder, x_T, points, steps)
        tables = NoiseSchedule(*(table.detach().cpu().double() for table in schedule))
        answers = [eps for _, _, eps in recorder.calls]
        if eta is None:
            _check_ddpm(states, answers, tables, steps, data)
        else:
            _check_ddim(states, answers, tables, steps, eta)
    except Unlawful as reason:
        return Verdict(False, f"these points are not where the model led: {reason}")
    return Verdict(True)


def _states(recorder: Recorder, x_T: Tensor, points: Any, steps: list[int]) -> list[Tensor]:
    asked = len(recorder.calls)
    if asked != len(steps):
        raise Unlawful(f"it was asked {asked} times, a walk of {len(steps)} steps asks {len(steps)} times")
    like, states = x_T.detach().cpu(), []
    for i, (x_t, t, _) in enumerate(recorder.calls):
        if not _is(t, steps[i]):
            raise Unlawful(f"question {i + 1} is about {_shown(t)}, where t = {steps[i]} is due")
        states.append(_state(x_t, like, f"the x_t of question {i + 1}"))
    states.append(_state(points, like, "what was returned"))
    if not torch.equal(states[0].double(), like.double()):
        raise Unlawful("the walk does not start at the noise that it was given")
    return states


def _is(t: Any, wanted: int) -> bool:
    if isinstance(t, Tensor):
        return t.numel() > 0 and not t.is_complex() and bool((t == wanted).all())
    return type(t) in (int, float) and t == wanted


def _shown(t: Any) -> str:
    if not isinstance(t, Tensor):
        return f"t = {t}" if type(t) in (int, float) else f"a t of type {type(t).__name__}"
    return "t = " + (", ".join(str(value) for value in t.flatten()[:3].tolist()) or "nothing")


def _state(value: Any, like: Tensor, what: str) -> Tensor:
    if not isinstance(value, Tensor) or value.shape != like.shape or not value.is_floating_point():
        raise Unlawful(f"{what} is not a tensor of shape {tuple(like.shape)}")
    value = value.detach().cpu()
    if not value.isfinite().all():
        raise Unlawful(f"{what} is not finite")
    return value


def _slack(t: int, t_prev: int, schedule: NoiseSchedule) -> float:
    """How far apart two right float32 forms of a step's coefficients may be."""
    left = 1 - float(schedule.alphas_cumprod[max(t_prev, 0)])
    return ROUNDING + CANCELLED / max(min(left, 1 - float(schedule.alphas_cumprod[t])), CANCELLED)


def _beside(gap: Tensor, x_t: Tensor, eps: Tensor, slack: float, size: float) -> bool:
    """Whether a gap is more than rounding: tiny multiples of x_t and eps, and some units in the last place."""
    flat = torch.stack([x_t.flatten(), eps.flatten()], dim=1)
    multiples = torch.linalg.lstsq(flat, gap.flatten()[:, None], driver="gelsd").solution.flatten()
    rest = (gap.flatten() - flat @ multiples).reshape(gap.shape)
    most = ROUNDING * size * (1 + x_t.abs() + eps.abs())
    return float((flat @ multiples).norm()) > slack * float(flat.norm()) or bool((rest.abs() > most).any())


def _check_ddim(
    states: list[Tensor], answers: list[Tensor], schedule: NoiseSchedule, steps: list[int], eta: float
) -> None:
    for i, (t, t_prev) in enumerate(zip(steps, [*steps[1:], -1])):
        x_t, eps = states[i].double(), answers[i].double()
        gap = states[i + 1].double() - closed_form.ddim_step(x_t, t, t_prev, eps, schedule, eta)
        size = float(closed_form.alpha_bar_at(schedule, t_prev) / schedule.alphas_cumprod[t]) ** 0.5
        if _beside(gap, x_t, eps, size * _slack(t, t_prev, schedule), size):
            raise Unlawful(f"the step from t = {t} to {t_prev} lands {float(gap.abs().max()):.2g} beside DDIM eq. 12")


def _check_ddpm(
    states: list[Tensor], answers: list[Tensor], schedule: NoiseSchedule, steps: list[int], data: Tensor | None
) -> None:
    """Fair with the variance beta~_t (eq. 7), or with beta_t (section 3.2)."""
    nearest = _towards(data) if data is not None else None
    try:
        check_noise(_ddpm_steps(states, answers, schedule, steps, nearest, simple=False))
    except Unlawful as reason:
        try:
            check_noise(_ddpm_steps(states, answers, schedule, steps, nearest, simple=True))
        except Unlawful as other:
            raise (other if "variance" in str(reason) and "variance" not in str(other) else reason) from None


def _ddpm_steps(
    states: list[Tensor],
    answers: list[Tensor],
    schedule: NoiseSchedule,
    steps: list[int],
    nearest: Callable[[Tensor], Tensor] | None,
    simple: bool,
) -> Iterator[Step]:
    """Each step that added noise, one at a time: a walk is long, and memory may be short."""
    for i, t in enumerate(steps):
        x_t, eps = states[i].double(), answers[i].double()
        x0 = closed_form.predict_x0(x_t, t, eps, schedule)
        mean, variance = closed_form.posterior(x0, x_t, t, schedule)
        left, slack = states[i + 1].double() - mean, _slack(t, t - 1, schedule)
        if t == 0 and not _beside(left, x_t, eps, slack, 1.0):
            continue
        directions = {f"moves every point alike, along {d}": _axis(x_t, d) for d in range(x_t[0].numel())}
        if nearest is not None and 1 - float(schedule.alphas_cumprod[t]) < LATE:
            for seen, place in {"x_t": x_t / float(schedule.alphas_cumprod[t]) ** 0.5, "x0": x0}.items():
                field = nearest(place)
                directions[f"leads towards the data, from {seen}"] = field
                directions[f"leads towards the data, near or far, from {seen}"] = _unit(field)
        sigma = float(schedule.betas[t] if simple or t == 0 else variance) ** 0.5
        yield Step(t, left, sigma, (x_t, eps), slack, directions)


def _axis(x_t: Tensor, d: int) -> Tensor:
    field = torch.zeros_like(x_t)
    field.flatten(1)[:, d] = 1
    return field


def _unit(field: Tensor) -> Tensor:
    return field / field.norm(dim=1, keepdim=True).clamp(min=1e-9)


def _towards(data: Tensor) -> Callable[[Tensor], Tensor]:
    """From each x0 (B, D) to the nearest of the data."""
    from scipy.spatial import KDTree

    points = data.detach().cpu().double()
    tree = KDTree(points.numpy())
    return lambda x0: points[torch.from_numpy(tree.query(x0.numpy())[1])] - x0
