"""Frames of the pipe: a small JSON header, then exactly the bytes that it announces. No pickle, no code.

Both sides cap what they read and believe nothing of its form; what a header's nodes mean is in values.py.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

PREFIX = struct.Struct("!4sII")
MAGIC = b"kata"
MOST_HEADER = 1 << 20
MOST_BYTES = 1 << 28
MOST_TEXT = 4_000
MOST_DIGITS = 20  # of an integer in a header


class ProtocolError(Exception):
    """The other side sent something that is not of the pipe's language."""


class Gone(Exception):
    """The other side closed the pipe."""


def send(pipe: socket.socket, header: dict, buffers: list[Any]) -> None:
    """Send one frame. Raises OSError where the pipe is closed or its time-out passes."""
    text = json.dumps(header, allow_nan=False, separators=(",", ":")).encode()
    pipe.sendall(b"".join([PREFIX.pack(MAGIC, len(text), sum(len(b) for b in buffers)), text, *buffers]))


def receive(
    pipe: socket.socket, exactly: Callable[[int], bytearray] | None = None, most: int = MOST_BYTES
) -> tuple[dict, memoryview]:
    """Receive one frame: the header, and the bytes behind it, at most so many. Raises Gone, ProtocolError, OSError."""
    read = exactly or (lambda size: read_exactly(pipe, size))
    magic, header_size, size = PREFIX.unpack(read(PREFIX.size))
    if magic != MAGIC or header_size > MOST_HEADER or size > most:
        raise ProtocolError("a frame of no known form, or too large")
    text, body = read(header_size), read(size)
    try:
        header = json.loads(bytes(text), parse_constant=_refuse, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("a header that is not JSON") from error
    if not isinstance(header, dict):
        raise ProtocolError("a header that is not an object")
    return header, memoryview(body)


def read_exactly(pipe: socket.socket, size: int, end: float | None = None) -> bytearray:
    """Read so many bytes, however slowly they drip, by `end` on time.monotonic's clock. Raises OSError."""
    data = bytearray(size)
    view = memoryview(data)
    while view:
        if end is not None:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError
            pipe.settimeout(left)
        count = pipe.recv_into(view)
        if not count:
            raise Gone
        view = view[count:]
    return data


def _integer(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ProtocolError("an integer that is too long")
    return int(digits)


def _refuse(constant: str) -> None:
    raise ProtocolError(f"{constant} in a header")


def clean(text: Any, most: int = MOST_TEXT) -> str:
    """Text of the submission's, without control characters (so no terminal escapes), and not too long."""
    shown = "".join(c if c.isprintable() or c == "\n" else " " for c in str(text)[: 2 * most])
    return shown if len(shown) <= most else shown[: most - 3] + "..."
