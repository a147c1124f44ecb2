"""Kata 5. The way back, DDIM: guess x0, then jump, with as much or as little fresh noise as you like."""

import torch
from torch import Tensor

from .beta_schedule import NoiseSchedule


def ddim_timesteps(num_timesteps: int, num_inference_steps: int) -> list[int]:
    """List the timesteps that a short walk visits, evenly strided from 0, the noisiest first.

    [(S-1) * (T // S), ..., 2 * (T // S), T // S, 0]        (DDIM, section 4.2 and appendix D)

    Args:
        num_timesteps: T, the number of steps that the schedule has.
        num_inference_steps: S, the number of steps to take, from 1 to T.

    Returns:
        S integers, descending; the last is 0.

    Raises:
        ValueError: num_timesteps is below 1, or num_inference_steps is below 1 or above num_timesteps.

    Check by hand: ddim_timesteps(10, 3) is [6, 3, 0].
    """
    if num_timesteps < 1:
        raise ValueError(f"num_timesteps must be at least 1; got {num_timesteps}")
    if not 1 <= num_inference_steps <= num_timesteps:
        raise ValueError(
            f"num_inference_steps must be from 1 to num_timesteps = {num_timesteps}; got {num_inference_steps}"
        )
    raise NotImplementedError("5.1 ddim_timesteps")


def ddim_step(
    x_t: Tensor,
    t: int,
    t_prev: int,
    eps: Tensor,
    schedule: NoiseSchedule,
    eta: float = 0.0,
    noise: Tensor | None = None,
) -> Tensor:
    """Jump from x_t to the next timestep of the list, t_prev.

    x0 = (x_t - sqrt(1 - alpha_bar_t) * eps) / sqrt(alpha_bar_t)                                     (DDIM, eq. 9)
    sigma = eta * sqrt((1 - alpha_bar_prev) / (1 - alpha_bar_t)) * sqrt(1 - alpha_bar_t / alpha_bar_prev)  (eq. 16)
    x_prev = sqrt(alpha_bar_prev) * x0 + sqrt(1 - alpha_bar_prev - sigma ** 2) * eps + sigma * noise      (eq. 12)

    Args:
        x_t: (B, *dims), one dim or more, float32 or float64, any device, any layout in memory.
        t: the current timestep, the same for the whole batch.
        t_prev: the next entry of the list, below t; -1 after the last, where alpha_bar is 1.
        eps: like x_t, the noise that the model predicts.
        schedule: tables of length T, like x_t in dtype and device; only alphas_cumprod is needed.
        eta: 0 for no fresh noise (DDIM), 1 for as much as DDPM adds, anything between.
        noise: like x_t, drawn from N(0, I) by the caller; may be None where eta = 0, and is ignored there.

    Returns:
        x_prev, shape, dtype and device of x_t. The arguments are left as they are.

    Raises:
        ValueError: eta is above 0 and noise is None.

    Check by hand: with alpha_bar_t = 0.25, t_prev = -1, x_t = 1 and eps = 0, x_prev is 2.
    """
    if eta > 0 and noise is None:
        raise ValueError(f"noise must be given when eta is above 0; got noise=None with eta={eta}")
    raise NotImplementedError("5.2 ddim_step")


def ddim_sample(
    model,
    x_T: Tensor,
    schedule: NoiseSchedule,
    num_inference_steps: int = 50,
    eta: float = 0.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Walk from pure noise to data in few steps: one ddim_step for every entry of ddim_timesteps.

    x_prev = ddim_step(x_t, t, t_prev, model(x_t, t), ...), t_prev the entry after t, -1 after the last   (DDIM, eq. 12)

    Args:
        model: called as model(x_t, t) with x_t (B, *dims) and t (B,) int64, all equal; returns the noise, like x_t.
        x_T: (B, *dims), pure noise, float32 or float64, any device; the walk starts from it and leaves it as it is.
        schedule: tables of length T, like x_T in dtype and device.
        num_inference_steps: S, from 1 to T.
        eta: 0 for no fresh noise (DDIM), 1 for as much as DDPM adds, anything between.
        generator: source of every random number, on the device of x_T, and left where the draws have brought it;
            None means torch's global one, so that two calls differ.

    Returns:
        x_0, shape, dtype and device of x_T, with no gradients recorded.

    Raises:
        ValueError: num_inference_steps is below 1 or above T.

    Check by hand: with T = 1, betas [0.75], one step, and a model that answers 0, x_0 is 2 * x_T.
    """
    if not 1 <= num_inference_steps <= len(schedule.alphas_cumprod):
        raise ValueError(
            f"num_inference_steps must be from 1 to T = {len(schedule.alphas_cumprod)}; got {num_inference_steps}"
        )
    raise NotImplementedError("5.3 ddim_sample")
