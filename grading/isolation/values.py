"""What crosses the pipe: each value is a node, a JSON list that starts with a tag; tensors' numbers follow the header.

Both sides read with the same Reader: tags, dtypes, shapes and sizes are checked before a tensor is made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from grading.isolation.protocol import MOST_TEXT, ProtocolError, clean

MOST_ENTRIES = 100_000
MOST_OPAQUE = 100  # in one frame; each makes a class
MOST_DIMS = 16
CPU = torch.device("cpu")
TABLES = ("betas", "alphas", "alphas_cumprod")
DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64, torch.complex128),
        *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
    )
}
PLAIN = {torch.float64, torch.float32, torch.int64}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


class Opaque:
    """Stands for a value that does not cross the pipe; its class has the name of the type on the other side."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def raw(tensor: Tensor) -> memoryview:
    """The numbers of a tensor as bytes, in row-major order; none for a meta tensor."""
    if tensor.is_meta or tensor.numel() == 0:
        return memoryview(b"")
    flat = tensor.detach()
    if flat.dtype in PLAIN and flat.is_cpu and flat.numel() > 1 and flat.is_contiguous() and not flat.is_neg():
        numbers: Any = flat.numpy()
        return memoryview(numbers).cast("B")  # nearly every tensor there is, in a third of the time
    flat = flat.resolve_conj().resolve_neg().cpu().contiguous().reshape(-1)
    flat = flat.as_strided((flat.numel(),), (1,))  # one number with a stride of 0 is contiguous too, but has no bytes
    return memoryview(flat.view(torch.uint8).numpy())  # type: ignore[arg-type]


class Writer:
    """Turn values into nodes; keeps the tensors, generators and functions met, in order.

    Args:
        trusted: the parent, which sends schedules, generators and functions too; the child sends plain data.
    """

    def __init__(self, trusted: bool = False) -> None:
        self.trusted = trusted
        self.buffers: list[Any] = []
        self.tensors: list[Tensor] = []
        self.generators: list[torch.Generator] = []
        self.functions: list[Callable] = []

    def node(self, value: Any, depth: int = 0) -> list:
        if value is None:
            return ["none"]
        kind = type(value)
        if kind is Tensor and value.layout == torch.strided and value.dtype in NAMES:
            return self._tensor(value)
        if kind is bool:
            return ["bool", value]
        if kind is int and abs(value) < 1 << 63:
            return ["int", value]
        if kind is float:
            return ["float", value.hex()]
        if kind is str:
            return ["str", value[:MOST_TEXT]]
        if kind in (list, tuple) and depth < 4 and len(value) <= MOST_ENTRIES:
            return [kind.__name__, *(self.node(entry, depth + 1) for entry in value)]
        if kind.__module__ == "numpy" and hasattr(kind, "__index__") and not hasattr(kind, "__len__"):
            return ["int", int(value)]
        if self.trusted:
            return self._trusted(value)
        return ["opaque", kind.__name__[:100], {}]

    def schedule(self, value: Any) -> list:
        """The three tables of anything that has them; what is missing is left out."""
        held = {name: self.node(getattr(value, name)) for name in TABLES if hasattr(value, name)}
        return ["opaque", type(value).__name__[:100], held]

    def _tensor(self, tensor: Tensor) -> list:
        self.tensors.append(tensor)
        self.buffers.append(raw(tensor))
        strides = None if tensor.is_contiguous() else list(tensor.stride())
        where = "cpu" if tensor.is_cpu else str(tensor.device)
        return ["tensor", NAMES[tensor.dtype], list(tensor.shape), where, tensor.requires_grad, strides]

    def _trusted(self, value: Any) -> list:
        if all(hasattr(value, name) for name in TABLES):
            return ["schedule", *(self.node(getattr(value, name)) for name in TABLES)]
        if isinstance(value, torch.Generator):
            self.generators.append(value)
            state = self.node(value.get_state())
            self.tensors.pop()
            return ["generator", str(value.device), state]
        if callable(value):
            self.functions.append(value)
            return ["function", len(self.functions) - 1, getattr(value, "plain", None)]
        raise TypeError(f"a {type(value).__name__} does not cross the pipe")


class Reader:
    """Turn the nodes of one frame into values, in the order in which they were written.

    Args:
        body: the bytes behind the header.
        function: makes a callable from its number (the child's side; the parent reads no functions).
        schedule: makes a schedule from three tables (likewise).

    The child gets each tensor in its layout, gaps and all. The parent keeps the order of the dims alone, so that a
    frame takes no more memory than the bytes that came.
    """

    def __init__(self, body: memoryview, function: Callable | None = None, schedule: Callable | None = None) -> None:
        self.body = body
        self.at = 0
        self.function = function
        self.schedule = schedule
        self.tensors: list[Tensor] = []
        self.numbers: list[memoryview] = []  # of each, as they came
        self.generators: list[torch.Generator] = []
        self.opaque = 0

    def value(self, node: Any) -> Any:
        """Raises ProtocolError for anything that a Writer would not have written."""
        try:
            return self._value(node, 0)
        except ProtocolError:
            raise
        except Exception as error:
            raise ProtocolError(f"a value of no known form ({type(error).__name__})") from error

    def _value(self, node: list, depth: int) -> Any:
        tag, *rest = node
        if depth > 6 or not isinstance(tag, str):
            raise ProtocolError("a value of no known form")
        if tag == "none":
            return None
        if tag == "tensor":
            return self._tensor(*rest)
        if tag in ("bool", "int", "str"):
            (value,) = rest
            if (
                type(value).__name__ != tag
                or (tag == "int" and abs(value) >= 1 << 63)
                or (tag == "str" and len(value) > MOST_TEXT)
            ):
                raise ProtocolError(f"a {tag} that is none")
            return value
        if tag == "float":
            return float.fromhex(rest[0])
        if tag in ("list", "tuple"):
            values = [self._value(entry, depth + 1) for entry in rest]
            return values if tag == "list" else tuple(values)
        if tag == "opaque":
            return self._opaque(depth, *rest)
        if tag == "schedule" and self.schedule:
            return self.schedule(*(self._value(table, depth + 1) for table in rest))
        if tag == "generator" and self.function:
            device, state = rest
            self.generators.append(torch.Generator(device).set_state(self._value(state, depth)))
            self.tensors.pop(), self.numbers.pop()
            return self.generators[-1]
        if tag == "function" and self.function:
            return self.function(*rest)
        raise ProtocolError(f"an unknown tag {tag[:20]!r}")

    def _opaque(self, depth: int, name: str, held: dict) -> Opaque:
        self.opaque += 1
        if self.opaque > MOST_OPAQUE:
            raise ProtocolError("too many values of no known type")
        value = type(clean(name, 100) or "object", (Opaque,), {})()
        for table in TABLES:
            if table in held:
                setattr(value, table, self._value(held[table], depth + 1))
        return value

    def _tensor(self, name: str, shape: list, device: str, requires_grad: bool, strides: list | None) -> Tensor:
        dtype, numel = DTYPES[name], 1
        for size in shape:
            if type(size) is not int or not 0 <= size < 1 << 40:
                raise ProtocolError("a tensor of no possible shape")
            numel *= size
        if len(shape) > MOST_DIMS or type(requires_grad) is not bool:
            raise ProtocolError("a tensor of no possible shape")
        where = CPU if device == "cpu" else torch.device(device)
        if where.type not in ("cpu", "cuda", "meta", "mps") or numel >= 1 << 50:
            raise ProtocolError("a tensor of no possible size")
        if where.type == "meta":
            piece, tensor = self.body[:0], torch.empty(shape, dtype=dtype, device=where)
        else:
            piece = self._piece(numel * dtype.itemsize)
            tensor = _tensor_of(piece, shape, dtype)
            tensor = tensor if strides is None else _strided(tensor, strides, bool(self.function))
            tensor = tensor if where is CPU else tensor.to(where)
        if requires_grad:
            tensor.requires_grad_()
        self.tensors.append(tensor)
        self.numbers.append(piece)
        return tensor

    def _piece(self, size: int) -> memoryview:
        piece = self.body[self.at : self.at + size]
        self.at += size
        if len(piece) != size:
            raise ProtocolError("fewer bytes than announced")
        return piece


def _tensor_of(piece: memoryview, shape: list, dtype: torch.dtype) -> Tensor:
    if not piece:
        return torch.empty(shape, dtype=dtype)
    if dtype == torch.bool:
        return (torch.frombuffer(piece, dtype=torch.uint8) != 0).reshape(shape)
    numbers = torch.frombuffer(piece, dtype=dtype).clone()
    return numbers if len(shape) == 1 else numbers.view(shape)


def _strided(tensor: Tensor, strides: list, gaps: bool) -> Tensor:
    """The same numbers in the sender's memory layout; a stride of 0 is a dimension that was expanded."""
    if len(strides) != tensor.ndim or not all(type(s) is int and 0 <= s < 1 << 40 for s in strides):
        raise ProtocolError("strides of no possible layout")
    if tensor.numel() == 0:
        return tensor
    small = tensor[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in strides)]
    steps = [max(1, stride) for stride in strides] if gaps else _without_gaps(small.shape, strides)
    return torch.empty_strided(small.shape, steps, dtype=tensor.dtype).copy_(small).expand(tensor.shape)


def _without_gaps(shape: Sequence[int], strides: list[int]) -> list[int]:
    """Strides of a dense layout with the dims in the same order, the one with the largest stride outermost."""
    steps, size = [1] * len(shape), 1
    for dim in sorted(range(len(shape)), key=lambda d: strides[d]):
        steps[dim], size = size, size * shape[dim]
    return steps
