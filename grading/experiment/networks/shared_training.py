"""Train once for many submissions: whose loss is the one that is due gets the network that it would have trained.

The closed form of the loss is trained with, as any submission's is. At steps that nobody knows beforehand the weights
and the batch are kept. A submission's loss is asked at some of those, with the network as it was then: where value and
gradient agree every time, training with it would have gone the same way. A loss that differs at a share p of the steps
agrees at all K of them with a chance of (1 - p)^K.
"""

from __future__ import annotations

import pickle
import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from grading.experiment.networks.network import NETWORKS
from grading.experiment.networks.remembered import Remembered
from grading.experiment.networks.training import RECIPES, Progress, Trained, check_loss, train
from grading.experiment.stages import TRAINING_POINTS, Setting
from grading.judging import closed_form
from grading.submission.contract import NoiseSchedule

KEPT = 80  # steps whose weights are kept; ASKED of them are put to each submission
ASKED = 64
ROUNDING = 1e-4  # of a loss, and of the norm of its gradient, in float32: right forms differ by some 1e-6


@dataclass(frozen=True)
class Moment:
    """One step of the training: the weights before it, and the batch."""

    weights: dict[str, Tensor]
    batch: tuple[Tensor, Tensor, Tensor]  # x0, t, noise


@dataclass(frozen=True)
class SharedTraining:
    """A network trained with the closed form, and some moments of its training."""

    setting: Setting
    trained: Trained
    moments: list[Moment]

    def network_for(self, impl: Any) -> Trained | None:
        """The network that impl.ddpm_loss trains, if it agrees at ASKED moments; None where it differs or fails."""
        chosen = Random(secrets.randbits(64)).sample(self.moments, min(ASKED, len(self.moments)))
        network, schedule = _network(self.setting), _schedule(self.setting)
        try:
            return self.trained if all(_agrees(impl, network, schedule, moment) for moment in chosen) else None
        except Exception:  # its own training says what is wrong with it, and when
            return None

    @cached_property
    def remembered(self) -> Remembered:
        """The network, for many to walk with one after the other."""
        return Remembered(self.trained.network)

    @property
    def says(self) -> str:
        """What a report says of a network that was had in this way."""
        asked = min(ASKED, len(self.moments))
        return (
            f"the loss agrees with eq. 14, value and gradient, at {asked} of {asked} steps drawn in secret, so the "
            "network that eq. 14 trains is its own; of losses that differ at a tenth of the steps one in "
            f"{0.9**-asked:.0f} would pass"
        )

    def save(self, path: Path) -> None:
        """Write it for other processes."""
        moments = [(moment.weights, moment.batch) for moment in self.moments]
        kept = (self.trained.network.state_dict(), torch.tensor(self.trained.losses), self.trained.seconds, moments)
        torch.save(kept, path)


def share(setting: Setting, progress: Progress | None = None) -> SharedTraining:
    """Train the setting's network with the closed form of the loss."""
    recipe = RECIPES[setting.recipe]
    steps = frozenset(Random(secrets.randbits(64)).sample(range(recipe.steps), min(KEPT, recipe.steps)))
    reference = _Reference(steps)
    data, seed = setting.points("train", TRAINING_POINTS), setting.seed_for("weights")
    trained = train(reference, data, setting.schedule, recipe, seed, setting.device, progress)
    return SharedTraining(setting, trained, reference.moments)


def load(path: Path, setting: Setting) -> SharedTraining | None:
    """What `save` wrote, or None where it cannot be read."""
    try:
        weights, losses, seconds, moments = torch.load(path, weights_only=True)
        network = _network(setting)
        network.load_state_dict(weights)
        trained = Trained(network.eval().requires_grad_(False), losses.tolist(), seconds)
        return SharedTraining(setting, trained, [Moment(kept, tuple(batch)) for kept, batch in moments])
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, EOFError, pickle.UnpicklingError):
        return None


class _Reference:
    """The loss in closed form, which remembers some of its calls."""

    def __init__(self, steps: frozenset[int]) -> None:
        self.steps, self.step = steps, 0
        self.moments: list[Moment] = []

    def ddpm_loss(self, model: Any, x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
        if self.step in self.steps:
            weights = {name: value.detach().clone() for name, value in model.state_dict().items()}
            self.moments.append(Moment(weights, (x0.clone(), t.clone(), noise.clone())))
        self.step += 1
        return _loss(model, x0, t, schedule, noise)


def _loss(model: Any, x0: Tensor, t: Tensor, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    """Eq. 14."""
    x_t = closed_form.q_sample(x0, t, schedule, noise)
    return ((noise - model(x_t, t)) ** 2).mean()


def _agrees(impl: Any, network: nn.Module, schedule: NoiseSchedule, moment: Moment) -> bool:
    network.load_state_dict(moment.weights)
    due, due_slope = _value_and_slope(_loss, network, schedule, moment)
    seen, slope = _value_and_slope(impl.ddpm_loss, network, schedule, moment)
    near = (slope - due_slope).norm() <= ROUNDING * due_slope.norm()  # False for NaN
    return bool((seen - due).abs() <= ROUNDING * due.abs()) and bool(near)


def _value_and_slope(loss: Any, network: nn.Module, schedule: NoiseSchedule, moment: Moment) -> tuple[Tensor, Tensor]:
    network.zero_grad()
    x0, t, noise = (tensor.clone() for tensor in moment.batch)
    value = loss(network, x0, t, schedule, noise)
    check_loss(value, x0.device)
    value.backward()
    slopes = [torch.zeros_like(w) if w.grad is None else w.grad for w in network.parameters()]
    return value.detach().double(), torch.cat([slope.flatten() for slope in slopes]).double()


def _network(setting: Setting) -> nn.Module:
    recipe = RECIPES[setting.recipe]
    return NETWORKS[recipe.network](_schedule(setting), torch.zeros(2, 2), recipe.width, recipe.depth).to(
        setting.device
    )


def _schedule(setting: Setting) -> NoiseSchedule:
    return NoiseSchedule(*setting.schedule).to(device=torch.device(setting.device), dtype=torch.float32)
