"""What a call may cost the grader, in numbers and in questions: fixed by its arguments, before anything is answered.

A model answers (B, *dims) for x_t (B, *dims) and one t for each sample. A question of another shape can be broadcast
into something far larger than all that was sent, so it is passed on only where it is small whatever is made of it.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from grading.submission.contract import bind

ROOM_TO_ANSWER, ROOM_TO_ASK = 1 << 22, 1 << 16  # bytes that the child may send, beside a multiple of what it was sent
QUESTIONS, OF_EACH_TIMESTEP = 16, 3  # about all samples at once; a sampler asks once for each timestep
SMALLEST_PART = 1 / 64  # a question about fewer of the samples counts like one about so many
MOST_SAMPLES = 2  # in one question, as a multiple of those given
SMALL = 1 << 17  # numbers: the product of all sizes in a question whose shapes are not the model's


class Budget:
    """What one call may ask and answer.

    Attributes:
        sent: bytes of its arguments.
        like: x0 or x_T, whose dims a question must have; None where there is none.
        most: how many questions about all samples it may ask.
    """

    def __init__(self, name: str, args: tuple, kwargs: dict, walks: bool) -> None:
        given = bind(name, args, kwargs)
        like = given.get("x0", given.get("x_T"))
        self.like = like if isinstance(like, Tensor) and like.ndim else None
        schedule = given.get("schedule")
        steps = len(schedule.betas) if walks and hasattr(schedule, "betas") else 0  # type: ignore[attr-defined]
        self.most = QUESTIONS + OF_EACH_TIMESTEP * steps
        self.sent = 0
        self._asked = 0.0

    @property
    def bytes_to_answer(self) -> int:
        """The longest frame that makes sense: the result, the gradients and the arguments, each sent once before."""
        return ROOM_TO_ANSWER + 8 * self.sent

    @property
    def bytes_to_ask(self) -> int:
        return ROOM_TO_ASK + MOST_SAMPLES * self.sent

    def asked_too_often(self, values: list) -> bool:
        """Count one more question. Questions cost our time and memory; asking about part of the samples costs less."""
        alike = [value for value in values if self._alike(value)]
        share = alike[0].shape[0] / max(self.like.shape[0], 1) if alike and self.like is not None else 1.0
        self._asked += max(share, SMALLEST_PART)
        return self._asked > self.most

    def refusal(self, values: list) -> str:
        """Why a question with these arguments is not passed on; empty where it is."""
        tensors = [value for value in _flat(values) if isinstance(value, Tensor)]
        alike = [tensor for tensor in tensors if self._alike(tensor)]
        shapes = {(), (1,), *((tensor.shape[0],) for tensor in alike)}
        if all(tensor.shape in shapes or self._alike(tensor) for tensor in tensors) and len(alike) <= 2:
            return ""
        product = 1
        for tensor in tensors:
            product *= max(tensor.numel(), 1)
        if product <= SMALL:
            return ""
        asked = ", ".join(str(tuple(tensor.shape)) for tensor in tensors[:4])
        return f"model(x_t, t) takes x_t (B, *dims) like {self._due()} and one t for each sample; it was given {asked}"

    def _due(self) -> str:
        return "its samples" if self.like is None else str(tuple(self.like.shape))

    def _alike(self, value: Any) -> bool:
        like = self.like
        return (
            like is not None
            and isinstance(value, Tensor)
            and value.ndim == like.ndim
            and value.shape[1:] == like.shape[1:]
            and value.shape[0] <= MOST_SAMPLES * like.shape[0]
        )


def _flat(values: list) -> list:
    """The entries of nested lists and tuples."""
    found = []
    for value in values:
        found += _flat(list(value)) if isinstance(value, (list, tuple)) else [value]
    return found
