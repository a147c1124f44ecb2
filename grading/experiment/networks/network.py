"""The networks that are trained: each sees (x_t, t) and answers with the noise that it believes is in x_t."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from grading.submission.contract import NoiseSchedule

SIGMA_MIN = 0.1  # in units of x0; the data's standard deviation is 2


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

    At t = 0 it guesses again from its own guess, and goes on, ROUNDS times at most, where that leads more than ASTRAY
    sigma away. The best guess of all has no need to: with next to no noise it is the nearest of the data, however far
    that is. A network goes only part of the way, and the great strides of a short walk leave some points between two
    turns of a spiral, from where no later step would fetch them. A point that is where it belongs is not moved, and how
    many lie where is not mended: with ten steps the Chamfer distance falls from 16 to 1, the energy distance stays.

    No guess of x0 lies much farther from the middle of the data than the data do: the best guess is a mean of data
    points. (Without any room, errors of the outermost points would be seen on one side only.)
    """

    FEATURES, WAVES, ROOM = 16, 4, 1.1
    ROUNDS, ASTRAY = 8, 2.0
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
        waves = seen2.log()[:, None] / 2 * 2.0 ** -torch.arange(self.WAVES)
        self.register_buffer("table", torch.stack([alpha_bar.rsqrt(), sigma2.rsqrt(), c_in, c_skip, c_out], 1).float())
        self.register_buffer("times", torch.cat([waves.cos(), waves.sin()], dim=1).float())
        self.register_buffer("frequencies", torch.randn(data.shape[1], self.FEATURES))
        self.register_buffer("centre", data.mean(0))
        self.register_buffer("radius", self.ROOM * (data - self.centre).norm(dim=1).amax())
        self.first = nn.Linear(data.shape[1] + 2 * self.FEATURES, width)
        self.shift = nn.Linear(2 * self.WAVES, width)
        self.scales = nn.Linear(2 * self.WAVES, width * (depth + 1))
        self.blocks = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.last = nn.Linear(width, data.shape[1])

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        least = 1
        if not self.training:
            least, most = torch.stack(t.aminmax()).tolist()  # the one look that a GPU waits for
            t = t[:1] if least == most else t  # what depends on t alone is worked out once for all points
        per_x, per_sigma = self.table[t, :2].split(1, dim=1)
        y = x_t * per_x
        x0 = self.guess(y, t)
        if least == 0:
            x0 = torch.where(t[:, None] == 0, self.home(x0, t), x0)
        return (y - x0) * per_sigma

    def home(self, x0: Tensor, t: Tensor) -> Tensor:
        """Guess again from a guess: once for all points, then for those that are astray."""
        x0, limit = self.guess(x0, t), self.ASTRAY / self.table[0, 1]
        for _ in range(self.ROUNDS):
            again = self.guess(x0, t)
            astray = (again - x0).norm(dim=1, keepdim=True) > limit
            if not astray.any():
                break
            x0 = torch.where(astray, again, x0)
        return x0

    def guess(self, y: Tensor, t: Tensor) -> Tensor:
        """x0 from y (B, D) and t (B,) or (1,)."""
        c_in, c_skip, c_out = self.table[t, 2:].split(1, dim=1)
        times, z = self.times[t], y * c_in
        angles = z @ self.frequencies
        scale, *scales = (1 + self.scales(times)).chunk(len(self.blocks) + 1, dim=1)
        h = torch.addcmul(self.shift(times), self.first(torch.cat([z, angles.cos(), angles.sin()], dim=1)), scale)
        for block, scale in zip(self.blocks, scales):
            h = torch.addcmul(h, block(nn.functional.silu(h)), scale)
        x0 = torch.addcmul(c_skip * y - self.centre, c_out, self.last(nn.functional.silu(h)))
        length = torch.linalg.vector_norm(x0, dim=1, keepdim=True)
        return self.centre + x0 * (self.radius / length.clamp(min=self.radius))


NETWORKS = {"course": CourseNetwork, "kata": KataNetwork}
