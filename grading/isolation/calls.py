"""One call, seen from the trusted side: what is sent, what the child may ask, and what is made of its answer.

Gradients reach the model's answers, and so its weights, and the arguments; not an argument by way of the model's x_t.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from grading.isolation.budget import Budget
from grading.isolation.crossed import MOST_HEARD, Crossed
from grading.isolation.protocol import MOST_BYTES, ProtocolError, clean
from grading.isolation.values import TABLES, Reader, Writer
from grading.submission import fallbacks
from grading.submission.contract import NoiseSchedule
from grading.submission.pretended import Remark
from grading.submission.signatures import parameters

MOST_REMARKS = 20
GROWN = 2  # how many times its numbers an argument that the submission changed may have


class AskedTooOften(Exception):
    """The child has had all the answers that its call can need."""


class Call:
    """A call of one of the functions of the contract.

    Attributes:
        name: which.
        raised: what the last failing model callback raised in this process, or None.
        elsewhere: whether it is made as if its arguments lay on a GPU.
        remarks: what the child then says of lines that would wait there.
    """

    def __init__(self, name: str, args: tuple, kwargs: dict, elsewhere: bool = False) -> None:
        self.name, self.args, self.kwargs, self.elsewhere = name, args, kwargs, elsewhere
        self.remarks: list[Remark] = []
        self.raised: Exception | None = None
        self.walks = "generator" in parameters(name)  # a sampler: it draws, and asks its model at every step
        self.sources: list[Tensor] = []
        self.tensors: list[Tensor] = []
        self.generators: list[torch.Generator] = []
        self.functions: list[Callable] = []
        self.budget = Budget(name, args, kwargs, self.walks)

    @property
    def most_bytes(self) -> int:
        """The longest frame that is read."""
        return min(MOST_BYTES, self.budget.bytes_to_answer)

    def message(self) -> tuple[dict, list]:
        """The frame that starts the call. Samplers without a generator get torch's global state, as in process."""
        writer = Writer(trusted=True)
        header: dict[str, Any] = {}
        given = any(isinstance(a, torch.Generator) for a in self._values())
        if self.walks and not given:
            header["random"] = writer.node(torch.get_rng_state())
            writer.tensors.clear()
            torch.rand(1)  # ours moves on too; the child's state never comes back
        header |= {
            "call": self.name,
            "args": [writer.node(a) for a in self.args],
            "kwargs": {name: writer.node(a) for name, a in self.kwargs.items()},
            "dtype": str(torch.get_default_dtype()).removeprefix("torch."),
            "threads": torch.get_num_threads(),
            "grad": torch.is_grad_enabled(),
            "elsewhere": self.elsewhere,
        }
        self.tensors, self.generators, self.functions = writer.tensors, writer.generators, writer.functions
        self.sources = [t for t in self.tensors if t.requires_grad]
        self.budget.sent = sum(len(buffer) for buffer in writer.buffers)
        return header, writer.buffers

    def _values(self) -> tuple:
        return (*self.args, *self.kwargs.values())

    def reply(self, header: dict, body: memoryview) -> tuple[dict, list]:
        """Answer a question of the child's: what a function of ours gives, or what it raised.

        Raises:
            AskedTooOften: no more questions are answered.
        """
        if len(body) > self.budget.bytes_to_ask + MOST_HEARD * any(map(_is_plain, self.functions)):
            raise ProtocolError("a question about more numbers than it was given")
        reader = Reader(body)
        args, kwargs = _arguments(header, reader)
        self._hear(header, reader)
        values = [*args, *kwargs.values()]
        if self.budget.asked_too_often(values):
            raise AskedTooOften(f"it asked the model more than {self.budget.most} times")
        function = self._asked(header)
        writer = Writer()
        try:
            tables = "standin" in header  # q_sample's, in a list: they are looked up in, not broadcast
            refusal = self.budget.refusal([v for v in values if not (tables and type(v) is list)])
            if refusal:
                raise ValueError(refusal)
            with torch.set_grad_enabled(header.get("grad") is True):
                value = function(*args, **kwargs)
            answer = {"value": writer.node(value)}
        except ProtocolError:
            raise
        except Exception as error:
            self.raised = error
            return {"raised": [type(error).__name__, str(error)[:1000]]}, []
        if not self.walks:  # a walk's graph would grow with every step, and no gradient is asked of it
            self.sources += [t for t in writer.tensors if t.requires_grad]
        return answer, writer.buffers

    def _hear(self, header: dict, reader: Reader) -> None:
        """Ask our own plain model what the child has answered for it meanwhile; it counts like any question."""
        for number, *nodes in header.get("heard", ()):
            x_ts, ts = map(reader.value, nodes)
            function = self._asked({"function": number})
            if not _is_plain(function) or not isinstance(x_ts, Tensor) or not isinstance(ts, Tensor):
                raise ProtocolError("questions of no known form")
            for x_t, t in zip(x_ts, ts):
                if self.budget.asked_too_often([x_t, t]):
                    raise AskedTooOften(f"it asked the model more than {self.budget.most} times")
                if self.budget.refusal([x_t, t]):
                    raise ProtocolError("questions of no known form")
                with torch.no_grad():
                    function(x_t, t)

    def _asked(self, header: dict) -> Callable:
        if "standin" in header:
            name = header["standin"]
            if not isinstance(name, str) or name not in ANSWERED or name == self.name:
                raise ProtocolError("a question that it may not ask")
            return ANSWERED[name]
        number = header["function"]
        if type(number) is not int or not 0 <= number < len(self.functions):
            raise ProtocolError("a question to nobody")
        return self.functions[number]

    def result(self, header: dict, body: memoryview, reader: Reader | None = None) -> Any:
        """The value returned, after the arguments that the submission changed have been changed here too."""
        reader = reader or Reader(body)
        if "same" in header:
            value: Any = _pick(self.tensors, header["same"])
        elif "value" in header:
            value = self._joined(reader, header)
        else:
            raise ProtocolError("an answer without a value")
        self.update(header, body, reader)
        self.remarks = _remarks(header.get("remarks"))
        return value

    def _joined(self, reader: Reader, header: dict) -> Any:
        value = reader.value(header["value"])
        if all(type(getattr(value, table, None)) is Tensor for table in TABLES):
            return NoiseSchedule(*(getattr(value, table) for table in TABLES))
        if not isinstance(value, Tensor) or not value.requires_grad or self.walks:
            return value
        gradients = header.get("gradients")
        if gradients is not None:
            if not isinstance(gradients, list) or len(gradients) != len(self.sources):
                raise ProtocolError("gradients that match nothing")
            gradients = [reader.value(node) for node in gradients]
            if not all(g is None or _alike(g, source) for g, source in zip(gradients, self.sources)):
                raise ProtocolError("gradients of another shape")
        if not any(source.requires_grad for source in self.sources):
            return value
        with torch.enable_grad():
            return Crossed.apply(value.detach(), gradients, *self.sources)

    def update(self, header: dict, body: memoryview, reader: Reader | None = None) -> None:
        """Do to our tensors and generators what the submission did to its copies."""
        reader = reader or Reader(body)
        changed, states = header.get("changed"), header.get("generators")
        if not isinstance(changed, list) or not isinstance(states, list) or len(states) != len(self.generators):
            raise ProtocolError("an answer that says nothing of its arguments")
        if len(changed) > len(self.tensors):
            raise ProtocolError("more arguments changed than there are")
        for number, node in changed:
            mine, theirs = _pick(self.tensors, number), reader.value(node)
            if not isinstance(theirs, Tensor) or theirs.numel() > GROWN * mine.numel():
                raise ProtocolError("an argument that changed into something else")
            if theirs.shape == mine.shape and theirs.dtype == mine.dtype:
                mine.detach().copy_(theirs)
            else:
                mine.data = theirs.to(mine)
        for generator, node in zip(self.generators, states):
            try:
                generator.set_state(reader.value(node))
            except (RuntimeError, TypeError) as error:
                raise ProtocolError("a generator in no possible state") from error
        self._hear(header, reader)


def _remarks(told: Any) -> list[Remark]:
    if not isinstance(told, list) or len(told) > MOST_REMARKS:
        raise ProtocolError("remarks of no known form")
    try:
        return [
            Remark(clean(file, 200), int(line), clean(text, 200), clean(what, 200)) for file, line, text, what in told
        ]
    except (TypeError, ValueError, OverflowError) as error:
        raise ProtocolError("remarks of no known form") from error


def _q_sample(x0: Tensor, t: Tensor, tables: list, noise: Tensor) -> Tensor:
    return fallbacks.q_sample(x0, t, NoiseSchedule(*tables), noise)


# What the child may ask in place of a broken sibling: see fallbacks_asked.py.
ANSWERED: dict[str, Callable] = {"make_schedule": fallbacks.make_schedule, "q_sample": _q_sample}


def _alike(gradient: Any, source: Tensor) -> bool:
    alike = isinstance(gradient, Tensor) and gradient.shape == source.shape and gradient.dtype == source.dtype
    return alike and gradient.device == source.device


def _pick(tensors: list[Tensor], number: Any) -> Tensor:
    if type(number) is not int or not 0 <= number < len(tensors):
        raise ProtocolError("an argument that was never sent")
    return tensors[number]


def _is_plain(function: Callable) -> bool:
    return getattr(function, "plain", None) is not None


def _arguments(header: dict, reader: Reader) -> tuple[list, dict]:
    args, kwargs = header.get("args"), header.get("kwargs")
    if not isinstance(args, list) or not isinstance(kwargs, dict) or len(args) > 20 or len(kwargs) > 20:
        raise ProtocolError("arguments of no known form")
    return [reader.value(node) for node in args], {name: reader.value(node) for name, node in kwargs.items()}
