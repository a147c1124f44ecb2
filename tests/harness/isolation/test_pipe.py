"""The pipe from the child: whatever bytes come, they are a value or one sentence, and never run.

`KATA_FRAMES=100000 pytest tests/harness/isolation/test_pipe.py` reads more of them, with another seed each time.
"""

import copy
import json
import os
import random
import socket
import threading

import pytest
import summary
import torch
from isolation.grader_memory import peak_memory, shown

from grading.isolation import IsolatedImplementation
from grading.isolation.calls import Call
from grading.isolation.protocol import MAGIC, PREFIX, Gone, Pipe, ProtocolError
from grading.submission.contract import linear_schedule
from grading.submission.errors import SubmissionError
from grading.submission.implementation import ROOT

SCHEDULE = linear_schedule(20, torch.float32)


def frames(rng: random.Random):
    """Random bytes, random JSON, and right answers with something wrong in them."""
    right = {
        "printed": "",
        "remarks": [],
        "value": ["tensor", "float32", [2, 2], "cpu", False, None],
        "changed": [[0, ["tensor", "float32", [2, 2], "cpu", False, None]]],
        "generators": [],
    }
    odd = [
        *(None, True, -1, 10**18, 10**30, 1e999, -0.5, "", "x" * 5000, "\ud800", "\x1b[2J", [], [[]], {}, [None]),
        *("float32", "meta", "cuda", "cpu:7", "xla", ["opaque", "Tensor", {"betas": ["none"]}], ["opaque", "", []]),
        *(["int", 10**18], ["float", "0x1p99999"], ["float", 3], ["float", "1e"], ["bool", 1], ["str", 7]),
        *(["list", ["list", ["list", ["list", ["list", ["list", ["list"]]]]]]], ["generator", "cpu", ["none"]]),
        *(["tensor", "float32", [-1], "cpu", False, None], ["tensor", "bool", [1 << 39, 0], "cpu", False, None]),
        *(["tensor", "float32", [2, 2], "cuda", False, None], ["tensor", "float32", [1 << 39], "meta", True, [1]]),
        *(["tensor", "int64", [2], "cpu", True, None], ["tensor", "float32", [2, 2], "cpu", False, [1 << 23, 0]]),
        *(["tensor", "uint8", [1, 16], "cpu", False, [1 << 30, 0]], ["tensor", "uint8", [16], "cpu", False, [1 << 24]]),
        *(["tensor", "uint8", [2, 8], "cpu", True, [1 << 39, 1 << 20]], ["list", *[["opaque", "x", {}]] * 200]),
        *(["function", 0], ["schedule", ["none"]], ["tensor", "float32", [2] * 99, "cpu", False, None]),
    ]

    def choose(things):
        return copy.deepcopy(rng.choice(things))

    def mutated(node):
        if rng.random() < 0.05:
            return choose(odd)
        if isinstance(node, dict):
            return {key: mutated(value) for key, value in node.items() if rng.random() > 0.05}
        return [mutated(entry) for entry in node] if isinstance(node, list) else node

    questions = [
        {"function": 0, "args": [["tensor", "float32", shape, "cpu", False, None], node], "kwargs": {}, "grad": True}
        for shape in ([2, 2], [1, 2], [4, 2], [2, 1, 2], [], [0, 2], [1 << 20, 0])
        for node in (
            ["tensor", "int64", [2], "cpu", False, None],
            ["tensor", "uint8", [9, 1], "cpu", False, None],
            ["int", 3],
        )
    ]
    extra = ("error", "message", "frames", "same", "gradients", "function", "standin", "args", "kwargs", "grad")
    while True:
        header = mutated(right if rng.random() < 0.8 else choose(questions))
        for key in rng.sample(extra, rng.choice((0, 0, 1, 3, 5))):
            if isinstance(header, dict):
                header[key] = choose([*odd, 0, "crash", "q_sample", [["f", 1, "s"]], [["f", 1e999, "s"]], {"x": 1}])
        text = json.dumps(header).encode()
        if rng.random() < 0.1:
            text = rng.choice((b"[" * 200_000, b"9" * 200_000, bytes(rng.randbytes(50)), b'{"a":' * 50_000, b""))
        body = rng.randbytes(rng.choice((0, 16, 32, 100)))
        sizes = (len(text), len(body)) if rng.random() > 0.05 else (rng.getrandbits(32), rng.getrandbits(32))
        frame = PREFIX.pack(MAGIC, *sizes) + text + body
        yield frame if rng.random() > 0.05 else rng.randbytes(rng.randrange(60))


FRAMES = int(os.environ.get("KATA_FRAMES", "2000"))
MOST_MEMORY = 64.0  # MiB, of all frames together


@pytest.mark.timeout(max(120, FRAMES))
def test_no_bytes_from_the_child_crash_the_parent(monkeypatch):
    """Two thousand frames, each read as the answer to a call: a value, or an error that a grade can hold."""
    seed = 0 if FRAMES == 2000 else random.randrange(1 << 32)
    print("seed", seed)
    rng = random.Random(seed)
    made, isolated = frames(rng), IsolatedImplementation(ROOT / "solutions", sandbox="none")
    ended: dict[str, int] = {}
    monkeypatch.setattr(isolated, "_end", lambda wait=0.0: 0)
    with peak_memory() as peak:
        for _ in range(FRAMES):
            how = answered(isolated, next(made) + next(made), monkeypatch)
            ended[how] = ended.get(how, 0) + 1
    summary.lines.append(f"frames {FRAMES}: {ended}, {shown(peak).strip()} of the grader's memory")
    assert set(ended) <= {"value", "gone", "crash", "load", "todo", "timeout"}
    assert ended["gone"] > FRAMES / 2
    assert ended["value"] > FRAMES / 200
    assert peak.extra is None or peak.extra < MOST_MEMORY


def answered(isolated, data: bytes, monkeypatch) -> str:
    """How a call ends to which these bytes come as the answer."""
    ours, theirs = socket.socketpair()
    sender = threading.Thread(target=spill, args=(theirs, data))
    sender.start()
    isolated._pipe = Pipe(ours)  # not by monkeypatch, which would keep each of them
    monkeypatch.setattr(isolated, "_silent", {})
    how, said = outcome(isolated)
    assert len(said) < 1200
    ours.close()
    sender.join()
    return how


def outcome(isolated) -> tuple[str, str]:
    try:
        isolated.ddpm_loss(lambda x_t, t: x_t, torch.ones(2, 2), torch.tensor([0, 1]), SCHEDULE, torch.ones(2, 2))
    except SubmissionError as error:
        return error.kind, str(error)
    return "value", ""


def spill(pipe: socket.socket, data: bytes) -> None:
    try:
        pipe.sendall(data)
        pipe.shutdown(socket.SHUT_WR)
        while pipe.recv(1 << 16):
            pass
    except OSError:
        pass
    finally:
        pipe.close()


def test_a_frame_larger_than_its_call_allows_is_not_read():
    call = Call("q_sample", (torch.ones(2, 2),), {})
    call.message()
    ours, theirs = socket.socketpair()
    pipe = Pipe(ours)
    theirs.sendall(PREFIX.pack(MAGIC, 2, call.most_bytes + 1) + b"{}")
    with pytest.raises(ProtocolError, match="too large"):
        pipe.receive(call.most_bytes)
    theirs.close()
    with pytest.raises((Gone, ProtocolError)):
        pipe.receive()
    ours.close()
