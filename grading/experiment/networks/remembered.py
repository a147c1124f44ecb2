"""A network that many submissions walk with: what it has been asked before, bit for bit, it answers from memory.

All of a class start at the same x_T, with the same noise. Whoever also works the step out in the same order asks the
same questions as somebody before, and a network takes nine tenths of the time of a walk.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import torch
from torch import Tensor, nn

MOST_BYTES = 1 << 26  # of answers: four walks of a thousand steps with 2,048 points


class Remembered(nn.Module):
    """The same numbers as the network's own, each answer a tensor of its own. Those least asked for are forgotten."""

    def __init__(self, network: nn.Module, most: int = MOST_BYTES) -> None:
        super().__init__()
        self.network, self.most = network, most
        self._answers: OrderedDict[bytes, Tensor] = OrderedDict()
        self._bytes = 0

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        usual = isinstance(x_t, Tensor) and x_t.dtype == torch.float32 and x_t.is_cpu and t.is_cpu
        if not usual or (torch.is_grad_enabled() and x_t.requires_grad):
            return self.network(x_t, t)  # numpy has no bfloat16, and what is no tensor is refused in its own words
        question = _digest(x_t, t)
        known = self._answers.get(question)
        if known is None:
            known = self.network(x_t, t).detach()
            self._bytes += known.nbytes
        self._answers[question] = known
        self._answers.move_to_end(question)
        while self._bytes > self.most:
            self._bytes -= self._answers.popitem(last=False)[1].nbytes
        return known.clone()


def _digest(*tensors: Tensor) -> bytes:
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(f"{tensor.dtype} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.detach().contiguous().numpy().data)
    return digest.digest()
