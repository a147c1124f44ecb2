"""The sandboxed side of a grade of students' tests: it runs them, and asks the parent for every answer.

It is told which function is meant, and never whether the implementation behind the pipe is a right one: all that a test
can go by is its answers. A new implementation is a new process.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from grading.isolation.crossed import Crossed
from grading.isolation.protocol import Pipe
from grading.isolation.values import Reader, Writer
from grading.proving.pytest_run import QUIET, run_file

os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
NO_TESTS = Path(__file__).with_name("__init__.py")  # so that all of pytest is loaded in the server, not in each child
pytest.main([*QUIET, "--rootdir", str(NO_TESTS.parent), "-c", os.devnull, str(NO_TESTS)])


class Asked:
    """An implementation that somebody else holds."""

    def __init__(self, pipe: Pipe) -> None:
        self.pipe = pipe

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        writer = Writer(trusted=True)
        random = writer.node(torch.get_rng_state())
        writer.tensors.clear()
        nodes, named = [writer.node(a) for a in args], {name: writer.node(a) for name, a in kwargs.items()}
        dtype = str(torch.get_default_dtype()).removeprefix("torch.")
        asks = {"args": nodes, "kwargs": named, "random": random, "dtype": dtype, "grad": torch.is_grad_enabled()}
        self.pipe.send(asks, writer.buffers)
        sources = [tensor for tensor in writer.tensors if tensor.requires_grad]
        while True:
            header, body = self.pipe.receive()
            if "function" not in header:
                return _result(header, Reader(body), writer, sources)
            sources += self._reply(writer.functions[header["function"]], header, body)

    def _reply(self, function: Callable, header: dict, body: memoryview) -> list[Tensor]:
        """Ask a model of the test's for the parent; the tensors of its answer that know where they come from."""
        reader, answer = Reader(body), Writer()
        with torch.set_grad_enabled(header["grad"]):
            value = function(*map(reader.value, header["args"]))
        self.pipe.send({"value": answer.node(value)}, answer.buffers)
        return [tensor for tensor in answer.tensors if tensor.requires_grad]


def _result(header: dict, reader: Reader, writer: Writer, sources: list[Tensor]) -> Any:
    """The answer, once the arguments are what the call has made of them; in the order in which it was written."""
    if "raised" in header:
        kind, message = header["raised"]
        raise (ValueError if kind == "ValueError" else RuntimeError)(message)
    value = writer.tensors[header["same"]] if "same" in header else reader.value(header["value"])
    gradients = header.get("gradients")
    found = None if gradients is None else [reader.value(node) for node in gradients]
    for number, node in header["changed"]:
        writer.tensors[number].detach().copy_(reader.value(node))
    for generator, node in zip(writer.generators, header["generators"]):
        generator.set_state(reader.value(node))
    torch.set_rng_state(reader.value(header["random"]))
    if isinstance(value, Tensor) and value.requires_grad and "same" not in header:
        with torch.enable_grad():
            return Crossed.apply(value.detach(), found, *sources)
    return value


def serve(pipe: Pipe, folder: Path) -> None:
    """Run the file of tests in a folder on the implementation that is asked through the pipe."""
    order, _ = pipe.receive()
    devnull = folder / "pytest.ini"
    os.devnull = str(devnull)  # the one file that may be opened here and has nothing in it
    path = folder / order["file"]
    run_file(path, order["function"], [Asked(pipe)], lambda m: pipe.send({"told": m}, []), order["seed"], None)
    pipe.send({"done": True}, [])
