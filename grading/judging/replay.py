"""Make a walk again, with the submission's own step and the numbers of the generator that the walk was given.

What a step makes of its noise can be read off only where it is linear. A step that clips, or that gives no number for
some x, can still be called: a loop that comes from each x to the next as its own step does is right, whatever that is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from grading.judging.compare import same
from grading.judging.sampler_trace import Walk
from grading.judging.step_rules import Rule, pairs, quietly

Noises = Sequence[Tensor | None]


def generator_before(given: torch.Generator | None, device: torch.device) -> torch.Generator:
    """A generator that will draw what the given one is about to draw, or torch's own where none is given."""
    return torch.Generator(device).set_state(given.get_state() if given else _of_torch(device))


def _of_torch(device: torch.device) -> Tensor:
    return torch.get_rng_state() if device.type == "cpu" else torch.cuda.get_rng_state(device)


def ways_to_draw(generator: torch.Generator, x_T: Tensor, steps: int) -> Iterator[list[Tensor]]:
    """The noise of each step, for each way to draw it: one by one or all at once, in the dtype of x or in torch's."""
    state = generator.get_state()
    for dtype in dict.fromkeys((x_T.dtype, torch.get_default_dtype())):
        for at_once in (False, True):
            again = torch.Generator(x_T.device).set_state(state)
            draw = partial(torch.randn, generator=again, dtype=dtype, device=x_T.device)
            drawn = draw((steps, *x_T.shape)) if at_once else [draw(x_T.shape) for _ in range(steps)]
            yield [z.to(x_T) for z in drawn]


def replayed(walk: Walk, rule: Rule, generator: torch.Generator, eta: float | None) -> Noises | None:
    """The noise of each step, if the rule leads with it from every x of the walk to the next; None if it does not."""
    steps = len(walk.timesteps)
    ways: list[Noises] = [[None] * steps] if eta == 0 else [*ways_to_draw(generator, walk.states[0], steps)]
    return next((way for way in ways if quietly(partial(_leads_along, walk, rule, way))), None)


def _leads_along(walk: Walk, rule: Rule, noises: Noises) -> bool:
    for (t, t_prev), x, eps, z, after in zip(pairs(walk), walk.states, walk.spy.answers, noises, walk.states[1:]):
        choice = (z, None) if t_prev < 0 else (z,)  # at the end, noise may be handed on or not
        if not any(same(rule.ask(x, t, t_prev, eps, noise).detach(), after) for noise in choice):
            return False
    return True
