"""Judge tests that nobody trusts: they run in a sandbox, and this side holds the implementations and answers the calls.

Each implementation has a process of its own, which is told nothing of whether it is a right one. What it says is how
each test ended on the answers it got: a file cannot say more of itself than that.
"""

from __future__ import annotations

import math
import random
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from grading.isolation import child, server
from grading.isolation.protocol import Gone, Pipe, ProtocolError, clean
from grading.isolation.submission_files import read_regular
from grading.isolation.values import Reader, Writer
from grading.proving import implementations
from grading.proving.run import Seen, file_of
from grading.proving.verdict import Verdict, judge
from grading.submission.call_limit import LIMIT, Overdue
from grading.submission.katas import Task

SECONDS = 30.0  # for one file on one implementation
CALL_SECONDS = 5.0
MOST_BYTES, MOST_COUNT, MOST_PAIRS = 1 << 22, 10_000, 5e8
MOST_TOLD, MOST_CALLS = 2_000, 5_000
LIMITS = {"memory": 1 << 30, "seconds": 60}
TEXT = {"kind": 20, "test": 100, "status": 20, "message": 300, "tried": 100}


class Answer(child.Call):
    """One call of an implementation of ours by a test of theirs: the same conversation, with the sides exchanged."""

    end = math.inf

    def function(self, number: int, plain: list | None = None) -> Callable:
        """Every model is asked: what the other side says of one is not believed."""
        return super().function(number)

    def ask(self, question: dict, args: tuple, kwargs: dict) -> Any:
        """Have the test's model answer."""
        writer = Writer()
        nodes = [writer.node(a) for a in args]
        self.pipe.send({**question, "args": nodes, "grad": torch.is_grad_enabled()}, writer.buffers)
        header, body = self.pipe.receive(MOST_BYTES, self.end)
        if "value" not in header:
            raise Gone  # its model has raised something: the test, which is in the middle of the call, is over
        reader = Reader(body)
        value = reader.value(header["value"])
        self.leaves += [t for t in reader.tensors if t.requires_grad]
        return value


def prove_sandboxed(folder: Path, tasks: list[Task], sandbox: str = "auto", until: float = math.inf) -> list[Verdict]:
    """Judge the tests beside a submission's code, in the sandbox of a tier.

    Args:
        folder: the submission.
        tasks: whose tests.
        sandbox: the tier to demand, `auto` for the best that this machine has.
        until: when to stop, on time.monotonic's clock.

    Raises:
        UsageError: the sandbox is not to be had.
    """
    server(sandbox)
    return [judge(task.id, task.function, _seen(folder, task, sandbox, until)) for task in tasks]


def _seen(folder: Path, task: Task, sandbox: str, until: float) -> Seen:
    known = implementations.of(task.function)
    seen = Seen(rights=[(r.name, r.why) for r in known.rights], wrongs=[(w.slip, w.ask) for w in known.wrongs])
    calls = [one.call for one in known.rights] + [one.call for one in known.wrongs]
    for number, call in random.SystemRandom().sample([*enumerate(calls)], len(calls)):  # nor may the order tell
        end = min(until, time.monotonic() + SECONDS)
        _run(file_of(folder, task), task.function, number, call, sandbox, seen, end)
        if seen.unread or seen.ended:
            break
    return seen


def _run(path: Path, function: str, number: int, call: Any, sandbox: str, seen: Seen, end: float) -> None:
    """One process: the file on one implementation."""
    data = read_regular(path) or b""
    started = server(sandbox)
    key, pipe = started.fork(LIMITS, "grading.proving.sandboxed_session")
    state = torch.get_rng_state()
    try:
        pipe.socket.settimeout(SECONDS)
        pipe.send({"name": "tests", "files": [[path.name, len(data)], ["pytest.ini", 0]]}, [data])
        pipe.send({"file": path.name, "function": function, "seed": secrets.randbelow(1 << 31)}, [])
        _converse(pipe, call, number, seen, end)
    except TimeoutError:
        seen.ended = "never ends"
    except (Gone, OSError):
        seen.ended = "ends the process that it runs in"
    except ProtocolError as error:
        seen.ended = f"answers with {clean(error, 100)}"
    finally:
        torch.set_rng_state(state)
        torch.set_default_dtype(torch.float32)
        torch.set_grad_enabled(True)
        pipe.close()
        started.end(key)


def _converse(pipe: Pipe, call: Any, number: int, seen: Seen, end: float) -> None:
    told, calls = 0, 0
    while told < MOST_TOLD and calls < MOST_CALLS:
        header, body = pipe.receive(MOST_BYTES, end)
        if "done" in header:
            return
        if "told" in header:
            told += 1
            _take(seen, header["told"], number)
            continue
        calls += 1
        pipe.send(*_answer(pipe, call, header, body, end))
    raise ProtocolError("more than any test has to say")


def _take(seen: Seen, message: Any, number: int) -> None:
    """Note what the process says of a test, if it is of the form that it should be."""
    if not isinstance(message, dict) or not isinstance(message.get("kind"), str):
        raise ProtocolError("news of no known form")
    plain: dict[str, Any] = {key: " ".join(clean(message.get(key, ""), most).split()) for key, most in TEXT.items()}
    for key in ("line", "calls", "code"):
        value = message.get(key, 0)
        plain[key] = value if type(value) is int and 0 <= value < 1_000_000 else 0
    plain["implementation"] = None if message.get("implementation") is None else number
    plain["tried"] = bool(message["tried"]) if plain["kind"] == "unread" and "tried" in message else plain["tried"]
    seen.take(plain)


def _answer(pipe: Pipe, call: Any, header: dict, body: memoryview, end: float) -> tuple[dict, list]:
    """What an implementation says to a call, or what it raises."""
    try:
        first = Reader(body)
        torch.set_rng_state(first.value(header["random"]))
        torch.set_default_dtype(torch.float64 if header["dtype"] == "float64" else torch.float32)
        torch.set_grad_enabled(header["grad"] is True)
        asked = Answer(pipe, header, body[first.at :])
        asked.end = end
    except (Gone, OSError, ProtocolError):
        raise
    except Exception as error:
        raise ProtocolError(f"a call of no known form ({type(error).__name__})") from None
    try:
        _check_sizes([*asked.args, *asked.kwargs.values()])
        with LIMIT.limited(CALL_SECONDS):
            answer, buffers = asked.answer(call(*asked.args, **asked.kwargs))
    except (Gone, OSError, ProtocolError):
        raise
    except Overdue:
        raise TimeoutError from None
    except Exception as error:
        return {"raised": [type(error).__name__, str(error)[:1000]]}, []
    writer = Writer()
    answer["random"] = writer.node(torch.get_rng_state())
    return answer, [*buffers, *writer.buffers]


def _check_sizes(values: list[Any]) -> None:
    """No call may cost this side more than a test of a formula needs."""
    sizes = sorted((value.numel() for value in values if isinstance(value, Tensor)), reverse=True)
    if math.prod(sizes[:2]) > MOST_PAIRS or any(isinstance(v, int) and abs(v) > MOST_COUNT for v in values):
        raise ValueError("the arguments are too large for a test of a formula")
