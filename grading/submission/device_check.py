"""What would happen on a GPU, found out without one: tensors with real values that pretend to lie on another device.

Two things are told apart. What *fails* on a GPU fails here: tensors of two devices in one operation, numbers drawn on
the CPU by a generator of the GPU, `.numpy()`. What *waits* there, because a value has to come back before Python can go
on (`.item()`, `print`, `assert`, an `if`, a boolean mask), works here as there, and is noted, with its line: a remark.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from grading.submission.contract import NoiseSchedule
from grading.submission.errors import Frame, SubmissionError, frame_of
from grading.submission.pretended import OWN_GENERATOR, Generator, MadeAnywhere, Remark, There, is_there, there

TABLES = NoiseSchedule._fields

# Operations that have to know a value, or how many there are: the program waits until the GPU has come so far.
WAITS = {
    "_local_scalar_dense": "a number is read",
    "item": "a number is read",
    "is_nonzero": "a number is read",
    "equal": "two tensors are compared",
    "nonzero": "positions are counted",
    "masked_select": "positions are counted",
    "_unique2": "different values are counted",
    "unique_dim": "different values are counted",
    "unique_consecutive": "different values are counted",
    "bincount": "values are counted",
}
INDEXING = ("index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index")
# Where a number on the CPU (a tensor of shape ()) may not stand for one on the GPU.
NO_NUMBERS = ("cat", "stack", "gather", "index_select", "scatter", "mm", "bmm", "mv", "dot", "embedding", "take")
MADE = (torch.tensor, torch.as_tensor, torch.asarray)
SHOWN = (Tensor.__format__, Tensor.__repr__, Tensor.__str__, Tensor.tolist)
TO_NUMPY = (Tensor.numpy, Tensor.__array__)


def _inner(value: Any) -> Any:
    return value.held if isinstance(value, There) else value


@contextmanager
def _no_grad_for_inference_mode() -> Iterator[None]:
    """Tensors made in inference mode cannot be wrapped; without gradients the same is computed."""
    theirs = torch._C._InferenceMode
    torch._C._InferenceMode = lambda on: torch.no_grad() if on else torch.enable_grad()  # type: ignore
    try:
        yield
    finally:
        torch._C._InferenceMode = theirs  # type: ignore[misc]


@contextmanager
def _generators_anywhere() -> Iterator[None]:
    """A generator can be made for the pretended device, as for a GPU."""
    torch.Generator = MadeAnywhere  # type: ignore
    try:
        yield
    finally:
        torch.Generator = OWN_GENERATOR  # type: ignore[misc]


class Watch:
    """One call of a submission with pretended tensors."""

    def __init__(self, function: str, folder: Path) -> None:
        self.function, self.folder = function, folder
        self._remarks: dict[Frame, str] = {}  # at most one for each line
        self.strays: dict[int, tuple[Tensor, Frame | None]] = {}

    @property
    def remarks(self) -> list[Remark]:
        """The lines that would wait, each with what it waits for."""
        return [Remark(frame.file, frame.line, frame.source, why) for frame, why in self._remarks.items()]

    def call(self, function: Callable, args: tuple, kwargs: dict) -> Any:
        """What the function returns, back from the pretended device. Raises what a GPU would make it raise."""
        moved = [self._given(a) for a in args]
        named = {k: self._given(v) for k, v in kwargs.items()}
        with _no_grad_for_inference_mode(), _generators_anywhere(), _Functions(self), _Operations(self):
            return self._back(function(*moved, **named))  # a table may be worked out only when it is asked for

    def _given(self, value: Any) -> Any:
        return self._model(value) if callable(value) else there(value)

    def _model(self, model: Callable) -> Callable:
        """The model, which lies on the GPU: it takes what lies there, and answers there."""

        def asked(x_t: Any, t: Any) -> Any:
            for name, value in (("x_t", x_t), ("t", t)):
                if type(value) is Tensor:
                    raise RuntimeError(f"the model lies on the GPU and is given {name} on the CPU")
            with torch.utils._python_dispatch._disable_current_modes():
                return there(model(_inner(x_t), _inner(t)))

        return asked

    def _back(self, result: Any) -> Any:
        if type(result) is Tensor:
            raise self._stray(result)
        if isinstance(result, There):
            return result.held
        if any(isinstance(getattr(result, table, None), Tensor) for table in TABLES):
            tables = [getattr(result, table, None) for table in TABLES]
            for table in tables:
                if type(table) is Tensor:
                    raise self._stray(table)
            return NoiseSchedule(*map(_inner, tables))
        return result

    def _stray(self, tensor: Tensor) -> SubmissionError:
        line = self.strays.get(id(tensor), (tensor, None))[1]
        message = "RuntimeError: the result is on the CPU, the inputs are on the GPU"
        return SubmissionError(self.function, "crash", message, (line,) if line else ())

    def line(self) -> Frame | None:
        """The innermost line of the submission that is running."""
        frame: Any = sys._getframe(1)
        while frame is not None and Path(frame.f_code.co_filename).parent != self.folder:
            frame = frame.f_back
        return frame_of(frame.f_code.co_filename, frame.f_lineno, self.folder) if frame else None

    def remark(self, what: str) -> None:
        line = self.line()
        if line is not None:
            self._remarks.setdefault(line, what)

    def wrapped(self, value: Any) -> Any:
        return tree_map(lambda v: There(v) if type(v) is Tensor else v, value)

    def kept(self, value: Any) -> Any:
        """Remember where a tensor was made on the CPU."""
        for tensor in tree_leaves(value):
            if type(tensor) is Tensor:
                self.strays.setdefault(id(tensor), (tensor, self.line()))
        return value


class _Functions(TorchFunctionMode):
    """What never reaches torch's operations: numbers shown, arrays made, tensors made of Python's numbers."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.watch = watch

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        mine = bool(args) and isinstance(args[0], There)
        if mine and func in TO_NUMPY:
            raise TypeError("a tensor on a GPU is no numpy array: .numpy() fails there")
        if mine and func in SHOWN:
            self.watch.remark("its numbers are shown" if func is not Tensor.tolist else "numbers are read")
            return func(args[0].held, *args[1:], **kwargs)
        if func is Tensor.new_tensor and mine:
            return There(torch.tensor(*args[1:], **{"dtype": args[0].dtype} | kwargs))
        if func in MADE and not mine:
            device = kwargs.pop("device", None)
            made = func(*args, **kwargs)
            return There(made) if is_there(device) else self.watch.kept(made)
        result = func(*args, **kwargs)
        generators = [v for v in (*args, *kwargs.values()) if isinstance(v, OWN_GENERATOR)]
        if generators and isinstance(result, Tensor):
            _check_generator(generators[0], result)
        return result


class _Operations(TorchDispatchMode):
    """Every operation of torch, with the rules that a GPU has."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled here, and to import torch's compiler takes longer than all the suites

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.watch = watch

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs, name = dict(kwargs or {}), func._schema.name.rpartition("::")[2]
        tensors = [v for v in tree_leaves((args, kwargs)) if isinstance(v, Tensor)]
        far, near = [v for v in tensors if isinstance(v, There)], [v for v in tensors if type(v) is Tensor]
        device = kwargs.get("device")
        if is_there(device):
            kwargs["device"] = torch.device("cpu")
        copies = name in ("_to_copy", "copy_")
        if far and near and not copies and not _may_meet(func, name, args, near):
            line = self.watch.strays.get(id(near[0]), (near[0], None))[1]
            made = f" (made at {line.file}:{line.line})" if line else ""
            raise RuntimeError(f"a tensor on the CPU{made} meets one on the GPU; they must lie on the same device")
        result = func(*tree_map(_inner, args), **tree_map(_inner, kwargs))
        self._note(name, args, far, device)
        goes = (bool(far) and (device is None or is_there(device))) or is_there(device)
        if _writes(func):
            return args[0]
        return self.watch.wrapped(result) if goes else self.watch.kept(result)

    def _note(self, name: str, args: tuple, far: list, device: Any) -> None:
        if not far:
            return
        if name in WAITS:
            self.watch.remark(WAITS[name])
        if name in INDEXING and any(v.dtype == torch.bool for v in tree_leaves(args[1]) if isinstance(v, Tensor)):
            self.watch.remark("positions are counted")
        to_cpu = name == "_to_copy" and device is not None and not is_there(device)
        if to_cpu or (name == "copy_" and type(args[0]) is Tensor):
            self.watch.remark("numbers are copied to the CPU")


def _check_generator(generator: torch.Generator, drawn: Tensor) -> None:
    """Raise what torch raises where numbers are drawn on one device by a generator of another."""
    if isinstance(generator, Generator) is not isinstance(drawn, There):
        here, other = ("CPU", "GPU") if isinstance(generator, Generator) else ("GPU", "CPU")
        raise RuntimeError(f"random numbers drawn on the {here}, by a generator of the {other}")


def _writes(func: Any) -> bool:
    """Whether an operation writes its result into its first argument."""
    first = func._schema.arguments[:1]
    return bool(first) and first[0].alias_info is not None and first[0].alias_info.is_write


def _may_meet(func: Any, name: str, args: tuple, near: list[Tensor]) -> bool:
    """Whether tensors of both devices may meet in this operation: positions may, and a number in place of a tensor."""
    if name in INDEXING and isinstance(args[0], There):
        return True
    numbers = all(tensor.ndim == 0 for tensor in near)
    return numbers and name.rstrip("_") not in NO_NUMBERS and not (_writes(func) and type(args[0]) is Tensor)
