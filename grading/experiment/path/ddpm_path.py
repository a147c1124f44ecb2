"""The steps of a DDPM walk: is the noise what the generator gave? If not, is it at least a fair draw?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from grading.experiment.path.noise_check import Step, check_noise
from grading.experiment.path.rounding import beside, slack
from grading.judging import closed_form
from grading.submission.contract import NoiseSchedule

SPARE = 2  # draws that a walk may make before its first step
TICK = 50  # steps


def copy_of(generator: torch.Generator) -> torch.Generator:
    """Another generator in the same state."""
    return torch.Generator(generator.device).set_state(generator.get_state())


def drawn_from(
    generator: torch.Generator,
    states: list[Tensor],
    answers: list[Tensor],
    schedule: NoiseSchedule,
    steps: list[int],
    x_T: Tensor,
) -> bool:
    """Whether each step added what torch.randn(x.shape, generator=generator) gives, with either lawful variance.

    Args:
        generator: in the state in which the sampler was given it.
        states, answers: x_T ... x_0, and the model's answers; on the CPU.
        schedule: float64 tables on the CPU.
        steps: the timesteps, the noisiest first.
        x_T: shape, dtype and device of a draw.
    """
    for simple in (False, True):
        for spare in range(SPARE + 1):
            draw = copy_of(generator)
            for _ in range(spare):
                torch.randn(x_T.shape, generator=draw, device=x_T.device, dtype=x_T.dtype)
            if all(
                _adds(torch.randn(x_T.shape, generator=draw, device=x_T.device, dtype=x_T.dtype).cpu(), *step)
                for step in _steps(states, answers, schedule, steps, simple)
            ):
                return True
    return False


def _adds(noise: Tensor, t: int, x_t: Tensor, eps: Tensor, left: Tensor, sigma: float, most: float) -> bool:
    lawful = not beside(left - sigma * noise.double(), x_t, eps, most, 1.0)
    return lawful or (t == 0 and not beside(left, x_t, eps, most, 1.0))


def _steps(
    states: list[Tensor], answers: list[Tensor], schedule: NoiseSchedule, steps: list[int], simple: bool
) -> Iterator[tuple[int, Tensor, Tensor, Tensor, float, float]]:
    """t, x_t, eps, x_{t-1} minus the mean, sigma and slack of each step, one at a time: a walk is long."""
    for i, t in enumerate(steps):
        x_t, eps = states[i].double(), answers[i].double()
        mean, variance = closed_form.posterior(closed_form.predict_x0(x_t, t, eps, schedule), x_t, t, schedule)
        sigma = float(schedule.betas[t] if simple or t == 0 else variance) ** 0.5
        yield t, x_t, eps, states[i + 1].double() - mean, sigma, slack(t, t - 1, schedule)


def check_ddpm(
    states: list[Tensor],
    answers: list[Tensor],
    schedule: NoiseSchedule,
    steps: list[int],
    data: Tensor | None,
    tick: Callable[[], None],
) -> None:
    """Raise Unlawful unless the noise is a fair draw, with the variance beta~_t (eq. 7) or beta_t (section 3.2)."""
    nearest = _towards(data) if data is not None else None
    simple = nearer_to_beta(states, answers, schedule, steps)
    check_noise(_looked_at(_steps(states, answers, schedule, steps, simple), schedule, nearest, tick))


def nearer_to_beta(states: list[Tensor], answers: list[Tensor], schedule: NoiseSchedule, steps: list[int]) -> bool:
    """Whether the noise of the last few steps, where the two variances differ most, has rather the variance beta_t."""
    late = slice(-4, None)
    excess = 0.0
    for t, _, _, left, sigma, _ in _steps(states[:-1][late] + states[-1:], answers[late], schedule, steps[late], False):
        if t > 0:
            between = 0.5 * (1 + float(schedule.betas[t]) / sigma**2)  # in units of beta~_t
            excess += float(left.square().mean()) / sigma**2 - between
    return excess > 0


def _looked_at(
    steps: Iterator[tuple[int, Tensor, Tensor, Tensor, float, float]],
    schedule: NoiseSchedule,
    nearest: Callable[[Tensor], Tensor] | None,
    tick: Callable[[], None],
) -> Iterator[Step]:
    """Each step that added noise, with the directions in which a cheat would want to go."""
    for i, (t, x_t, eps, left, sigma, most) in enumerate(steps):
        if i % TICK == 0:
            tick()
        if t == 0 and not beside(left, x_t, eps, most, 1.0):
            continue
        directions = {f"moves every point alike, along {d}": _axis(x_t, d) for d in range(x_t[0].numel())}
        if nearest is not None:
            x0 = closed_form.predict_x0(x_t, t, eps, schedule)
            for seen, place in {"x_t": x_t / float(schedule.alphas_cumprod[t]) ** 0.5, "x0": x0}.items():
                field = nearest(place)
                directions[f"leads towards the data, from {seen}"] = field
                directions[f"leads towards the data, near or far, from {seen}"] = _unit(field)
        yield Step(t, left, sigma, (x_t, eps), most, directions)


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


def fair_walk(
    model: Callable[[Tensor, Tensor], Tensor],
    x_T: Tensor,
    schedule: NoiseSchedule,
    generator: torch.Generator,
    tick: Callable[[], None],
) -> Tensor:
    """DDPM algorithm 2 with the grader's own noise: where the model leads from x_T (B, *dims), without a gradient."""
    x, tables = x_T, NoiseSchedule(*(table.double().cpu() for table in schedule))
    with torch.no_grad():
        for i, t in enumerate(reversed(range(len(schedule.betas)))):
            if i % TICK == 0:
                tick()
            eps = model(x, torch.full((len(x),), t, device=x.device))
            noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
            mean, variance = closed_form.posterior(closed_form.predict_x0(x, t, eps, tables), x, t, tables)
            x = mean.to(x) + float(variance) ** 0.5 * noise
    return x
