"""Frames of the pipe: a small JSON header, then exactly the bytes that it announces. No pickle, no code.

Both sides cap what they read and believe nothing of its form; what a header's nodes mean is in values.py.
"""

from __future__ import annotations

import json
import signal
import socket
import struct
import time
from typing import Any

PREFIX = struct.Struct("!4sII")
MAGIC = b"kata"
MOST_HEADER = 1 << 20
MOST_BYTES = 1 << 28
MOST_TEXT = 4_000
MOST_DIGITS = 20  # of an integer in a header
ROOM = 1 << 16  # bytes: nearly every frame is shorter


class ProtocolError(Exception):
    """The other side sent something that is not of the pipe's language."""


class Gone(Exception):
    """The other side closed the pipe."""


class Pipe:
    """One end of the pipe: whole frames, sent and received. What arrives is taken in one piece where it fits."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self._room = memoryview(bytearray(ROOM))
        self._at = self._filled = 0  # what has arrived and was not read yet

    def send(self, header: dict, buffers: list[Any], end: float | None = None) -> None:
        """Send one frame by `end` on time.monotonic's clock. Raises OSError where the pipe is closed or that passes."""
        text = _ENCODER.encode(header).encode()
        if end is not None:
            self.socket.settimeout(max(end - time.monotonic(), 0.001))
        self.socket.sendall(b"".join([PREFIX.pack(MAGIC, len(text), sum(len(b) for b in buffers)), text, *buffers]))

    def receive(self, most: int = MOST_BYTES, end: float | None = None) -> tuple[dict, memoryview]:
        """Receive one frame: the header, and the bytes behind it, at most so many, by `end`.

        Raises Gone, ProtocolError, OSError.
        """
        magic, header_size, size = PREFIX.unpack(self._read(PREFIX.size, end))
        if magic != MAGIC or header_size > MOST_HEADER or size > most:
            raise ProtocolError("a frame of no known form, or too large")
        text, body = self._read(header_size, end), self._read(size, end)
        try:
            header = _DECODER.decode(text.decode())
        except (ValueError, RecursionError) as error:
            raise ProtocolError("a header that is not JSON") from error
        if not isinstance(header, dict):
            raise ProtocolError("a header that is not an object")
        return header, memoryview(body)

    def close(self) -> None:
        self.socket.close()

    def _read(self, size: int, end: float | None) -> bytearray:
        """So many bytes, however slowly they drip."""
        data = bytearray(size)
        view = memoryview(data)
        while True:
            ready = min(len(view), self._filled - self._at)
            view[:ready] = self._room[self._at : self._at + ready]
            self._at += ready
            view = view[ready:]
            if not view:
                return data
            if len(view) >= ROOM:
                view = view[self._arrive(view, end) :]
            else:
                self._at, self._filled = 0, self._arrive(self._room, end)

    def _arrive(self, view: memoryview, end: float | None) -> int:
        if end is not None:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.socket.settimeout(left)
        count = self.socket.recv_into(view)
        if not count:
            raise Gone
        return count


def _integer(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ProtocolError("an integer that is too long")
    return int(digits)


def _refuse(constant: str) -> None:
    raise ProtocolError(f"{constant} in a header")


_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_int=_integer)


def clean(text: Any, most: int = MOST_TEXT) -> str:
    """Text of the submission's, without control characters (so no terminal escapes), and not too long."""
    shown = "".join(c if c.isprintable() or c == "\n" else " " for c in str(text)[: 2 * most])
    return shown if len(shown) <= most else shown[: most - 3] + "..."


def how_it_ended(status: int) -> str:
    """What became of a process that is gone, in words: its exit code, or minus the signal that killed it."""
    if status < 0:
        try:
            return f"its process was killed by {signal.Signals(-status).name} while running it"
        except ValueError:
            return f"its process was killed by signal {-status} while running it"
    return f"its process ended with exit code {status} while running it"
