"""Train a network with somebody's loss: data, network, noise, t and optimiser are ours, the loss is theirs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

from grading.experiment.networks.cuda_graph import Graphed
from grading.experiment.networks.network import NETWORKS, SIGMA_MIN
from grading.machine.threads import one_thread
from grading.submission.contract import NoiseSchedule

Progress = Callable[[str, int, int], None]  # (stage, done, total)
REPORT_EVERY = 50  # steps between two looks at the loss; on a GPU each look waits for the device


class TrainingFailed(Exception):
    """The loss cannot be trained with: one sentence for its author."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. Nothing in it depends on the data set."""

    network: str
    width: int
    depth: int
    steps: int
    batch: int
    learning_rate: float
    one_cycle: bool = False
    stratified: bool = False
    t_power: float = 1.0  # above 1, more of the steps with little noise; see timestep_cdf
    sigma_min: float = 0.0  # less noise than this is hardly drawn; see timestep_cdf
    clip: float = 0.0  # the longest gradient that is followed, as a norm; 0 for any
    ema: float = 0.0


RECIPES = {
    "kata": Recipe(
        network="kata",
        width=128,
        depth=4,
        steps=3200,
        batch=128,
        learning_rate=4e-3,
        one_cycle=True,
        stratified=True,
        t_power=3.0,
        sigma_min=SIGMA_MIN,
        clip=0.1,
        ema=0.995,
    ),
    "course": Recipe(network="course", width=128, depth=3, steps=5000, batch=128, learning_rate=1e-3),
}


@dataclass(frozen=True)
class Trained:
    """A trained network, in eval mode and ready to sample with, the loss of every step, and the seconds it took."""

    network: nn.Module
    losses: list[float]
    seconds: float


@one_thread()
def train(
    impl: Any,
    data: Tensor,
    schedule: NoiseSchedule,
    recipe: Recipe,
    seed: int,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> Trained:
    """Train the recipe's network on data with `impl.ddpm_loss`.

    Args:
        impl: anything with `ddpm_loss(model, x0, t, schedule, noise)`; the loss may bring its own gradient.
        data: (N, D) float32, the points to learn.
        schedule: tables of length T, moved to the device as float32.
        recipe: one of RECIPES, or your own.
        seed: decides the first weights, the batches, t and the noise.
        device: where to train. One look at the loss every REPORT_EVERY steps, otherwise no waiting for a GPU.
        progress: called as progress("train", done, steps) at each look.

    Raises:
        TrainingFailed: the loss is no finite scalar, or no gradient comes from it.
        Whatever impl raises.
    """
    device = torch.device(device)
    schedule = NoiseSchedule(*schedule).to(device=device, dtype=torch.float32)
    data = data.to(device)
    with torch.random.fork_rng(devices=[]):  # initial weights come from the global generator: lend it, and put it back
        torch.manual_seed(seed)
        network = NETWORKS[recipe.network](schedule, data, recipe.width, recipe.depth).to(device)
    weights = in_one(network)
    gradient, averaged = cast(Tensor, weights.grad), weights.detach().clone()
    step_of_adam = adam_for(weights)
    cdf = timestep_cdf(schedule, recipe)
    model = network if device.type != "cuda" else graphed(network, data, recipe)
    generator = torch.Generator(device).manual_seed(seed)
    losses, slopes = torch.zeros(2, recipe.steps, device=device)
    started = time.perf_counter()
    warm_up = OneCycle(recipe)
    for step in range(recipe.steps):
        x0, t, noise = draw_batch(data, cdf, recipe, generator)
        loss = impl.ddpm_loss(model, x0, t, schedule, noise)
        check_loss(loss, device)
        losses[step] = loss.detach()
        gradient.zero_()
        loss.backward()
        if isinstance(model, Graphed):
            model.done()
        slopes[step] = torch.linalg.vector_norm(gradient)
        gradient.mul_(((recipe.clip or math.inf) / slopes[step]).clamp(max=1))
        step_of_adam(warm_up(step))
        averaged.lerp_(weights.detach(), 1 - min(recipe.ema, step / (step + 10)))
        if (step + 1) % REPORT_EVERY == 0 or step + 1 == recipe.steps:
            check_finite(losses, slopes, step)
            if progress is not None:
                progress("train", step + 1, recipe.steps)
    if recipe.ema:
        weights.detach().copy_(averaged)
    seconds = time.perf_counter() - started
    return Trained(network.eval().requires_grad_(False), losses.tolist(), seconds)


def adam_for(weights: nn.Parameter) -> Callable[[float], None]:
    """Adam's step along the gradient, at a rate. torch's class for it loads a compiler: two seconds and 60 MB."""
    first, second = [torch.zeros_like(weights)], [torch.zeros_like(weights)]
    count, gradient = [torch.zeros((), device=weights.device)], [cast(Tensor, weights.grad)]
    constants: dict[str, Any] = dict(beta1=0.9, beta2=0.999, eps=1e-8, amsgrad=False, weight_decay=0.0, maximize=False)

    @torch.no_grad()
    def step(rate: float) -> None:
        adam([weights], gradient, first, second, [], count, foreach=False, fused=True, lr=rate, **constants)

    return step


def in_one(network: nn.Module) -> nn.Parameter:
    """All weights of a network as one vector, its gradient likewise: an optimiser's step is then a call or two."""
    there = list(network.parameters())
    whole = nn.Parameter(torch.cat([weight.detach().flatten() for weight in there]))
    whole.grad = torch.zeros_like(whole)
    sizes = [weight.numel() for weight in there]
    for weight, part, gradient in zip(there, whole.detach().split(sizes), whole.grad.split(sizes)):
        weight.data, weight.grad = part.view(weight.shape), gradient.view(weight.shape)
    return whole


def timestep_cdf(schedule: NoiseSchedule, recipe: Recipe) -> Tensor:
    """(T,) float32: the chance that a step is trained with this t or a smaller one.

    p(t) ~ t^(1 / t_power - 1) sigma^2 / (sigma^2 + sigma_min^2),  sigma^2 = (1 - alpha_bar) / alpha_bar

    Eq. 14 weighs an error of the x0 that is guessed by 1 / sigma^2, so that the last few t before the data drown the
    rest. The loss is not ours to weigh, but t is ours to draw: with sigma_min as in the network's output, an error of
    the network counts alike at every t (Karras et al. 2022, section 5). With t_power = 1 and sigma_min = 0, t is even.
    """
    sigma2 = (1 / schedule.alphas_cumprod.double().cpu() - 1).clamp(min=1e-12)
    edges = torch.linspace(0, 1, len(sigma2) + 1, dtype=torch.float64) ** (1 / recipe.t_power)
    density = edges.diff() * sigma2 / (sigma2 + recipe.sigma_min**2)
    return (density.cumsum(0) / density.sum()).to(schedule.betas.device, torch.float32)


def graphed(network: nn.Module, data: Tensor, recipe: Recipe) -> Graphed:
    """The network as a CUDA graph for questions of a batch's shape; where none can be captured, it answers itself."""
    x_t = data[:1].repeat(recipe.batch, 1)
    return Graphed(network, x_t, torch.zeros(recipe.batch, dtype=torch.int64, device=data.device))


def draw_batch(data: Tensor, cdf: Tensor, recipe: Recipe, generator: torch.Generator) -> tuple[Tensor, ...]:
    """x0 (B, D) with replacement, t (B,) int64, noise like x0. Stratified: one t in each of B equally likely slices."""
    device, batch = data.device, recipe.batch
    x0 = data[torch.randint(len(data), (batch,), device=device, generator=generator)]
    u = torch.rand(batch, device=device, generator=generator)
    if recipe.stratified:
        u = (torch.arange(batch, device=device) + u) / batch
    t = torch.searchsorted(cdf, u, right=True).clamp_(max=len(cdf) - 1)
    return x0, t, torch.randn(x0.shape, device=device, generator=generator)


class OneCycle:
    """Up over the first tenth, then down along a cosine to nothing; or constant, as the recipe says."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    def __call__(self, step: int) -> float:
        if not self.recipe.one_cycle:
            return self.recipe.learning_rate
        u = (step + 1) / self.recipe.steps
        return self.recipe.learning_rate * (u / 0.1 if u < 0.1 else (1 + math.cos(math.pi * (u - 0.1) / 0.9)) / 2)


def check_loss(loss: Any, device: torch.device) -> None:
    """Raise TrainingFailed unless loss is a scalar that a gradient can come from. Reads no value: a GPU would wait."""
    if not isinstance(loss, Tensor):
        raise TrainingFailed(f"ddpm_loss must return a scalar tensor; it returned {type(loss).__name__}")
    if loss.shape != ():
        raise TrainingFailed(f"ddpm_loss must return a scalar, shape (); it returned shape {tuple(loss.shape)}")
    if not loss.is_floating_point():
        raise TrainingFailed(f"ddpm_loss must return a float; it returned {loss.dtype}")
    if loss.device.type != device.type:
        raise TrainingFailed(f"ddpm_loss must stay on {device}; it returned a tensor on {loss.device}")
    if not loss.requires_grad:
        raise TrainingFailed(
            "no gradient reaches the model from ddpm_loss; was its answer detached, or turned into a number?"
        )


def check_finite(losses: Tensor, slopes: Tensor, step: int) -> None:
    """Raise TrainingFailed at the first of losses[: step + 1], or of the gradients, that is NaN or infinite."""
    for values, what in ((losses, "ddpm_loss"), (slopes, "the gradient of ddpm_loss")):
        wrong = (~values[: step + 1].isfinite()).nonzero()
        if len(wrong):
            first = int(wrong[0])
            said = values[first].item() if values is losses else "not, with a loss of " + f"{losses[first].item():.4g},"
            raise TrainingFailed(f"{what} must be finite; it was {said} at training step {first + 1}")
