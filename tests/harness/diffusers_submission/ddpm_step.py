"""Kata 4 by diffusers: DDPMScheduler.step, with the small variance and nothing clipped.

The step draws its own noise; where the kata gives one, it is handed over in place of the draw.
"""

from unittest.mock import patch

import torch
from diffusers.schedulers import scheduling_ddpm

from .beta_schedule import with_tables


def _scheduler(schedule):
    scheduler = scheduling_ddpm.DDPMScheduler(len(schedule.betas), variance_type="fixed_small", clip_sample=False)
    return with_tables(scheduler, schedule)


def _step(scheduler, eps, t, x_t, generator=None):
    """The step looks at x_t.shape[1], which numbers (B,) do not have."""
    eps, points = (x.reshape(len(x), -1) for x in (eps, x_t))
    return scheduler.step(eps, t, points, generator=generator).prev_sample.reshape(x_t.shape)


def ddpm_step(x_t, t, eps, schedule, noise):
    with patch.object(scheduling_ddpm, "randn_tensor", lambda shape, **kwargs: noise.reshape(shape)):
        return _step(_scheduler(schedule), eps, t, x_t)


@torch.no_grad()
def ddpm_sample(model, x_T, schedule, generator=None):
    scheduler = _scheduler(schedule)
    x = x_T
    for t in scheduler.timesteps:
        eps = model(x, t.to(x.device).expand(len(x)))
        x = _step(scheduler, eps, int(t), x, generator)
    return x
