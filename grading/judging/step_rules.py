"""By which step a walk goes, the papers' or the submission's own: a slip in the step costs the step's task alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from grading.judging import closed_form
from grading.judging.observations import carefully
from grading.judging.sampler_trace import Walk
from grading.submission.errors import SubmissionError

Pairs = list[tuple[int, int]]
SLACK = 0.2  # how far from 1 the variance of a thousand and more numbers may be, for a walk to go by a rule at all


@dataclass(frozen=True)
class Rule:
    """One way to step: ask(x_t, t, t_prev, eps, noise), noise None where there is to be none.

    Attributes:
        own: whether it is the submission's.
    """

    own: bool
    ask: Callable[[Tensor, int, int, Tensor, Tensor | None], Tensor]

    def mean(self, x_t: Tensor, t: int, t_prev: int, eps: Tensor) -> Tensor:
        """Where a step leads without noise."""
        return self.ask(x_t, t, t_prev, eps, None).detach()

    def sigma(self, t: int, t_prev: int, like: Tensor) -> float:
        """How much noise a step adds: what it makes of ones."""
        zero = torch.zeros_like(like[:1])
        return float((self.ask(zero, t, t_prev, zero, zero + 1) - self.mean(zero, t, t_prev, zero)).abs().mean())

    def left_over(self, walk: Walk) -> list[Tensor]:
        """Of every step, what it did beside the mean."""
        return walk.residuals(self.mean)

    def noises(self, walk: Walk) -> list[Tensor]:
        """The noise of each step that adds some, in units of its sigma: standard normal numbers if all is well."""
        sigmas = [self.sigma(*pair, walk.states[0]) for pair in pairs(walk)]
        return [left / sigma for left, sigma in zip(self.left_over(walk), sigmas) if sigma > 0]


def pairs(walk: Walk) -> Pairs:
    """t and t_prev of every step of a walk."""
    steps = [*walk.timesteps, -1]
    return list(zip(steps, steps[1:]))


def rules(implementation: Any, schedule: Any, eta: float | None) -> list[Rule]:
    """The papers' rule, and the submission's own where its step can be called; eta None means DDPM."""

    def papers(x_t: Tensor, t: int, t_prev: int, eps: Tensor, noise: Tensor | None) -> Tensor:
        if eta is None:
            return closed_form.ddpm_step(x_t, t, eps, schedule, torch.zeros_like(x_t) if noise is None else noise)
        return closed_form.ddim_step(x_t, t, t_prev, eps, schedule, eta, noise)

    def own(x_t: Tensor, t: int, t_prev: int, eps: Tensor, noise: Tensor | None) -> Tensor:
        if eta is None:
            step = carefully(implementation.ddpm_step)
            return step(x_t, t, eps, schedule, torch.zeros_like(x_t) if noise is None else noise)
        noise = torch.zeros_like(x_t) if noise is None and eta > 0 else noise
        return carefully(implementation.ddim_step)(x_t, t, t_prev, eps, schedule, eta, noise)

    return [Rule(False, papers), Rule(True, own)]


def rule_of(walk: Walk, choice: list[Rule]) -> Rule:
    """The first rule that a walk of many points goes by; where it goes by none, the submission's own if it works."""
    working = []
    for rule in choice:
        fit = quietly(partial(_goes_by, walk, rule))
        if fit == 1:
            return rule
        working += [rule] if fit == 0 else []
    return (working[::-1] or choice)[0]


def _goes_by(walk: Walk, rule: Rule) -> int:
    """1 where every step adds about as much as the rule says, 0 where not, -1 where the rule gives no numbers."""
    verdict = 1
    for (t, t_prev), left in zip(pairs(walk), rule.left_over(walk)):
        sigma = rule.sigma(t, t_prev, walk.states[0])
        if not torch.isfinite(left).all():
            return -1
        close = (
            abs(float(left.square().mean()) / sigma**2 - 1) < SLACK if sigma > 0 else float(left.abs().max()) < 1e-3
        )  # nan > 0 is False
        verdict = min(verdict, int(close))
    return verdict


def quietly(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except SubmissionError as error:
        if error.kind in ("timeout", "gone"):
            raise
        return None
    except (RuntimeError, ValueError, TypeError, AttributeError, IndexError):
        return None


def nearest(walk: Walk, choice: list[Rule], step: slice) -> Tensor:
    """What some steps did beside the mean, by the rule that leaves least; a rule that adds noise there leaves none."""
    found = []
    for rule in choice:
        left = quietly(lambda: torch.stack(rule.left_over(walk)[step]))  # noqa: B023
        if left is None or not left.isfinite().all():
            continue
        if rule.own and quietly(lambda: max(rule.sigma(*p, walk.states[0]) for p in pairs(walk)[step])):  # noqa: B023
            left = torch.zeros_like(left)
        found.append(left)
    return (
        min(found, key=lambda left: float(left.abs().max())) if found else torch.stack(choice[0].left_over(walk)[step])
    )


def due_end(
    rule: Rule, model: Callable, x_T: Tensor, steps: list[int], noises: Sequence[Tensor | None] | None = None
) -> Tensor | None:
    """Where a walk ends by a rule, with these noises or with none; None where the rule cannot say."""

    def walked() -> Tensor:
        x = x_T
        for t, t_prev, noise in zip(steps, [*steps[1:], -1], noises or [None] * len(steps)):
            x = rule.ask(x, t, t_prev, model(x, torch.full((len(x),), t, device=x.device)), noise).detach()
        return x

    return quietly(walked)


def own_timesteps(implementation: Any, total: int, count: int) -> list[int] | None:
    """The list that the submission's own ddim_timesteps gives; None where it gives none that could be walked."""
    listed = quietly(lambda: [int(t) for t in implementation.ddim_timesteps(total, count)])
    return listed if listed and all(0 <= t < total for t in listed) else None


def is_quiet(rule: Rule, steps: list[int], like: Tensor) -> bool:
    """Whether a rule adds no noise at any step of a walk."""
    return quietly(lambda: not any(rule.sigma(*pair, like) > 0 for pair in zip(steps, [*steps[1:], -1]))) is True


def x_t_of_its_own(implementation: Any, x0: Tensor, t: Tensor, schedule: Any, noise: Tensor) -> Tensor:
    """What the submission's own q_sample makes of x0; the papers' x_t where it makes nothing like it."""
    x_t = quietly(lambda: carefully(implementation.q_sample)(x0, t, schedule, noise))
    if isinstance(x_t, Tensor) and (x_t.shape, x_t.dtype) == (x0.shape, x0.dtype):
        return x_t.detach()
    return closed_form.q_sample(x0, t, schedule, noise)


def by_own_q_sample(implementation: Any, given: dict[str, Any]) -> Tensor | None:
    """The loss that is due where x_t is what the submission's own q_sample makes; None where that makes nothing."""
    x0, t, schedule, noise = (given[name] for name in ("x0", "t", "schedule", "noise"))
    x_t = x_t_of_its_own(implementation, x0, t, schedule, noise)
    return quietly(lambda: (noise - given["model"](x_t, t)).square().mean().detach())
