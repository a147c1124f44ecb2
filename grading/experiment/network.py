"""The networks that are trained: each sees (x_t, t) and answers with the noise that it believes is in x_t."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from grading.submission.contract import NoiseSchedule

SIGMA_MIN = 0.2  # in units of x0; the data's standard deviation is 2


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
    """Ours: it knows the schedule, so that what is left to learn has much the same scale at every t.

    With y = x_t / sqrt(alpha_bar) = x0 + sigma eps, it guesses x0 and answers with the noise that this leaves:

    x0 = c_skip(t) y + c_out(t) F(y, t),  eps = (y - x0) / sigma        (Karras et al. 2022, section 5)

    c_skip and c_out are theirs for sigma' = sqrt(sigma^2 + SIGMA_MIN^2): F then need not shout where there is hardly
    any noise, and a point that has gone astray there is still sent back to the data. F is a residual network in which
    t scales every layer, because the nearer the data, the sharper the line between points that belong here and there.

    It sees t through slow waves of log sigma' alone. With little noise, training hardly ever shows it a point far from
    the data; with more noise it often does. What it learns there about the way home must hold here too: with quick
    waves (or with more layers) every few points of a thousand stayed where they had lost their way.

    No guess of x0 lies much farther from the middle of the data than the data do: the best guess is a mean of data
    points. (Without any room, errors of the outermost points would be seen on one side only.)
    """

    FEATURES, TIMES, ROOM = 16, 64, 1.1
    table: Tensor
    times: Tensor
    frequencies: Tensor
    centre: Tensor
    radius: Tensor

    def __init__(self, schedule: NoiseSchedule, data: Tensor, width: int, depth: int) -> None:
        super().__init__()
        alpha_bar = schedule.alphas_cumprod.double().cpu()
        variance, sigma2 = data.double().cpu().var(), (1 - alpha_bar) / alpha_bar
        seen2 = sigma2 + SIGMA_MIN**2
        c_in, c_skip = (variance + sigma2).rsqrt(), variance / (variance + seen2)
        c_out = (seen2 * variance / (variance + seen2)).sqrt()
        self.register_buffer("table", torch.stack([alpha_bar.rsqrt(), sigma2.rsqrt(), c_in, c_skip, c_out], 1).float())
        self.register_buffer("times", time_features(-seen2.log().float() / 2, self.TIMES))
        self.register_buffer("frequencies", torch.randn(data.shape[1], self.FEATURES))
        self.register_buffer("centre", data.mean(0))
        self.register_buffer("radius", self.ROOM * (data - self.centre).norm(dim=1).amax())
        self.first = nn.Linear(data.shape[1] + 2 * self.FEATURES, width)
        self.shift = nn.Linear(self.TIMES, width)
        self.scales = nn.Linear(self.TIMES, width * (depth + 1))
        self.blocks = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.last = nn.Linear(width, data.shape[1])

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        per_x, per_sigma, c_in, c_skip, c_out = self.table[t].split(1, dim=1)
        y = x_t * per_x
        angles = (y * c_in) @ self.frequencies
        times = self.times[t]
        scale, *scales = (1 + self.scales(times)).chunk(len(self.blocks) + 1, dim=1)
        h = self.first(torch.cat([y * c_in, angles.cos(), angles.sin()], dim=1)) * scale + self.shift(times)
        for block, scale in zip(self.blocks, scales):
            h = h + block(nn.functional.silu(h)) * scale
        x0 = c_skip * y + c_out * self.last(nn.functional.silu(h)) - self.centre
        x0 = self.centre + x0 * (self.radius / x0.norm(dim=1, keepdim=True).clamp(min=self.radius))
        return (y - x0) * per_sigma


NETWORKS = {"course": CourseNetwork, "kata": KataNetwork}
