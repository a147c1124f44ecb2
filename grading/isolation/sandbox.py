"""The tiers of isolation, best first; each is probed by starting it, and `auto` takes the best that starts.

* `namespaces`: bubblewrap. No network, no other process, no file but torch, python and the child's own.
* `portable`: a process of its own, with limits and a filter of system calls, that cannot read the grader's files: by
  Landlock, or because it is another user (where the grader is root) and they are closed to others.
* `limited`: the same where the grader's files can be read, expectations and all: a cheat need but open them.
* `none`: a process of its own and nothing else. Say it aloud; the result will.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

from grading.isolation.mounts import bubblewrap, library_paths, readable_paths
from grading.isolation.protocol import Pipe
from grading.isolation.runtime import write_runtime
from grading.machine.files import scratch_folder
from grading.submission.errors import UsageError

TIERS = ("namespaces", "portable", "limited", "none")
CHOICES = ("auto", *TIERS)
WARNINGS = {"limited": "the submission can read the grader's own files", "none": "nothing holds the submission back"}
KEPT = (
    "PATH",
    "LANG",
    "LC_ALL",
    "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "MKL_NUM_THREADS",
    "CUDA_VISIBLE_DEVICES",
    "LD_LIBRARY_PATH",
)
START_SECONDS = 120
MUST_HOLD = {
    "namespaces": {"network", "signals", "writing", "identity"},
    "portable": {"signals", "writing", "reading"},
    "limited": {"signals", "writing"},
    "none": set(),
}


class ServerGone(Exception):
    """The fork server ended, or did not answer."""


class Server:
    """A started fork server of one tier.

    Attributes:
        tier: one of TIERS.
        locks: what holds there, found by trying: network, processes, writing, reading, signals, identity.
    """

    def __init__(self, tier: str, gpu: bool = False) -> None:
        self.tier = tier
        self.folder = scratch_folder(0o755)
        (self.folder / "box").mkdir()
        script = write_runtime(self.folder / "runtime")
        ours, theirs = socket.socketpair()
        self.control = ours
        ours.settimeout(START_SECONDS)
        paths = library_paths()
        options = {
            "tier": tier,
            "control": theirs.fileno(),
            "paths": paths,
            "box": str(self.folder / "box"),
            "readable": [str(self.folder / "runtime"), *readable_paths(), "/usr", "/lib", "/lib64", "/etc/ld.so.cache"],
            "uid": _other_uid(tier),
            "gpu": gpu,
            "secret": _secret(tier),
        }
        command = [sys.executable, "-I", "-S", "-B", str(script), json.dumps(options)]
        if tier == "namespaces":
            program = shutil.which("bwrap")
            if program is None:
                raise ServerGone("bubblewrap (bwrap) is not installed")
            command = [program, *bubblewrap(self.folder, gpu), *command]
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        environment |= {"OPENBLAS_NUM_THREADS": "1", "HOME": "/nonexistent", "PYTHONHASHSEED": "0"}
        self.process = subprocess.Popen(
            command,
            cwd=self.folder / "box",
            env=environment,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        theirs.close()
        self.keys = 0
        try:
            self.locks: list[str] = self._answer()["ready"]
            must = MUST_HOLD[tier] if sys.platform == "linux" else MUST_HOLD[tier] & {"reading"}
            missing = must - set(self.locks)
            if missing:
                raise ServerGone(f"these doors stay open: {', '.join(sorted(missing))}")
        except ServerGone:
            self.close()
            raise
        ours.settimeout(30)

    def fork(self, limits: dict[str, int], serve: str = "grading.isolation.child") -> tuple[int, Pipe]:
        """Start a child that talks as a module's `serve` does; return its key and our end of its pipe."""
        self.keys += 1
        ours, theirs = socket.socketpair()
        order = json.dumps({"do": "fork", "key": self.keys, "limits": limits, "serve": serve}).encode()
        try:
            socket.send_fds(self.control, [order], [theirs.fileno()])
        except OSError as error:
            ours.close()
            raise ServerGone(str(error)) from error
        finally:
            theirs.close()
        self._answer()
        return self.keys, Pipe(ours)

    def end(self, key: int, wait: float = 0.0) -> int:
        """Kill a child and all that it left; return how it had ended (exit code, or minus a signal)."""
        try:
            self.control.sendall(json.dumps({"do": "end", "key": key, "wait": wait}).encode())
        except OSError as error:
            raise ServerGone(str(error)) from error
        return int(self._answer()["status"])

    def __str__(self) -> str:
        """The tier, and what it lacks."""
        return self.tier + (f" ({WARNINGS[self.tier]})" if self.tier in WARNINGS else "")

    @property
    def alive(self) -> bool:
        return self.process.poll() is None and self.control.fileno() >= 0

    def close(self) -> None:
        """End the server and every child. With bubblewrap that ends the whole process namespace."""
        self.control.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stderr:
            self.process.stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answer(self) -> dict[str, Any]:
        text = b""
        try:
            while not text.endswith(b"\n"):
                piece = self.control.recv(65536)
                if not piece:
                    raise ServerGone(self._last_words())
                text += piece
        except OSError as error:
            raise ServerGone(str(error)) from error
        return json.loads(text)

    def _last_words(self) -> str:
        self.process.kill()
        _, errors = self.process.communicate()
        lines = errors.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it ended without a word"


def _secret(tier: str) -> list[str]:
    """Files that a child must not be able to open: the grader's formulas, and what this process was started with."""
    formulas = str(Path(__file__).resolve().parents[1] / "judging" / "closed_form.py")
    return [formulas] if tier == "namespaces" else [formulas, f"/proc/{os.getpid()}/environ"]


def _other_uid(tier: str) -> int | None:
    """A user id that nobody has, for the children of a grader that is root. The server is root itself in that case.

    Where that user could not read the interpreter (below a private home), the children lose their capabilities instead.
    """
    if tier == "none" or os.geteuid() != 0:
        return None
    closed = [p for path in readable_paths() for p in Path(path).parents if not p.stat().st_mode & stat.S_IXOTH]
    return None if closed and tier != "namespaces" else 60_000 + os.getpid() % 5_000


_servers: dict[tuple[str, bool, int], Server] = {}
_failed: dict[tuple[str, bool, int], ServerGone] = {}


def _living(tier: str, gpu: bool) -> Server:
    if not (hasattr(os, "fork") and hasattr(socket, "send_fds")):
        raise ServerGone("it takes a system with fork, such as Linux")
    key = (tier, gpu, os.getpid())
    if key in _failed:
        raise _failed[key]
    if key not in _servers or not _servers[key].alive:
        try:
            _servers[key] = Server(tier, gpu)
        except ServerGone as error:
            _failed[key] = error
            raise
    return _servers[key]


@atexit.register
def close_servers() -> None:
    """End every fork server of this process, and with it all that submissions left running."""
    for (_, _, process), started in _servers.items():
        if process == os.getpid():
            started.close()
    _servers.clear()


def abandon() -> None:
    """The same at once: a server ends by itself, and ends its children, when nobody holds its other end."""
    for started in _servers.values():
        started.control.close()
    for started in _servers.values():
        with contextlib.suppress(subprocess.TimeoutExpired):
            started.process.wait(0.1)
        shutil.rmtree(started.folder, ignore_errors=True)


def server(sandbox: str = "auto", gpu: bool = False) -> Server:
    """The fork server of a tier, started once in this process. Raises UsageError where the tier is not to be had."""
    if sandbox not in CHOICES:
        raise UsageError(f"--sandbox {sandbox}: give one of {', '.join(CHOICES)}")
    reasons = []
    for tier in TIERS[:-1] if sandbox == "auto" else (sandbox,):
        try:
            return _living(tier, gpu)
        except ServerGone as error:
            reasons.append(f"{tier}: {error}")
    raise UsageError(f"--sandbox {sandbox} is not to be had on this machine ({'; '.join(dict.fromkeys(reasons))})")
