"""1.1 linear_beta_schedule: T betas on a straight line, both ends included."""

import torch

from grading.proving.implementations import right, wrong

EXAMPLE = '''
def test_there_is_one_beta_for_each_step(linear_beta_schedule):
    """Ten steps have ten betas."""
    assert linear_beta_schedule(10).shape == (10,)
'''


def check(num_timesteps, beta_start=1e-4, beta_end=0.02):
    if num_timesteps < 1 or not (0 < beta_start < 1 and 0 < beta_end < 1):
        raise ValueError("num_timesteps must be at least 1, beta_start and beta_end between 0 and 1")


@right("the one that is written as the docstring has it", "it is the docstring's formula")
def by_formula(num_timesteps, beta_start=1e-4, beta_end=0.02):
    t = torch.arange(num_timesteps)
    return beta_start + (beta_end - beta_start) * t / max(num_timesteps - 1, 1)


@right("the one that calls linspace", "it rounds otherwise in the last digit: allow 1e-6")
def by_linspace(num_timesteps, beta_start=1e-4, beta_end=0.02):
    return torch.linspace(beta_start, beta_end, num_timesteps)


@right("the one that adds equal steps up", "its rounding errors add up, too: allow 1e-5")
def by_steps(num_timesteps, beta_start=1e-4, beta_end=0.02):
    step = (beta_end - beta_start) / max(num_timesteps - 1, 1)
    steps = torch.tensor([beta_start] + [step] * (num_timesteps - 1))
    return steps.cumsum(0)


@right("the one that starts at the far end", "for T = 1 the docstring allows any number from beta_start to beta_end")
def from_the_end(num_timesteps, beta_start=1e-4, beta_end=0.02):
    return torch.linspace(beta_end, beta_start, num_timesteps).flip(0)


@right("the one that works in float64 and rounds at the end", "it is nearer to the exact numbers: allow 1e-6")
def in_float64(num_timesteps, beta_start=1e-4, beta_end=0.02):
    span = max(num_timesteps - 1, 1)
    betas = [((span - t) * beta_start + t * beta_end) / span for t in range(num_timesteps)]
    return torch.tensor(betas, dtype=torch.float64).to(torch.get_default_dtype())


@right("the one that mixes the two ends", "a weighted mean of the ends is the same straight line: allow 1e-6")
def by_mixing(num_timesteps, beta_start=1e-4, beta_end=0.02):
    weight = torch.linspace(0, 1, num_timesteps)
    return (1 - weight) * beta_start + weight * beta_end


@wrong("the line stops one step short of beta_end: t / T for t / (T - 1)", "What do you know of both ends?")
def never_arrives(num_timesteps, beta_start=1e-4, beta_end=0.02):
    return beta_start + (beta_end - beta_start) * torch.arange(num_timesteps) / num_timesteps


@wrong("the paper's 1e-4 and 0.02, whatever is asked for", "Does the answer depend on every argument?")
def always_the_papers(num_timesteps, beta_start=1e-4, beta_end=0.02):
    return torch.linspace(1e-4, 0.02, num_timesteps)


@wrong("from beta_end down to beta_start", "Does a step add more noise than the one before it?")
def downwards(num_timesteps, beta_start=1e-4, beta_end=0.02):
    return torch.linspace(beta_end, beta_start, num_timesteps)


@wrong("evenly spaced on a logarithmic scale", "What do you know of the gap between two neighbours?")
def on_a_log_scale(num_timesteps, beta_start=1e-4, beta_end=0.02):
    return beta_start * (beta_end / beta_start) ** torch.linspace(0, 1, num_timesteps)


@wrong("float64, where torch's default dtype is due", "What does the docstring say of the result, besides its values?")
def double(num_timesteps, beta_start=1e-4, beta_end=0.02):
    return torch.linspace(beta_start, beta_end, num_timesteps, dtype=torch.float64)
