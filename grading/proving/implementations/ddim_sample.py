"""5.3 ddim_sample: one jump for each of S timesteps, the last of them to t_prev = -1."""

import torch

from grading.proving.implementations import right, wrong
from grading.proving.implementations.ddim_step import as_the_paper as ddim_step
from grading.proving.implementations.ddim_step import in_float32 as step_in_float32
from grading.proving.implementations.ddim_step import three_factors
from grading.proving.implementations.ddim_timesteps import by_comprehension as ddim_timesteps

EXAMPLE = '''
def test_the_walk_keeps_the_shape(ddim_sample, schedule_of):
    """Four points of two numbers each stay four points of two numbers each."""
    x = torch.randn(4, 2)
    assert ddim_sample(lambda x_t, t: 0 * x_t, x, schedule_of([0.1, 0.2, 0.3, 0.4]), 2).shape == x.shape
'''


def check(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    if not 1 <= num_inference_steps <= len(schedule.alphas_cumprod):
        raise ValueError("num_inference_steps must be from 1 to T")


def _draw(x, generator):
    return torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)


def _at(x, t):
    return torch.full((len(x),), t, device=x.device)


def _steps(schedule, num_inference_steps):
    return ddim_timesteps(len(schedule.alphas_cumprod), num_inference_steps)


@right("the paper's own", "it is eq. 12, from the noisiest timestep to the last")
@torch.no_grad()
def as_the_paper(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    x, steps = x_T, _steps(schedule, num_inference_steps)
    for t, t_prev in zip(steps, [*steps[1:], -1]):
        noise = _draw(x, generator) if eta > 0 else None
        x = ddim_step(x, t, t_prev, model(x, _at(x, t)), schedule, eta, noise)
    return x


@right("the one that draws its noise before it asks the model", "when noise is drawn is its own affair, if it is fresh")
@torch.no_grad()
def draws_first(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    x, steps = x_T.clone(), _steps(schedule, num_inference_steps)
    noise = [_draw(x, generator) for _ in steps] if eta > 0 else [None] * len(steps)
    for i, t in enumerate(steps):
        t_prev = steps[i + 1] if i + 1 < len(steps) else -1
        x = ddim_step(x, t, t_prev, model(x, _at(x, t)), schedule, eta, noise[i])
    return x


@right("the one that draws no noise for the last jump", "sigma is 0 there: do not count draws, nor compare by seed")
@torch.no_grad()
def draws_one_less(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    x, steps = x_T, [*_steps(schedule, num_inference_steps), -1]
    for t, t_prev in zip(steps, steps[1:]):
        eps = model(x, torch.tensor([t] * len(x), device=x.device))
        noise = _draw(x, generator) if eta > 0 and t_prev >= 0 else torch.zeros_like(x)
        x = ddim_step(x, t, t_prev, eps, schedule, eta, noise)
    return x


@right("the one with three factors in each step", "the same jump, rounded otherwise: allow 1e-5")
@torch.no_grad()
def by_factors(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    x, steps = x_T, _steps(schedule, num_inference_steps)
    for t, t_prev in zip(steps, [*steps[1:], -1]):
        x = three_factors(x, t, t_prev, model(x, _at(x, t)), schedule, eta, _draw(x, generator) if eta > 0 else None)
    return x


@right("the one that steps in float32", "float32 has seven digits, and the errors add up: allow 1e-3")
@torch.no_grad()
def in_float32(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    x, steps = x_T, _steps(schedule, num_inference_steps)
    for t, t_prev in zip(steps, [*steps[1:], -1]):
        noise = _draw(x, generator) if eta > 0 else None
        x = step_in_float32(x, t, t_prev, model(x, _at(x, t)), schedule, eta, noise)
    return x


@wrong(
    "t - 1 for t_prev: it walks one step back where it should jump to the next timestep of the list",
    "With a model that answers 0, how much larger is x at the end than at the start?",
)
@torch.no_grad()
def one_back(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    x = x_T
    for t in _steps(schedule, num_inference_steps):
        noise = _draw(x, generator) if eta > 0 else None
        x = ddim_step(x, t, t - 1, model(x, _at(x, t)), schedule, eta, noise)
    return x


@wrong("the last jump, from t = 0 to t_prev = -1, is missing", "At which t is the model asked last?")
@torch.no_grad()
def stops_early(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    x, steps = x_T, _steps(schedule, num_inference_steps)
    for t, t_prev in zip(steps, steps[1:]):
        noise = _draw(x, generator) if eta > 0 else None
        x = ddim_step(x, t, t_prev, model(x, _at(x, t)), schedule, eta, noise)
    return x


@wrong("eta is dropped on the way: no fresh noise is ever drawn", "With eta = 1, are two walks from one x_T equal?")
@torch.no_grad()
def drops_eta(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    return as_the_paper(model, x_T, schedule, num_inference_steps)


@wrong(
    "the generator is never used: noise comes from the global one", "Two calls with equal generators: what is equal?"
)
@torch.no_grad()
def ignores_the_generator(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    return as_the_paper(model, x_T, schedule, num_inference_steps, eta)


@wrong(
    "the model is told how many jumps were made, not which timestep it is",
    "At which t is the model asked? Write them down.",
)
@torch.no_grad()
def counts_the_jumps(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    x, steps = x_T, _steps(schedule, num_inference_steps)
    for i, (t, t_prev) in enumerate(zip(steps, [*steps[1:], -1])):
        noise = _draw(x, generator) if eta > 0 else None
        x = ddim_step(x, t, t_prev, model(x, _at(x, len(steps) - 1 - i)), schedule, eta, noise)
    return x
