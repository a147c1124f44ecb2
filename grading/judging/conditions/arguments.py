"""Turn a row of conditions into the arguments of a call."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from grading.judging.closed_form import broadcast
from grading.judging.conditions.factors import AS_MANY, Row, signature
from grading.judging.examples import ANOTHER, COARSE, PAPER
from grading.submission.contract import NoiseSchedule, schedule_from

SCHEDULES = {
    "T = 10": COARSE,
    "another T = 10": ANOTHER,
    "T = 1": schedule_from(torch.tensor([0.3], dtype=torch.float64)),
    "T = 2": schedule_from(torch.tensor([0.2, 0.45], dtype=torch.float64)),
    "T = 1000": PAPER,
}
MOST_DIMS = 64  # where there are as many dims as samples


class Model:
    """A model that depends on all that it is shown, and on one weight; plain_model of isolation/crossed.py is the same.

    Attributes:
        plain_weight: where it is a mere number, which a sandboxed process may know.
    """

    def __init__(self, weight: Tensor | float = 0.3) -> None:
        self.weight = weight
        self.plain_weight = weight if isinstance(weight, float) else None

    def __call__(self, x_t: Tensor, t: Tensor) -> Tensor:
        return self.weight * x_t + 0.3 * broadcast(t, x_t).to(x_t).cos()


def arguments(function: str, row: Row, kata: Any, seed: int = 0) -> dict[str, Any]:
    """The arguments of a call, made anew for each: nothing that a submission does to them is seen by the next.

    `kata` draws the numbers (randn, generator) and says on which device.
    """
    made: dict[str, Any] = {}
    schedule = SCHEDULES.get(row.get("schedule", ""), COARSE)
    T, dtype = len(schedule.betas), getattr(torch, row.get("dtype", "float64"))
    for number, (name, role) in enumerate(signature(function).items()):
        memory = row.get(f"memory of {name}", "contiguous")
        if role == "like":
            made[name] = _points(row, memory, dtype, kata, seed + number)
        elif role == "times":
            made[name] = _laid_out(times(row["order of t"], row["batch"], T).to(kata.device), memory)
        elif role == "betas":
            made[name] = _laid_out(schedule.betas.to(kata.device, dtype), memory)
        elif role == "schedule":
            layout = row["memory of the tables"]
            made[name] = NoiseSchedule(*(_laid_out(table.to(kata.device, dtype), layout) for table in schedule))
        elif role == "step":
            made[name] = {"inside": T // 2, "t = 0": 0, "t = T - 1": T - 1}[row["step"]]
        elif role == "next":
            made[name] = {"stride": max(made["t"] - 3, -1), "neighbour": made["t"] - 1, "end": -1}[row["next"]]
        elif role == "model":
            trained = "generator" not in signature(function).values()  # a loss
            weight = torch.tensor(0.3, dtype=dtype, device=kata.device, requires_grad=True) if trained else 0.3
            made[name] = Model(weight)
        elif role == "generator":
            made[name] = _generator(row["generator"], kata, seed)
        else:
            made[name] = row[name]
    if "num_inference_steps" in made:
        made["num_inference_steps"] = min(made["num_inference_steps"], made.get("num_timesteps", T))
    return made


def _points(row: Row, memory: str, dtype: torch.dtype, kata: Any, seed: int) -> Tensor:
    """(B, *dims), lying in memory as the row says."""
    batch, dims = row["batch"], row["dims"]
    shape = (batch, *((min(batch, MOST_DIMS),) if dims == AS_MANY else dims))

    def draw(*shape: int) -> Tensor:
        return row["size"] * kata.randn(*shape, seed=seed, dtype=dtype)

    if memory == "transposed":
        x = draw(*shape[::-1]).permute(*range(len(shape))[::-1])
    elif memory == "strided":
        x = draw(2 * shape[0], *shape[1:-1], 2 * shape[-1])[::2, ..., ::2]
    elif memory == "expanded":
        x = draw(*shape[:-1], 1).expand(shape)  # samples still differ: a sampler may ask for parts of them
    else:
        x = draw(shape[0] + 3, *shape[1:])[3:] if memory == "sliced" else draw(*shape)
    return x.requires_grad_(row["grad"])


def _laid_out(table: Tensor, memory: str) -> Tensor:
    """The same numbers (N,), lying in memory as named."""
    if memory == "strided":
        return torch.stack([table, table.flip(0)], dim=1)[:, 0]
    return torch.cat([table[-1:], table])[1:] if memory == "sliced" else table.clone()


def times(order: str, batch: int, T: int) -> Tensor:
    """t (B,), each from 0 to T-1."""
    t = (3 - 7 * torch.arange(batch)) % T
    return {"sorted": t.sort().values, "all equal": 0 * t + T // 2, "the last alone": 0 * t + T - 1}.get(order, t)


def _generator(way: str, kata: Any, seed: int) -> torch.Generator | None:
    if way == "None":
        return None
    generator = kata.generator(seed + 3)
    if way == "advanced":
        torch.randn(7, generator=generator, device=kata.device)
    return generator
