"""The networks that are trained: each sees (x_t, t) and answers with the noise that it believes is in x_t."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from grading.contract import NoiseSchedule


def time_features(t: Tensor, width: int, max_period: float = 10_000.0) -> Tensor:
    """cos and sin of t at falling frequencies: t (B,) -> (B, width) float32. Attention Is All You Need, section 3.5."""
    frequencies = torch.exp(-math.log(max_period) * torch.arange(width // 2, device=t.device) / (width // 2))
    angles = t.float()[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1)


class TimeLinear(nn.Module):
    """A linear layer, scaled per channel by an embedding of t: (B, d_in), (B,) -> (B, d_out)."""

    def __init__(self, d_in: int, d_out: int, features: int = 256) -> None:
        super().__init__()
        self.features = features
        self.linear = nn.Linear(d_in, d_out)
        self.embed = nn.Sequential(nn.Linear(features, d_out), nn.SiLU(), nn.Linear(d_out, d_out))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return self.embed(time_features(t, self.features)) * self.linear(x)


class CourseNetwork(nn.Module):
    """The course's: TimeLinear layers with ReLU between, eps straight from x_t."""

    def __init__(self, schedule: NoiseSchedule, data: Tensor, width: int, depth: int) -> None:
        super().__init__()
        widths = [data.shape[1], *[width] * depth, data.shape[1]]
        self.layers = nn.ModuleList(TimeLinear(*pair) for pair in zip(widths, widths[1:]))

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x_t = layer(x_t, t).relu()
        return self.layers[-1](x_t, t)


class KataNetwork(nn.Module):
    """Ours: it knows the schedule, so that what is left to learn has the same scale at every t.

    eps = c_skip(t) x_t + c_out(t) F(x_t, t)        (Karras et al. 2022, section 5, written for eps)
    """

    c_in: Tensor
    c_skip: Tensor
    c_out: Tensor
    times: Tensor
    frequencies: Tensor

    def __init__(self, schedule: NoiseSchedule, data: Tensor, width: int, depth: int) -> None:
        super().__init__()
        features = 128
        alpha_bar = schedule.alphas_cumprod.double().cpu()
        variance = alpha_bar * data.double().cpu().var() + 1 - alpha_bar
        self.register_buffer("c_in", variance.rsqrt().float())
        self.register_buffer("c_skip", ((1 - alpha_bar).sqrt() / variance).float())
        self.register_buffer("c_out", (alpha_bar.sqrt() * data.double().cpu().std() / variance.sqrt()).float())
        log_snr = (alpha_bar / (1 - alpha_bar)).log()
        self.register_buffer("times", time_features(log_snr.float() * 25, 64))
        self.register_buffer("frequencies", torch.randn(data.shape[1], features // 2) * 4)
        self.first = nn.Linear(data.shape[1] + features, width)
        self.embed = nn.Linear(64, width)
        self.blocks = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.last = nn.Linear(width, data.shape[1])

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        x = x_t * self.c_in[t][:, None]
        angles = x @ self.frequencies
        h = self.first(torch.cat([x, angles.cos(), angles.sin()], dim=1)) + self.embed(self.times[t])
        for block in self.blocks:
            h = h + block(nn.functional.silu(h))
        answer = self.last(nn.functional.silu(h))
        return self.c_skip[t][:, None] * x_t + self.c_out[t][:, None] * answer


NETWORKS = {"course": CourseNetwork, "kata": KataNetwork}
