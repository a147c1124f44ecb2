"""1.2 quadratic_beta_schedule: the square roots of the betas on a straight line."""

import torch

from grading.proving.implementations import right, wrong

EXAMPLE = '''
def test_there_is_one_beta_for_each_step(quadratic_beta_schedule):
    """Ten steps have ten betas."""
    assert quadratic_beta_schedule(10).shape == (10,)
'''


def check(num_timesteps, beta_start=1e-4, beta_end=0.02):
    if num_timesteps < 1 or not (0 < beta_start < 1 and 0 < beta_end < 1):
        raise ValueError("num_timesteps must be at least 1, beta_start and beta_end between 0 and 1")


@right("the one that squares a straight line of roots", "it is the docstring's formula: allow 1e-6")
def by_linspace(num_timesteps, beta_start=1e-4, beta_end=0.02):
    return torch.linspace(beta_start**0.5, beta_end**0.5, num_timesteps) ** 2


@right("the one that is written as the docstring has it", "it rounds otherwise in the last digit: allow 1e-6")
def by_formula(num_timesteps, beta_start=1e-4, beta_end=0.02):
    first, last = beta_start**0.5, beta_end**0.5
    root = first + (last - first) * torch.arange(num_timesteps) / max(num_timesteps - 1, 1)
    return root.square()


@right("the one that multiplies the square out", "(a + b)^2 = a^2 + 2ab + b^2, rounded in another order: allow 1e-6")
def multiplied_out(num_timesteps, beta_start=1e-4, beta_end=0.02):
    u = torch.linspace(0, 1, num_timesteps)
    across = beta_end**0.5 - beta_start**0.5
    return beta_start + 2 * beta_start**0.5 * across * u + across**2 * u**2


@right("the one that starts at the far end", "for T = 1 the docstring allows any number from beta_start to beta_end")
def from_the_end(num_timesteps, beta_start=1e-4, beta_end=0.02):
    return torch.linspace(beta_end**0.5, beta_start**0.5, num_timesteps).flip(0).pow(2)


@right("the one that works in float64 and rounds at the end", "it is nearer to the exact numbers: allow 1e-6")
def in_float64(num_timesteps, beta_start=1e-4, beta_end=0.02):
    roots = torch.linspace(beta_start**0.5, beta_end**0.5, num_timesteps, dtype=torch.float64)
    return (roots * roots).to(torch.get_default_dtype())


@wrong("the roots were never squared", "What do you know of both ends?")
def never_squared(num_timesteps, beta_start=1e-4, beta_end=0.02):
    return torch.linspace(beta_start**0.5, beta_end**0.5, num_timesteps)


@wrong("a parabola with its foot at beta_start: the square roots are not evenly spaced", "What of the square roots?")
def another_parabola(num_timesteps, beta_start=1e-4, beta_end=0.02):
    return beta_start + (beta_end - beta_start) * torch.linspace(0, 1, num_timesteps) ** 2


@wrong("the straight line of task 1.1", "Half-way between the ends, is a beta above or below their mean?")
def linear(num_timesteps, beta_start=1e-4, beta_end=0.02):
    return torch.linspace(beta_start, beta_end, num_timesteps)


@wrong("one step short of beta_end: t / T for t / (T - 1)", "What do you know of both ends?")
def never_arrives(num_timesteps, beta_start=1e-4, beta_end=0.02):
    first, last = beta_start**0.5, beta_end**0.5
    return (first + (last - first) * torch.arange(num_timesteps) / num_timesteps) ** 2


@wrong("the other way round: the squares of the betas are evenly spaced", "Is the middle beta below the ends' mean?")
def roots_for_squares(num_timesteps, beta_start=1e-4, beta_end=0.02):
    return torch.linspace(beta_start**2, beta_end**2, num_timesteps).sqrt()
