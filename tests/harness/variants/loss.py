# ruff: noqa
# Right answers in odd styles: each cell is added to a copy of solutions/loss.py, and must pass kata 3.

# %% F.mse_loss
import torch.nn.functional as F


def ddpm_loss(model, x0, t, schedule, noise):
    return F.mse_loss(model(q_sample(x0, t, schedule, noise), t), noise)


# %% nn.MSELoss, made once
from torch import nn

criterion = nn.MSELoss()


def ddpm_loss(model, x0, t, schedule, noise):
    return criterion(noise, model(q_sample(x0=x0, t=t, schedule=schedule, noise=noise), t))


# %% flattened, then the mean
def ddpm_loss(model, x0, t, schedule, noise):
    x_t = q_sample(x0, t, schedule, noise)
    gap = (model(x_t, t) - noise).flatten()
    return (gap**2).mean()


# %% the norm, squared, by the number of elements
import torch


def ddpm_loss(model, x0, t, schedule, noise):
    predicted = model(q_sample(x0, t, schedule, noise), t)
    return torch.linalg.vector_norm(predicted - noise) ** 2 / noise.numel()


# %% mean over dims, then over the batch
def ddpm_loss(model, x0, t, schedule, noise):
    squares = (noise - model(q_sample(x0, t, schedule, noise), t)).pow(2)
    return squares.reshape(len(x0), -1).mean(dim=1).mean()


# %% a dot product
def ddpm_loss(model, x0, t, schedule, noise):
    gap = (noise - model(q_sample(x0, t, schedule, noise), t)).reshape(-1)
    return gap @ gap / gap.numel()


# %% reduction="none", then sum over numel
import torch


def ddpm_loss(model, x0, t, schedule, noise):
    squares = torch.nn.functional.mse_loss(noise, model(q_sample(x0, t, schedule, noise), t), reduction="none")
    return torch.sum(squares) / squares.numel()


# %% summed in double, cast back
def ddpm_loss(model, x0, t, schedule, noise):
    prediction = model(q_sample(x0, t, schedule, noise), t)
    return (prediction.double() - noise.double()).square().mean().to(x0.dtype)


# %% a python loop over the batch
import torch


def ddpm_loss(model, x0, t, schedule, noise):
    predicted = model(q_sample(x0, t, schedule, noise), t)
    per_sample = [((predicted[i] - noise[i]) ** 2).mean() for i in range(len(x0))]
    return torch.stack(per_sample).sum() / len(per_sample)


# %% absolute import of the sibling
from q_sample import q_sample


def ddpm_loss(model, x0, t, schedule, noise):
    return (noise - model(q_sample(x0, t, schedule, noise), t)).abs().square().mean()


# %% import from the package of the exercises
from exercises.q_sample import q_sample as forward
from exercises.beta_schedule import NoiseSchedule


def ddpm_loss(model, x0, t, schedule: NoiseSchedule, noise):
    return (noise - model(forward(x0, t, schedule, noise), t)).square().mean()


# %% the sibling module, imported whole
from . import q_sample as sibling


def ddpm_loss(model, x0, t, schedule, noise):
    return (noise - model(sibling.q_sample(x0, t, schedule, noise), t)).square().mean()


# %% star import
from .q_sample import *


def ddpm_loss(model, x0, t, schedule, noise):
    error = model(q_sample(x0, t, schedule, noise), t) - noise
    return (error * error).mean()


# %% the forward process written out
def ddpm_loss(model, x0, t, schedule, noise):
    alpha_bar = schedule.alphas_cumprod[t].view(-1, *[1] * (x0.ndim - 1))
    x_t = alpha_bar.sqrt() * x0 + (1 - alpha_bar).sqrt() * noise
    eps_theta = model(x_t, t)
    return ((noise - eps_theta) ** 2).mean()


# %% checks its loss, and prints it
def ddpm_loss(model, x0, t, schedule, noise, plain=ddpm_loss):
    loss = plain(model, x0, t, schedule, noise)
    if loss.item() != loss.item():
        raise RuntimeError("the loss is not a number")
    print(f"loss {loss:.4f}")
    return loss


# %% in chunks of 128
def ddpm_loss(model, x0, t, schedule, noise):
    x_t = q_sample(x0, t, schedule, noise)
    gap = (noise - model(x_t, t)).flatten()
    return sum(part.square().sum() for part in gap.split(128)) / gap.numel()
