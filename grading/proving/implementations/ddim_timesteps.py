"""5.1 ddim_timesteps: S timesteps, evenly strided from 0, the noisiest first."""

import torch

from grading.proving.implementations import right, wrong

EXAMPLE = '''
def test_there_are_as_many_timesteps_as_asked_for(ddim_timesteps):
    """Five of ten are five."""
    assert len(ddim_timesteps(10, 5)) == 5
'''


def check(num_timesteps, num_inference_steps):
    if num_timesteps < 1 or not 1 <= num_inference_steps <= num_timesteps:
        raise ValueError("num_timesteps must be at least 1, num_inference_steps from 1 to num_timesteps")


@right("the one with a comprehension", "it is the docstring's list")
def by_comprehension(num_timesteps, num_inference_steps):
    return [i * (num_timesteps // num_inference_steps) for i in range(num_inference_steps - 1, -1, -1)]


@right("the one that turns a range round", "a range turned round is the same list")
def by_range(num_timesteps, num_inference_steps):
    stride = num_timesteps // num_inference_steps
    return list(range(0, stride * num_inference_steps, stride))[::-1]


@right("the one that asks torch for the numbers", "torch's numbers, as plain integers, are the same list")
def by_arange(num_timesteps, num_inference_steps):
    stride = num_timesteps // num_inference_steps
    return (torch.arange(num_inference_steps) * stride).flip(0).tolist()


@right("the one that counts in a loop", "counting down by the stride is the same list")
def by_loop(num_timesteps, num_inference_steps):
    stride, found = num_timesteps // num_inference_steps, []
    while len(found) < num_inference_steps:
        found.insert(0, len(found) * stride)
    return found


@right("the one that rounds a quotient down", "int(T / S) is T // S for numbers of this size")
def by_quotient(num_timesteps, num_inference_steps):
    stride = int(num_timesteps / num_inference_steps)
    return sorted((stride * i for i in range(num_inference_steps)), reverse=True)


@wrong("too many where S does not divide T: range(0, T, T // S)", "How long is the list if S does not divide T?")
def too_many(num_timesteps, num_inference_steps):
    return list(range(0, num_timesteps, num_timesteps // num_inference_steps))[::-1]


@wrong("all are 1 higher, as in papers that count from 1", "What do you know of the last entry, and of t at the end?")
def counted_from_one(num_timesteps, num_inference_steps):
    stride = num_timesteps // num_inference_steps
    return [i * stride + 1 for i in reversed(range(num_inference_steps))]


@wrong("stretched from 0 to T - 1 with unequal strides", "What do you know of the gap between two neighbours?")
def stretched(num_timesteps, num_inference_steps):
    return torch.linspace(num_timesteps - 1, 0, num_inference_steps).round().long().tolist()


@wrong("upwards: the least noisy first", "The walk begins in pure noise: which timestep comes first?")
def upwards(num_timesteps, num_inference_steps):
    return [i * (num_timesteps // num_inference_steps) for i in range(num_inference_steps)]
