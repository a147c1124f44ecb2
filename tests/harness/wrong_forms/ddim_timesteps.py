"""What goes wrong in ddim_timesteps."""

from __future__ import annotations

import torch

from wrong_forms import register

for name, says, wrong in (
    ("ascending", "the right timesteps, least noisy first", lambda T, S: [i * (T // S) for i in range(S)]),
    ("evenly_to_the_end", "linspace from T - 1 to 0: the last timestep is T - 1 there, but (S - 1) * (T // S) is "
     "asked for",
     lambda T, S: [int(i) for i in torch.linspace(T - 1, 0, S, dtype=torch.float64)]),
    ("evenly_to_the_end_rounded", "linspace from T - 1 to 0, rounded",
     lambda T, S: [round(float(i)) for i in torch.linspace(T - 1, 0, S, dtype=torch.float64)]),
    ("evenly_below_the_end", "int(i * T / S): the stride T // S is a whole number",
     lambda T, S: [int(i * T / S) for i in reversed(range(S))]),
    ("evenly_below_the_end_rounded", "round(i * T / S): the stride T // S is a whole number",
     lambda T, S: [round(i * T / S) for i in reversed(range(S))]),
    ("trailing", "a list that starts at T - 1 and goes down by T // S: it is asked to end at 0",
     lambda T, S: list(range(T - 1, -1, -(T // S)))[:S]),
    ("trailing_whole", "a list that starts at T - 1 and goes down by T // S for as long as it can",
     lambda T, S: list(range(T - 1, -1, -(T // S)))),
    ("ends_of_the_strides", "(i + 1) * (T // S) - 1: the strides start at 0",
     lambda T, S: [(i + 1) * (T // S) - 1 for i in reversed(range(S))]),
    ("one_more", "i * (T // S) + 1, as code that counts from 1 has it",
     lambda T, S: [i * (T // S) + 1 for i in reversed(range(S))]),
    ("first_stride_left_out", "(i + 1) * (T // S): the list never reaches 0",
     lambda T, S: [(i + 1) * (T // S) for i in reversed(range(S))]),
    ("as_many_as_fit", "every multiple of T // S below T: more than S where S does not divide T",
     lambda T, S: list(range(0, T, T // S))[::-1]),
    ("noisiest_of_those_that_fit", "the S noisiest of all multiples of T // S: the list no longer ends at 0",
     lambda T, S: list(range(0, T, T // S))[::-1][:S]),
    ("stride_rounded_up", "a stride of T / S rounded up", lambda T, S: [i * -(-T // S) for i in reversed(range(S))]),
    ("stride_rounded", "a stride of T / S rounded", lambda T, S: [i * round(T / S) for i in reversed(range(S))]),
    ("stride_of_the_gaps", "a stride of (T - 1) // (S - 1), which reaches T - 1",
     lambda T, S: [i * ((T - 1) // max(S - 1, 1)) for i in reversed(range(S))]),
    ("stride_is_the_number", "a stride of S where S steps are asked for", lambda T, S: list(range(0, T, S))[::-1]),
    ("stride_one", "the last S timesteps, one by one: the stride is missing", lambda T, S: list(range(S))[::-1]),
    ("noisiest_one_by_one", "the first S timesteps, one by one: the stride is missing",
     lambda T, S: list(range(T))[::-1][:S]),
    ("all_of_them", "all T timesteps: num_inference_steps is not used", lambda T, S: list(range(T))[::-1]),
    ("quadratic", "timesteps spaced quadratically",
     lambda T, S: [int(i * i * (T - 1) / max(S - 1, 1) ** 2) for i in reversed(range(S))]),
    ("end_included", "-1 at the end of the list: it is what t_prev becomes, not a timestep",
     lambda T, S: [*(i * (T // S) for i in reversed(range(S))), -1]),
    ("zero_left_out", "a list that stops before 0", lambda T, S: [i * (T // S) for i in reversed(range(1, S))]),
    ("one_too_many", "S + 1 timesteps where S are asked for",
     lambda T, S: [i * (T // S) for i in reversed(range(S + 1))]),
    ("a_tensor", "a Tensor where a list is asked for: call .tolist()", lambda T, S: torch.arange(S).flip(0) * (T // S)),
    ("list_of_tensors", "a list of 0-dim Tensors: call .tolist()",
     lambda T, S: list(torch.arange(S).flip(0) * (T // S))),
    ("floats", "a list of float: a timestep is an index", lambda T, S: [i * float(T // S) for i in reversed(range(S))]),
    ("a_range", "a range where a list is asked for: call list()",
     lambda T, S: range((S - 1) * (T // S), -1, -(T // S))),
):  # fmt: skip
    register(
        "ddim_timesteps",
        name,
        says,
        "DDIM section 4.2",
        lambda num_timesteps, num_inference_steps, wrong=wrong: wrong(num_timesteps, num_inference_steps),
    )
