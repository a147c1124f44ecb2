"""Kata 5 by diffusers: DDIMScheduler, with alpha_bar = 1 at the end, leading timesteps and nothing clipped."""

import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler

from .beta_schedule import with_tables

OPTIONS = {"clip_sample": False, "set_alpha_to_one": True, "timestep_spacing": "leading", "steps_offset": 0}


def ddim_timesteps(num_timesteps, num_inference_steps):
    scheduler = DDIMScheduler(num_timesteps, **OPTIONS)
    scheduler.set_timesteps(num_inference_steps)
    return scheduler.timesteps.tolist()


def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    # The step goes from t to t - num_train_timesteps // num_inference_steps: so the stride stands for the one, 1 for
    # the other.
    scheduler = with_tables(DDIMScheduler(t - t_prev, **OPTIONS), schedule)
    scheduler.num_inference_steps = 1
    return scheduler.step(eps, t, x_t, eta=eta, variance_noise=noise).prev_sample


@torch.no_grad()
def ddim_sample(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    scheduler = with_tables(DDIMScheduler(len(schedule.betas), **OPTIONS), schedule)
    scheduler.set_timesteps(num_inference_steps)
    x = x_T
    for t in scheduler.timesteps:
        eps = model(x, t.to(x.device).expand(len(x)))
        x = scheduler.step(eps, int(t), x, eta=eta, generator=generator).prev_sample
    return x
