"""The trusted side: an implementation like any other, with the submission behind a pipe in a sandboxed process."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grading.isolation.calls import AskedTooOften, Call
from grading.isolation.many_calls import ManyCalls, Numbers
from grading.isolation.protocol import Gone, Pipe, ProtocolError, clean, how_it_ended
from grading.isolation.sandbox import Server, ServerGone, server
from grading.isolation.submission_files import submission_files
from grading.submission.contract import MODULE_OF
from grading.submission.errors import NO_ANSWER, Frame, SubmissionError
from grading.submission.pretended import Remark

KINDS = ("todo", "load", "crash", "timeout")
MOST_PRINTED = 20_000  # characters, of all calls
TOLD_FIRST = 0.75  # of a call's time is for the child's own clock, which knows the line; ours counts
PATIENCE = 2  # a function that gave no answer this often is not asked again


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Attributes:
        call: seconds for one call, of the submission's own time (the grader's model is not counted).
        total: seconds for all calls of one object.
        memory: bytes, on top of what torch takes.
        restarts: how often a process that died is replaced.
    """

    call: float = 20.0
    total: float = 900.0
    memory: int = 1 << 30
    restarts: int = 300


class IsolatedImplementation:
    """A submission in a process of its own. Use as Implementation; close it, or use it as a context manager.

    A new object is a new process. One that dies is replaced at the next call: one bad function costs only itself.

    Args:
        folder: where its five modules are.
        sandbox: the tier to demand, `auto` for the best that this machine has.
        limits: what it may use.
        device: where its tensors are.
        until: when to stop waiting for it, whatever its limits leave, on time.monotonic's clock.

    Attributes:
        tier: the sandbox it runs in: `namespaces`, `portable` or `none`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        sandbox: str = "auto",
        limits: Limits | None = None,
        device: str = "cpu",
        until: float = math.inf,
    ) -> None:
        self.folder = folder
        self.limits = limits or Limits()
        self.until = until
        self._choice, self._gpu = sandbox, device != "cpu"
        self.tier = server(sandbox, self._gpu).tier
        self._name, self._files = submission_files(folder)
        self._server: Server | None = None
        self._pipe: Pipe | None = None
        self._key = 0
        self._spent = 0.0
        self._starts = 0
        self._printed = 0
        self._silent: dict[str, int] = {}

    def __getattr__(self, name: str) -> Callable:
        if name not in MODULE_OF:
            raise AttributeError(f"the contract has no function {name}")

        def call(*args: Any, **kwargs: Any) -> Any:
            return self._call(Call(name, args, kwargs))

        def elsewhere(*args: Any, **kwargs: Any) -> tuple[Any, list[Remark]]:
            made = Call(name, args, kwargs, elsewhere=True)
            return self._call(made), made.remarks

        def each(kwargs: dict[str, Any], numbers: list[Numbers]) -> list[Any]:
            """The answers to many calls; in the place of one that raised, its SubmissionError."""
            answers: list[Any] = []
            while len(answers) < len(numbers):
                made = ManyCalls(name, kwargs, numbers[len(answers) :])
                try:
                    answers += self._call(made)
                except SubmissionError as error:
                    if error.kind != "crash":
                        raise
                    answers += [*made.answers, error]
            return answers

        call.__name__, call.elsewhere, call.each = name, elsewhere, each  # type: ignore[attr-defined]
        return call

    def anew(self) -> IsolatedImplementation:
        """The same submission in another process: it remembers no call."""
        device = "cuda" if self._gpu else "cpu"
        return IsolatedImplementation(
            self.folder, sandbox=self._choice, limits=self.limits, device=device, until=self.until
        )

    def __enter__(self) -> IsolatedImplementation:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill the child and all that it left running."""
        if self._pipe is not None:
            self._end()

    def _call(self, call: Call) -> Any:
        name = call.name
        if self._silent.get(name, 0) >= PATIENCE:
            raise SubmissionError(name, "timeout", f"gave no answer {PATIENCE} times; not asked again")
        try:
            pipe = self._living(name)
            self._left = min(self.limits.call, self.limits.total - self._spent)
            return self._converse(pipe, call)
        except TimeoutError:
            self._silent[name] = self._silent.get(name, 0) + 1
            self._end()
            raise SubmissionError(name, "timeout", NO_ANSWER) from None
        except Gone:
            raise SubmissionError(name, "gone", how_it_ended(self._end(wait=1.0))) from None
        except ProtocolError as error:
            self._end()
            raise SubmissionError(name, "gone", f"its process answered with {clean(error, 200)}") from None
        except (ServerGone, OSError) as error:
            self._end()
            raise SubmissionError(name, "gone", f"its process is gone ({clean(error, 200)})") from None
        except AskedTooOften as error:
            self._end()
            raise SubmissionError(name, "timeout", str(error)) from None
        except MemoryError:
            self._end()
            raise SubmissionError(name, "gone", "answering it took more memory than a grade may use") from None
        except SubmissionError as error:
            self._silent[name] = self._silent.get(name, 0) + (error.kind == "timeout")
            raise
        except BaseException:
            self._end()  # in the middle of a conversation: the process that is left does not know where it is
            raise

    def _converse(self, pipe: Pipe, call: Call) -> Any:
        """Send the call, answer the child's questions, take its result."""
        header, buffers = call.message()
        self._send(pipe, {**header, "seconds": TOLD_FIRST * self._left}, buffers)
        while True:
            with self._clock() as end:
                header, body = pipe.receive(call.most_bytes, end)
            try:
                if "function" in header or "standin" in header:
                    answer = call.reply(header, body)
                else:
                    self._print(header.get("printed", ""))
                    if "error" not in header:
                        return call.result(header, body)
                    call.update(header, body)
                    answer = None
            except (ProtocolError, AskedTooOften):
                raise
            except Exception as error:
                raise ProtocolError(f"an answer of no known form ({type(error).__name__})") from error
            if answer:
                self._send(pipe, *answer)
                continue
            raise self._told(call, header)

    def _print(self, text: Any) -> None:
        """Pass on what the submission printed, up to a limit for all calls."""
        if not isinstance(text, str):
            raise ProtocolError("printed text that is none")
        shown = clean(text)[: MOST_PRINTED - self._printed]
        self._printed += len(shown)
        sys.stdout.write(shown)

    def _told(self, call: Call, header: dict) -> SubmissionError:
        """The child's own account of an exception, as plain text."""
        kind, frames = header["error"], header.get("frames")
        if kind not in KINDS or not isinstance(frames, list) or len(frames) > 50:
            raise ProtocolError("an error of no known form")
        try:
            read = tuple(Frame(clean(file, 200), int(line), clean(source, 200)) for file, line, source in frames)
        except (TypeError, ValueError, OverflowError) as error:
            raise ProtocolError("frames of no known form") from error
        told = SubmissionError(call.name, kind, " ".join(clean(header.get("message"), 1000).split()), read)
        told.__cause__ = call.raised
        return told

    def _living(self, name: str) -> Pipe:
        if self._spent >= self.limits.total:
            raise SubmissionError(name, "timeout", f"the {self.limits.total:g} seconds for all calls are used up")
        if self._pipe is None:
            if self._starts > self.limits.restarts:
                raise SubmissionError(name, "gone", f"its process died {self._starts} times; not started again")
            self._starts += 1
            self._server = server(self._choice, self._gpu)
            limits = {"memory": self.limits.memory, "seconds": int(self.limits.total) + 60}
            self._key, self._pipe = self._server.fork(limits)
            self._pipe.socket.settimeout(30)
            sizes = [[file, len(data)] for file, data in self._files.items()]
            self._pipe.send({"name": self._name, "files": sizes}, list(self._files.values()))
        return self._pipe

    def _send(self, pipe: Pipe, header: dict, buffers: list[Any]) -> None:
        with self._clock() as end:
            pipe.send(header, buffers, end)

    @contextlib.contextmanager
    def _clock(self) -> Iterator[float]:
        """Count the time of the submission's; gives the moment at which it has had enough."""
        start = time.monotonic()
        try:
            yield min(start + self._left, self.until)
        finally:
            seconds = time.monotonic() - start
            self._left -= seconds
            self._spent += seconds

    def _end(self, wait: float = 0.0) -> int:
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        try:
            return self._server.end(self._key, wait) if self._server else 0
        except ServerGone:
            return -9
        finally:
            self._server = None
