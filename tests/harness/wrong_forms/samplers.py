"""What goes wrong in ddpm_sample and ddim_sample. Most of it can go wrong in either, so it is written once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from grading.judging import closed_form
from wrong_forms import register
from wrong_forms.walking import Walk, asked, fresh, full, sampler


def once(w: Walk, name: str, make: Callable[[], Any]) -> Any:
    """What make() gave the first time."""
    if name not in w.kept:
        w.kept[name] = make()
    return w.kept[name]


def remembered(w: Walk, x: Tensor, t: int) -> Tensor:
    w.kept["eps"] = asked(w, x, t)
    return w.kept["eps"]


def reseeded(w: Walk, x: Tensor) -> Tensor:
    torch.default_generator.manual_seed(0)
    return torch.randn_like(x)


def seeded_once(w: Walk, x: Tensor) -> Tensor:
    once(w, "seed", lambda: torch.default_generator.manual_seed(0))
    return torch.randn_like(x)


def for_one(w: Walk, x: Tensor) -> Tensor:
    return torch.randn(x.shape[1:], generator=w.generator, dtype=x.dtype, device=x.device).expand(x.shape)


def for_one_dim(w: Walk, x: Tensor) -> Tensor:
    shape = (len(x), *[1] * (x.ndim - 1))
    return torch.randn(shape, generator=w.generator, dtype=x.dtype, device=x.device).expand(x.shape)


def for_pairs(w: Walk, x: Tensor) -> Tensor:
    return fresh(w, x)[torch.arange(len(x), device=x.device) // 2]


def with_both_signs(w: Walk, x: Tensor) -> Tensor:
    half = fresh(w, x)[: (len(x) + 1) // 2]
    return torch.cat([half, -half])[: len(x)]


def one_number(w: Walk, x: Tensor) -> Tensor:
    return torch.randn((), generator=w.generator, dtype=x.dtype, device=x.device).expand(x.shape)


def uniform(w: Walk, x: Tensor) -> Tensor:
    return torch.rand(x.shape, generator=w.generator, dtype=x.dtype, device=x.device)


def overwrite(w: Walk, x: Tensor) -> Tensor:
    return w.x_T.copy_(x)


NOISE = (
    ("generator_ignored", "noise from torch's global generator (randn_like takes none): use the one that was given",
     {"draw": lambda w, x: torch.randn_like(x)}),
    ("same_noise_every_step", "the same noise at every step: it is drawn once, before the loop",
     {"draw": lambda w, x: once(w, "noise", lambda: fresh(w, x))}),
    ("same_noise_ignoring_generator", "the same noise at every step, from torch's global generator",
     {"draw": lambda w, x: once(w, "noise", lambda: torch.randn_like(x))}),
    ("x_T_as_noise", "x_T used again as the noise of every step", {"draw": lambda w, x: w.x_T}),
    ("seeded_in_the_loop", "the same noise at every step and in every walk: a seed is set in the loop",
     {"draw": reseeded}),
    ("seeded_before_the_loop", "a seed of its own: every walk is the same, whatever generator is given",
     {"draw": seeded_once}),
    ("noise_shared_by_the_batch", "noise shared by the whole batch: each sample needs its own", {"draw": for_one}),
    ("noise_shared_by_pairs", "noise used for two samples: each needs its own", {"draw": for_pairs}),
    ("noise_with_both_signs", "noise used twice, with either sign: each sample needs its own",
     {"draw": with_both_signs}),
    ("noise_shared_by_the_dims", "noise shared by the dims of a sample, (B, 1): each entry needs its own",
     {"draw": for_one_dim}),
    ("one_number_as_noise", "one random number as the noise of a whole step", {"draw": one_number}),
    ("uniform_noise", "uniform noise (rand) where normal noise (randn) belongs", {"draw": uniform}),
    ("uniform_noise_ignoring_generator", "uniform noise (rand_like) where normal noise (randn) belongs",
     {"draw": lambda w, x: torch.rand_like(x)}),
    ("uniform_noise_centred", "uniform noise from -1 to 1 where normal noise belongs",
     {"draw": lambda w, x: 2 * uniform(w, x) - 1}),
    ("uniform_noise_of_variance_one", "uniform noise of variance 1 where normal noise belongs",
     {"draw": lambda w, x: 12**0.5 * (uniform(w, x) - 0.5)}),
    ("no_noise", "no fresh noise at any step", {"draw": lambda w, x: torch.zeros_like(x)}),
    ("noise_of_ones", "ones in the place of noise", {"draw": lambda w, x: torch.ones_like(x)}),
    ("noise_made_on_the_cpu", "noise made on the CPU: give randn device=x.device",
     {"draw": lambda w, x: torch.randn(x.shape, generator=w.generator, dtype=x.dtype)}),
)  # fmt: skip

LOOP = (
    ("starts_from_noise", "a walk from noise of its own: it starts from x_T", {"start": lambda w: fresh(w, w.x_T)}),
    ("starts_from_global_noise", "a walk from noise of its own (randn_like): it starts from x_T",
     {"start": lambda w: torch.randn_like(w.x_T)}),
    ("starts_from_zeros", "a walk from zeros: it starts from x_T", {"start": lambda w: torch.zeros_like(w.x_T)}),
    ("starts_from_ones", "a walk from ones: it starts from x_T", {"start": lambda w: torch.ones_like(w.x_T)}),
    ("ascending", "a loop from t = 0 upwards: it goes down to 0", {"timesteps": lambda w, ts: ts[::-1]}),
    ("stops_before_zero", "a loop that stops before t = 0", {"pairs": lambda ts: zip(ts, ts[1:])}),
    ("misses_the_first", "a loop that leaves out the noisiest timestep", {"timesteps": lambda w, ts: ts[1:]}),
    ("shown_x_T_always", "model(x_T, t) at every step: it must see the current x_t",
     {"ask": lambda w, x, t: asked(w, w.x_T, t)}),
    ("asked_once", "the model asked once, before the loop: it must be asked at every step",
     {"ask": lambda w, x, t: once(w, "eps", lambda: asked(w, x, t))}),
    ("never_asked", "a walk that never asks the model", {"ask": lambda w, x, t: torch.zeros_like(x)}),
    ("clipped_every_step", "x clipped to [-1, 1] at every step: the data here are not pixels",
     {"settle": lambda x: x.clamp(-1, 1)}),
    ("clipped_at_the_end", "x_0 clipped to [-1, 1]: the data here are not pixels",
     {"end": lambda w, x: x.clamp(-1, 1)}),
    ("rescaled_at_the_end", "x_0 mapped from [-1, 1] to [0, 1]: the data here are not pixels",
     {"end": lambda w, x: (x + 1) / 2}),
    ("eps_returned", "the model's last answer: x_0 is asked for",
     {"end": lambda w, x: w.kept["eps"], "ask": remembered}),
    ("graph_recorded", "a loop without torch.no_grad()", {"graph": True}),
    ("changed_in_place", "x_T overwritten: the walk works on x_T itself (+=, mul_, copy_, x[:] = ...)",
     {"end": overwrite}),
    ("whole_path_returned", "the whole path, stacked: only x_0 is asked for",
     {"end": lambda w, x: torch.stack([w.x_T, x])}),
    ("list_returned", "a list: only x_0 is asked for, a Tensor", {"end": lambda w, x: [x]}),
    ("pair_returned", "a tuple: only x_0 is asked for, a Tensor", {"end": lambda w, x: (x, w.x_T)}),
    ("numpy_returned", "a numpy array: a Tensor is asked for", {"end": lambda w, x: x.numpy()}),
    ("moved_to_the_cpu", "a result moved to the CPU", {"end": lambda w, x: x.cpu()}),
    ("float32_returned", "float32 always, whatever the dtype of x_T", {"end": lambda w, x: x.float()}),
    ("float64_returned", "float64 always, whatever the dtype of x_T: is the noise made with dtype=x.dtype?",
     {"end": lambda w, x: x.double()}),
)  # fmt: skip

TIME = (
    ("t_as_int", "t given to the model as a Python int: it is asked with (B,) int64", lambda w, x, t: t),
    ("t_as_scalar", "t given to the model with shape (): it is asked with (B,)",
     lambda w, x, t: torch.tensor(t, device=x.device)),
    ("t_of_one", "t given to the model with shape (1,): it is asked with (B,)", lambda w, x, t: full(x[:1], t)),
    ("t_as_column", "t given to the model as (B, 1): it is asked with (B,)", lambda w, x, t: full(x, t)[:, None]),
    ("t_as_float", "t given to the model as float: it is asked with int64", lambda w, x, t: full(x, float(t))),
    ("t_like_x", "t given to the model with the dtype of x_t: it is asked with int64",
     lambda w, x, t: full(x, t, dtype=x.dtype)),
    ("t_divided_by_T", "t / T given to the model: it is asked with t itself, int64",
     lambda w, x, t: full(x, t / w.total)),
    ("t_as_int32", "t given to the model as int32: it is asked with int64",
     lambda w, x, t: full(x, t, dtype=torch.int32)),
    ("t_plus_one", "t + 1 given to the model: t counts from 0 here", lambda w, x, t: full(x, t + 1)),
    ("t_minus_one", "t - 1 given to the model: t counts from 0 here", lambda w, x, t: full(x, t - 1)),
    ("t_from_the_end", "T - 1 - t given to the model: t = 0 is the least noisy step",
     lambda w, x, t: full(x, w.total - 1 - t)),
    ("t_always_zero", "t = 0 given to the model at every step", lambda w, x, t: full(x, 0)),
    ("t_made_on_the_cpu", "t made on the CPU: give it device=x.device", lambda w, x, t: torch.full((len(x),), t)),
)  # fmt: skip

DDPM = (
    ("last_result_dropped", "x_t as it was before the last step: what the step at the end of the loop gives is dropped",
     {"keep_last": False}),
    ("noise_missing_at_one", "no noise at t = 1: t counts from 0 here, so t = 0 is the only quiet step",
     {"quiet": lambda t: t <= 1}),
    ("starts_at_T", "a loop from T down to 1: t runs from T - 1 down to 0",
     {"timesteps": lambda w, ts: [t + 1 for t in ts]}),
    ("result_not_kept", "a step from x_T each time: its result must become the next x_t",
     {"step": lambda w, x, t, t_prev, eps, z: closed_form.ddpm_step(w.x_T, t, eps, w.schedule, z)}),
    ("step_before", "the step of t - 1 with the model's answer at t",
     {"step": lambda w, x, t, t_prev, eps, z: closed_form.ddpm_step(
        x, max(t - 1, 0), eps, w.schedule, z)}),
    ("ddim_walk", "DDIM's jumps, which add no noise, where DDPM's steps belong",
     {"step": lambda w, x, t, t_prev, eps, z: closed_form.ddim_step(x, t, t_prev, eps, w.schedule)}),
    ("a_thousand_steps", "1000 steps always: T is the length of the schedule",
     {"timesteps": lambda w, ts: list(range(999, -1, -1))}),
)  # fmt: skip


def stepped(eta: Callable[[float], float]) -> Callable:
    """DDIM's jump with another eta."""

    def step(w: Walk, x: Tensor, t: int, t_prev: int, eps: Tensor, noise: Tensor) -> Tensor:
        return closed_form.ddim_step(x, t, t_prev, eps, w.schedule, eta(w.eta), noise if eta(w.eta) else None)

    return step


DDIM = (
    ("result_not_kept", "a step from x_T each time: its result must become the next x_t",
     {"step": lambda w, x, t, t_prev, eps, z: closed_form.ddim_step(w.x_T, t, t_prev, eps, w.schedule, w.eta, z)}),
    ("t_prev_is_t_minus_one", "t - 1 where t_prev, the next entry of the list, belongs",
     {"pairs": lambda ts: [(t, t - 1) for t in ts]}),
    ("ends_at_zero", "t_prev = 0 after the last timestep: it is -1 there, where alpha_bar is 1",
     {"pairs": lambda ts: zip(ts, [*ts[1:], 0])}),
    ("t_and_t_prev_exchanged", "t and t_prev exchanged",
     {"pairs": lambda ts: [(b, a) for a, b in zip(ts, [*ts[1:], -1])]}),
    ("eta_ignored", "eta = 0 always: eta is not handed on to ddim_step", {"step": stepped(lambda eta: 0.0)}),
    ("eta_one", "eta = 1 always: eta is not handed on to ddim_step", {"step": stepped(lambda eta: 1.0)}),
    ("eta_as_switch", "eta = 1 wherever eta is above 0", {"step": stepped(lambda eta: float(eta > 0))}),
    ("eta_squared", "eta^2 handed on to ddim_step", {"step": stepped(lambda eta: eta**2)}),
    ("all_timesteps", "all T timesteps: num_inference_steps is not used",
     {"timesteps": lambda w, ts: list(range(w.total))[::-1]}),
    ("noisiest_timesteps", "the noisiest timesteps, one by one: the stride is missing",
     {"timesteps": lambda w, ts: list(range(w.total))[::-1][: w.steps]}),
    ("one_jump", "x_0 guessed from x_T in one jump", {"pairs": lambda ts: [(ts[0], -1)]}),
    ("ddpm_walk", "ancestral steps of DDPM where DDIM's jumps belong",
     {"step": lambda w, x, t, t_prev, eps, z: closed_form.ddpm_step(x, t, eps, w.schedule, fresh(w, x))}),
    ("noise_without_eta", "noise drawn and added at eta = 0 too",
     {"step": lambda w, x, t, t_prev, eps, z: closed_form.ddim_step(
        x, t, t_prev, eps, w.schedule, w.eta or 1.0, fresh(w, x) if z is None else z)}),
)  # fmt: skip

for function in ("ddpm_sample", "ddim_sample"):
    algorithm = "DDPM algorithm 2" if function == "ddpm_sample" else "DDIM eq. 12"
    for name, says, parts in (*NOISE, *LOOP, *(DDPM if function == "ddpm_sample" else DDIM)):
        register(function, name, says, algorithm, sampler(function, **parts))
    for name, says, time in TIME:
        ask = lambda w, x, t, time=time: w.model(x, time(w, x, t))  # noqa: E731
        register(function, name, says, "model(x_t, t)", sampler(function, ask=ask))
