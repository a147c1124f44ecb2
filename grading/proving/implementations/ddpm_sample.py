"""4.2 ddpm_sample: T steps, from the noisiest to the last."""

import torch

from grading.proving.implementations import right, wrong
from grading.proving.implementations.ddpm_step import as_the_paper as ddpm_step
from grading.proving.implementations.ddpm_step import in_float32 as step_in_float32
from grading.proving.implementations.ddpm_step import three_factors

EXAMPLE = '''
def test_the_walk_keeps_the_shape(ddpm_sample, schedule_of):
    """Four points of two numbers each stay four points of two numbers each."""
    x = torch.randn(4, 2)
    assert ddpm_sample(lambda x_t, t: 0 * x_t, x, schedule_of([0.1, 0.2, 0.3])).shape == x.shape
'''


def _draw(x, generator):
    return torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)


def _at(x, t):
    return torch.full((len(x),), t, device=x.device)


@right("the paper's own", "it is algorithm 2")
@torch.no_grad()
def as_the_paper(model, x_T, schedule, generator=None):
    x = x_T
    for t in reversed(range(len(schedule.betas))):
        x = ddpm_step(x, t, model(x, _at(x, t)), schedule, _draw(x, generator))
    return x


@right("the one that draws no noise for t = 0", "none is needed there: do not count draws, nor compare by seed")
@torch.no_grad()
def draws_one_less(model, x_T, schedule, generator=None):
    x, t = x_T, len(schedule.betas) - 1
    while t >= 0:
        noise = _draw(x, generator) if t > 0 else torch.zeros_like(x)
        x = ddpm_step(x, t, model(x, _at(x, t)), schedule, noise)
        t -= 1
    return x


@right("the one that draws all its noise before the walk", "when noise is drawn is its own affair, if it is fresh")
@torch.no_grad()
def draws_first(model, x_T, schedule, generator=None):
    steps = len(schedule.betas)
    noise = torch.randn((steps, *x_T.shape), generator=generator, dtype=x_T.dtype, device=x_T.device)
    x = x_T.clone()
    for t in range(steps - 1, -1, -1):
        x = ddpm_step(x, t, model(x, _at(x, t)), schedule, noise[t])
    return x


@right("the one with three factors in each step", "the same step, rounded otherwise: allow 1e-5")
@torch.no_grad()
def by_factors(model, x_T, schedule, generator=None):
    x = x_T
    for t in range(len(schedule.betas))[::-1]:
        eps = model(x, torch.ones(len(x), dtype=torch.int64, device=x.device) * t)
        x = three_factors(x, t, eps, schedule, _draw(x, generator))
    return x


@right("the one that steps in float32", "float32 has seven digits, and the errors add up: allow 1e-3")
@torch.no_grad()
def in_float32(model, x_T, schedule, generator=None):
    x = x_T
    for t in reversed(range(len(schedule.betas))):
        x = step_in_float32(x, t, model(x, _at(x, t)), schedule, _draw(x, generator))
    return x


@wrong("the walk ends at t = 1: the last step is missing", "At which t is the model asked? Write them down.")
@torch.no_grad()
def stops_early(model, x_T, schedule, generator=None):
    x = x_T
    for t in range(len(schedule.betas) - 1, 0, -1):
        x = ddpm_step(x, t, model(x, _at(x, t)), schedule, _draw(x, generator))
    return x


@wrong(
    "one noise, drawn once and used in every step",
    "With a model that answers 0, can you tell from the variance of the result how many draws went in?",
)
@torch.no_grad()
def one_noise(model, x_T, schedule, generator=None):
    x, noise = x_T, _draw(x_T, generator)
    for t in reversed(range(len(schedule.betas))):
        x = ddpm_step(x, t, model(x, _at(x, t)), schedule, noise)
    return x


@wrong(
    "the generator is never used: noise comes from the global one", "Two calls with equal generators: what is equal?"
)
@torch.no_grad()
def ignores_the_generator(model, x_T, schedule, generator=None):
    x = x_T
    for t in reversed(range(len(schedule.betas))):
        x = ddpm_step(x, t, model(x, _at(x, t)), schedule, torch.randn_like(x))
    return x


@wrong("upwards: from t = 0 to the noisiest", "At which t is the model asked first?")
@torch.no_grad()
def upwards(model, x_T, schedule, generator=None):
    x = x_T
    for t in range(len(schedule.betas)):
        x = ddpm_step(x, t, model(x, _at(x, t)), schedule, _draw(x, generator))
    return x


@wrong(
    "gradients are recorded through all the steps", "What of a model with weights to train: does the result know them?"
)
def records_gradients(model, x_T, schedule, generator=None):
    x = x_T
    for t in reversed(range(len(schedule.betas))):
        x = ddpm_step(x, t, model(x, _at(x, t)), schedule, _draw(x, generator))
    return x
