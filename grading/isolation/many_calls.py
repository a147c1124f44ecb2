"""Many calls of one function in one frame: all that differs between them are plain numbers.

The child makes them one after the other, each within the limit of a single call, and answers for as many as go well and
alike, as one tensor. The first that goes another way (an error, another shape) ends the frame and is told as ever. So
does a moment's work: who is slow is asked in many frames, and the limit of one call holds for each.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from grading.isolation.calls import Call
from grading.isolation.protocol import ProtocolError
from grading.isolation.values import Reader, Writer

Numbers = dict[str, Any]  # whole ones or floats, by the name of the argument


class ManyCalls(Call):
    """Calls of a function that asks no model and draws nothing.

    Args:
        name: which.
        kwargs: what all of them are given.
        numbers: what each is given beside that; the same names for all.

    Attributes:
        answers: what came back, in order; perhaps of the first few calls alone, but at least of one.
    """

    def __init__(self, name: str, kwargs: dict[str, Any], numbers: list[Numbers]) -> None:
        super().__init__(name, (), kwargs)
        self.numbers = numbers
        self.answers: list[Any] = []

    @property
    def most_bytes(self) -> int:
        largest = max((value.numel() for value in self.kwargs.values() if isinstance(value, Tensor)), default=1)
        return super().most_bytes + 16 * largest * len(self.numbers)

    def message(self) -> tuple[dict, list]:
        writer = Writer()
        columns = {name: [each[name] for each in self.numbers] for name in self.numbers[0]}
        nodes = {
            name: writer.node(torch.tensor(column, dtype=torch.float64 if type(column[0]) is float else torch.int64))
            for name, column in columns.items()
        }
        header, buffers = super().message()
        return {"each": nodes, **header}, [*writer.buffers, *buffers]

    def result(self, header: dict, body: memoryview, reader: Reader | None = None) -> list[Any]:
        reader = reader or self._alike(header, body)
        if "value" in header or "same" in header:
            self.answers.append(super().result(header, body, reader))
        else:
            self.update(header, body, reader)
        if not 0 < len(self.answers) <= len(self.numbers):
            raise ProtocolError("answers to other calls than were made")
        return self.answers

    def update(self, header: dict, body: memoryview, reader: Reader | None = None) -> None:
        super().update(header, body, reader or self._alike(header, body))
        if len(self.answers) >= len(self.numbers) and "error" in header:
            raise ProtocolError("answers to other calls than were made")

    def _alike(self, header: dict, body: memoryview) -> Reader:
        """Read the answers that are alike, which stand first."""
        reader = Reader(body)
        if "alike" in header:
            together = reader.value(header["alike"])
            if not isinstance(together, Tensor) or together.ndim == 0 or together.requires_grad:
                raise ProtocolError("answers of no known form")
            self.answers = list(together)
        return reader
