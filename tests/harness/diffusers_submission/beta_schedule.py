"""Kata 1 by diffusers: its schedulers' own betas, float32 numbers cast to the default dtype.

diffusers fixes s = 0.008 in the cosine schedule; for any other s the formula is written out.
"""

import math
from types import SimpleNamespace

import torch
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler, betas_for_alpha_bar


def _betas(num_timesteps, beta_start, beta_end, kind):
    scheduler = DDPMScheduler(num_timesteps, beta_start, beta_end, kind)
    return scheduler.betas.to(torch.get_default_dtype())


def linear_beta_schedule(num_timesteps, beta_start=1e-4, beta_end=0.02):
    return _betas(num_timesteps, beta_start, beta_end, "linear")


def quadratic_beta_schedule(num_timesteps, beta_start=1e-4, beta_end=0.02):
    return _betas(num_timesteps, beta_start, beta_end, "scaled_linear")


def cosine_beta_schedule(num_timesteps, s=0.008, max_beta=0.999):
    if s == 0.008:
        betas = betas_for_alpha_bar(num_timesteps, max_beta=max_beta)
    else:
        f = [math.cos((u / num_timesteps + s) / (1 + s) * math.pi / 2) ** 2 for u in range(num_timesteps + 1)]
        betas = torch.tensor([min(1 - after / before, max_beta) for before, after in zip(f, f[1:])])
    return betas.to(torch.get_default_dtype())


def make_schedule(betas):
    scheduler = with_tables(DDPMScheduler(len(betas)), SimpleNamespace(betas=betas, alphas=1.0 - betas))
    return SimpleNamespace(
        betas=scheduler.betas, alphas=scheduler.alphas, alphas_cumprod=torch.cumprod(scheduler.alphas, dim=0)
    )


def with_tables(scheduler, schedule):
    """Put the tables of a schedule in the place of a scheduler's own, which are float32."""
    for name, table in vars(schedule).items() if hasattr(schedule, "__dict__") else schedule._asdict().items():
        setattr(scheduler, name, table)
    return scheduler
