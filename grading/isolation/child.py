"""The child's side of the pipe: it holds the submission, answers calls with plain numbers, and asks for the model's.

Nothing here defends against the submission, which shares this process: whatever it changes, it can only change what the
child sends, and the parent believes nothing of that.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from grading.isolation.crossed import MOST_HEARD, plain_model
from grading.isolation.protocol import MOST_TEXT, Pipe, clean
from grading.isolation.values import TABLES, Reader, Writer, raw
from grading.submission import fallbacks
from grading.submission.call_limit import LIMIT
from grading.submission.errors import SubmissionError
from grading.submission.implementation import Implementation
from grading.submission.pretended import Remark

MOST_FRAMES = 20
MOMENT = 1.0  # seconds of many calls, after which those made are told


class Printed(io.TextIOBase):
    """What a submission prints, up to a limit; the rest is dropped."""

    def __init__(self) -> None:
        self.text = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if len(self.text) < MOST_TEXT:
            self.text += text[:MOST_TEXT]
        return len(text)


class Call:
    """One call of the submission: its arguments, and what must be told afterwards."""

    def __init__(self, pipe: Pipe, header: dict, body: memoryview) -> None:
        self.pipe = pipe
        self.leaves: list[Tensor] = []
        reader = Reader(body, self.function, fallbacks.NoiseSchedule)
        self.args = [reader.value(node) for node in header["args"]]
        self.kwargs = {name: reader.value(node) for name, node in header["kwargs"].items()}
        self.tensors, self.generators = reader.tensors, reader.generators
        self.before = [(t.shape, numbers) for t, numbers in zip(self.tensors, reader.numbers)]
        self.leaves += [t for t in self.tensors if t.requires_grad]
        self.heard: list[tuple[int, Tensor, Tensor]] = []
        self.room = MOST_HEARD
        fallbacks.ask = lambda name, *args: self.ask({"standin": name}, args, {})  # type: ignore[attr-defined]

    def function(self, number: int, plain: list | None = None) -> Callable:
        """Stands for a function of the parent's. For a plain model the answer is found here, if all is as is due."""

        def model(*args: Any, **kwargs: Any) -> Any:
            if plain is None or kwargs or not _as_due(args, *plain[1:]) or self.room < 0:
                return self.ask({"function": number}, args, kwargs)
            x_t, t = args
            self.heard.append((number, x_t.detach().clone(), t.clone()))
            self.room -= x_t.nbytes + t.nbytes
            return plain_model(plain[0], x_t, t)

        return model

    def _told(self, writer: Writer) -> list:
        """What was asked since the parent was last told; questions of one form together."""
        told = []
        for _, run in groupby(self.heard, key=lambda heard: (heard[0], *(tuple(x.shape) for x in heard[1:]))):
            (number, *_), x_ts, ts = zip(*run)
            told.append([number, writer.node(torch.stack(x_ts)), writer.node(torch.stack(ts))])
        self.heard, self.room = [], MOST_HEARD
        return told

    def ask(self, question: dict, args: tuple, kwargs: dict) -> Any:
        """Have the parent call something, and return or raise what that gave."""
        writer = Writer()
        nodes = [writer.node(a) for a in args]
        named = {str(name): writer.node(a) for name, a in kwargs.items()}
        asked = {**question, "args": nodes, "kwargs": named, "heard": self._told(writer)}
        self.pipe.send({**asked, "grad": torch.is_grad_enabled()}, writer.buffers)
        header, body = self.pipe.receive()
        if "raised" in header:
            raise _exception(*header["raised"])
        reader = Reader(body)
        value = reader.value(header["value"])
        self.leaves += [t for t in reader.tensors if t.requires_grad]
        return value

    def answer(self, result: Any) -> tuple[dict, list]:
        """The result, its gradients, and whatever arguments the submission changed."""
        writer = Writer()
        told: dict[str, Any] = {}
        same = next((i for i, t in enumerate(self.tensors) if t is result), None)
        if same is not None:
            told["same"] = same
        else:
            whole = type(result) is not Tensor and any(hasattr(result, table) for table in TABLES)
            told["value"] = writer.schedule(result) if whole else writer.node(result)
            if type(result) is Tensor and result.requires_grad:
                told["gradients"] = self._gradients(result, writer)
        return self.after(told, writer)

    def after(self, told: dict, writer: Writer) -> tuple[dict, list]:
        compared = enumerate(zip(self.tensors, self.before))
        changed = [i for i, (t, (shape, numbers)) in compared if t.shape != shape or bytes(raw(t)) != bytes(numbers)]
        told["changed"] = [[i, writer.node(self.tensors[i].detach())] for i in changed]
        told["generators"] = [writer.node(g.get_state()) for g in self.generators]
        told["heard"] = self._told(writer)
        return told, writer.buffers

    def _gradients(self, result: Tensor, writer: Writer) -> list | None:
        """d result / d leaf for every leaf, where the result is one number; else none cross the pipe."""
        if result.numel() != 1 or result.is_meta or not self.leaves:
            return None
        try:
            found = torch.autograd.grad(result, self.leaves, torch.ones_like(result), allow_unused=True)
        except RuntimeError:
            return None  # no graph, or one that an in-place change broke
        return [writer.node(gradient) for gradient in found]


def _as_due(args: tuple, shape: list, dtype: str) -> bool:
    """Whether a plain model is given what it should be: x_t like the samples, or a part of them, and a t for them."""
    if len(args) != 2 or not all(type(a) is Tensor and a.is_cpu and a.layout == torch.strided for a in args):
        return False
    x_t, t = args
    samples = len(x_t) if x_t.ndim else 0
    return (
        0 < samples <= shape[0]
        and list(x_t.shape[1:]) == shape[1:]
        and (x_t.dtype, t.dtype) == (getattr(torch, dtype), torch.int64)
        and t.shape in ((samples,), (1,), ())
        and not x_t.requires_grad
    )


def _exception(kind: str, message: str) -> BaseException:
    """The nearest thing to what the parent's model raised: a builtin exception of that name, or RuntimeError."""
    import builtins

    made = getattr(builtins, kind, None)
    known = isinstance(made, type) and issubclass(made, Exception)
    try:
        return made(message) if known else RuntimeError(f"{kind}: {message}")  # type: ignore[misc]
    except TypeError:
        return RuntimeError(f"{kind}: {message}")


def eagerly(model: Any = None, **_: Any) -> Any:
    """In torch.compile's place: compiling starts processes and writes files, which a sandbox is there to forbid."""
    print("torch.compile is left out in the sandbox: this runs eagerly, with the same numbers.")
    return model if model is not None else lambda function: function


def serve(pipe: Pipe, folder: Path) -> None:
    """Answer calls until the parent closes the pipe."""
    torch.compile = torch.compiler.compile = eagerly
    implementation = Implementation(folder)
    LIMIT.loaded = 1.0  # by the clock on the wall, as the parent counts
    while True:
        header, body = pipe.receive()
        dtype = getattr(torch, header["dtype"])
        if header["threads"] != torch.get_num_threads():
            torch.set_num_threads(header["threads"])
        implementation.seconds = header["seconds"]
        implementation.ask_again()
        torch.set_grad_enabled(header["grad"])
        torch.set_default_dtype(dtype)
        reader = Reader(body)
        if "random" in header:
            torch.set_rng_state(reader.value(header["random"]))
        each = {name: reader.value(node).tolist() for name, node in header.get("each", {}).items()}
        printed = Printed()
        call = Call(pipe, header, body[reader.at :])
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            performed = (implementation, header, call)
            told, buffers = _perform_each(*performed, each) if each else _perform(*performed)
        pipe.send({"printed": clean(printed.text), **told}, buffers)


def _perform(implementation: Implementation, header: dict, call: Call) -> tuple[dict, list]:
    """Make a call; tell what came back, or what it raised."""
    remarks: list[Remark] = []
    try:
        function = getattr(implementation, header["call"])
        if header["elsewhere"]:
            result, remarks = function.elsewhere(*call.args, **call.kwargs)
        else:
            result = function(*call.args, **call.kwargs)
        return _returned(call, result, remarks)
    except SubmissionError as error:
        return _raised(call, error)


def _perform_each(implementation: Implementation, header: dict, call: Call, each: dict) -> tuple[dict, list]:
    """Make many calls, as far as they go well and alike and take but a moment; tell those, and the one that did not."""
    function, until = getattr(implementation, header["call"]), time.monotonic() + min(MOMENT, header["seconds"] / 2)
    alike: list[Tensor] = []
    other: tuple[dict, list] | None = None
    for numbers in zip(*each.values()):
        try:
            result = function(**call.kwargs, **dict(zip(each, numbers)))
        except SubmissionError as error:
            other = _raised(call, error)
            break
        if not _plain(result) or _form(result) != _form([*alike, result][0]):
            other = _returned(call, result, [])
            break
        alike.append(result)
        if time.monotonic() > until:
            break
    told, buffers = other or call.after({}, Writer())
    writer = Writer()
    if alike:
        told["alike"] = writer.node(torch.stack(alike))
    return told, [*writer.buffers, *buffers]


def _returned(call: Call, result: Any, remarks: list[Remark]) -> tuple[dict, list]:
    told, buffers = call.answer(result)
    told["remarks"] = [
        [clean(r.file, 200), r.line, clean(r.source, 200), clean(r.says, 200)] for r in remarks[:MOST_FRAMES]
    ]
    return told, buffers


def _raised(call: Call, error: SubmissionError) -> tuple[dict, list]:
    frames = [[clean(f.file, 200), f.line, clean(f.source, 200)] for f in error.frames[-MOST_FRAMES:]]
    return call.after({"error": error.kind, "message": clean(error.message, 1000), "frames": frames}, Writer())


def _plain(result: Any) -> bool:
    """Whether it is a tensor of numbers without a graph."""
    return type(result) is Tensor and result.layout == torch.strided and not (result.requires_grad or result.is_meta)


def _form(result: Tensor) -> tuple:
    return result.shape, result.dtype, result.device
