"""A sampler may ask its model about part of the samples at a time: what it asked, put together as if asked at once.

Two ways are right: at each timestep part by part, or the whole walk of one part, then that of the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

Question = tuple[Any, Any, Any]  # x_t, t and the answer


def is_part(x_t: Any, like: Tensor) -> bool:
    """Whether x_t is a batch of samples like x_T, no more of them than there are."""
    return (
        isinstance(x_t, Tensor)
        and x_t.ndim == like.ndim
        and x_t.shape[1:] == like.shape[1:]
        and x_t.shape[:1] <= like.shape[:1]
    )


def whole(asked: Sequence[Question], x_T: Tensor) -> list[Question]:
    """One question for each timestep, its rows in the order of x_T; what is not asked in parts comes back as it is."""
    asked = list(asked)
    if not asked or not all(is_part(x_t, x_T) for x_t, _, _ in asked) or len(asked[0][0]) == len(x_T):
        return asked
    times = [_one_time(t) for _, t, _ in asked]
    groups = _by_step(asked, times, len(x_T)) or _by_walk(asked, times, len(x_T))
    if groups is None:
        return asked
    order = _order(torch.cat([x_t for x_t, _, _ in groups[0]]), x_T)
    return [_joined(group, order) for group in groups]


def _by_step(asked: list[Question], times: list[Any], samples: int) -> list[list[Question]] | None:
    """At each timestep the same parts, one after the other."""
    parts = next((n for n in range(1, len(asked) + 1) if sum(len(q[0]) for q in asked[:n]) >= samples), 0)
    if not parts or len(asked) % parts:
        return None
    groups = [asked[i : i + parts] for i in range(0, len(asked), parts)]
    alike = all(len(set(times[i : i + parts])) == 1 for i in range(0, len(asked), parts))
    return groups if alike and _same_parts(groups, samples) else None


def _by_walk(asked: list[Question], times: list[Any], samples: int) -> list[list[Question]] | None:
    """All timesteps with one part, then with the next."""
    steps = next((n for n in range(1, len(times)) if times[n] == times[0]), 0)
    if not steps or len(asked) % steps or times != times[:steps] * (len(asked) // steps):
        return None
    groups = [asked[i::steps] for i in range(steps)]
    return groups if _same_parts(groups, samples) else None


def _same_parts(groups: list[list[Question]], samples: int) -> bool:
    sizes = [[len(x_t) for x_t, _, _ in group] for group in groups]
    return sum(sizes[0]) == samples and all(size == sizes[0] for size in sizes)


def _one_time(t: Any) -> Any:
    """The one number that a t holds, or None."""
    if not isinstance(t, Tensor):
        return t
    values = set(t.flatten().tolist())
    return values.pop() if len(values) == 1 else None


def _order(rows: Tensor, x_T: Tensor) -> Tensor | None:
    """Where each row of x_T stands among the rows; None where they stand in order already, or are others."""
    if torch.equal(rows.to(x_T), x_T):
        return None
    (mine, by_mine), (due, by_due) = (_sorted(x.to(x_T).detach().cpu()) for x in (rows, x_T))
    if not np.array_equal(mine, due):
        return None
    order = torch.empty(len(x_T), dtype=torch.int64)
    order[torch.from_numpy(by_due)] = torch.from_numpy(by_mine)
    return order


def _sorted(x: Tensor) -> tuple[np.ndarray, np.ndarray]:
    flat = np.ascontiguousarray(x.double().flatten(1).numpy() if x.ndim > 1 else x.double()[:, None].numpy())
    order = np.lexsort(flat.T)
    return flat[order], order


def _joined(group: list[Question], order: Tensor | None) -> Question:
    place: Callable[[Tensor], Tensor] = (lambda x: x) if order is None else lambda x: x[order.to(x.device)]
    x_t, t, answer = group[0]
    pieces = [isinstance(q[1], Tensor) and q[1].shape == q[0].shape[:1] for q in group]
    if not all(isinstance(q[2], Tensor) and q[2].shape == q[0].shape for q in group):
        return x_t, t, answer
    times = place(torch.cat([q[1] for q in group])) if all(pieces) else t
    return place(torch.cat([q[0] for q in group])), times, place(torch.cat([q[2] for q in group]))
