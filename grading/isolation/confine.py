"""Lock the doors of a forked child, before a line of the submission runs: limits, files, identity, system calls.

Each lock holds for the process and all it starts, and cannot be taken off again. What a kernel lacks is left out;
`probe` says which locks hold here, found out by trying the doors.
"""

from __future__ import annotations

import ctypes
import os
import resource
import socket
import struct
import sys
from typing import Any

from grading.isolation.seccomp import install_filter

SET_DUMPABLE, SET_NO_NEW_PRIVS, SET_CHILD_SUBREAPER = 4, 38, 36
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
EXECUTE, READ_FILE, READ_DIR = 1, 4, 8
ACCESS_RIGHTS_OF_ABI = {1: 13, 2: 14, 3: 15, 4: 15}  # how many kinds of access a Landlock version can forbid; later: 16
LINUX = sys.platform == "linux"


def prepare() -> None:
    """The server's own: orphans come to it, and nobody may look into its memory."""
    if LINUX:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        libc.prctl(SET_DUMPABLE, 0, 0, 0, 0)


def confine(limits: dict[str, int], options: dict[str, Any]) -> None:
    """Lock this process in.

    Args:
        limits: memory (bytes on top of what torch takes already) and seconds of CPU time.
        options: tier; uid to change to, or None; readable paths; gpu, whether devices must stay usable; secret, files
            of the grader's, for `probe`.
    """
    if options["tier"] == "none":
        return
    _limit(limits, options)
    if LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        _allow_reading_only([*options["readable"], os.getcwd()], options["gpu"])
    if options["uid"] is not None:
        os.setgroups([])
        os.setresgid(*[options["uid"]] * 3)
        os.setresuid(*[options["uid"]] * 3)
    elif LINUX:
        _drop_capabilities()
    if LINUX:
        install_filter(gpu=options["gpu"])


def _limit(limits: dict[str, int], options: dict[str, Any]) -> None:
    def at_most(kind: int, value: int) -> None:
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))

    at_most(resource.RLIMIT_CORE, 0)
    at_most(resource.RLIMIT_FSIZE, 0)
    at_most(resource.RLIMIT_NOFILE, 256)
    at_most(resource.RLIMIT_CPU, limits["seconds"])
    if options["uid"] is not None:
        at_most(resource.RLIMIT_NPROC, 128)
    if LINUX and not options["gpu"]:  # CUDA reserves more addresses than there is memory
        with open("/proc/self/statm", encoding="ascii") as statm:
            size = int(statm.read().split()[0]) * resource.getpagesize()
        at_most(resource.RLIMIT_AS, size + limits["memory"])


def _allow_reading_only(paths: list[str], gpu: bool) -> None:
    """Landlock: nothing below / may be opened but these paths, and those for reading."""
    syscall = ctypes.CDLL(None, use_errno=True).syscall
    abi = syscall(CREATE_RULESET, None, 0, 1)
    if abi < 1:
        return
    kinds = (1 << ACCESS_RIGHTS_OF_ABI.get(abi, 16)) - 1
    attributes = struct.pack("=QQ", kinds, 3)[: 16 if abi >= 4 else 8]  # 3: no TCP to bind or to connect
    ruleset = syscall(CREATE_RULESET, attributes, len(attributes), 0)
    for path in [*paths, *(["/dev", "/proc", "/sys"] if gpu else [])]:
        try:
            opened = os.open(path, getattr(os, "O_PATH", 0) | os.O_CLOEXEC)
        except OSError:
            continue
        access = EXECUTE | READ_FILE | (READ_DIR if os.path.isdir(path) else 0)
        access = kinds if gpu and path == "/dev" else access
        syscall(ADD_RULE, ruleset, 1, struct.pack("=Qi", access, opened), 0)
        os.close(opened)
    syscall(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _drop_capabilities() -> None:
    header = struct.pack("=Ii", 0x20080522, 0)
    ctypes.CDLL(None, use_errno=True).capset(header, bytes(24))


def probe(options: dict[str, Any]) -> list[str]:
    """Names of the locks that hold in a child forked and confined like any other."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            confine({"memory": 1 << 30, "seconds": 60}, options)
            doors = _DOORS | {"reading": lambda: _read(options["secret"])}
            held = [name for name, opens in doors.items() if not _try(opens)]
            os.write(theirs, ",".join(held).encode())
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, encoding="ascii") as told:
        text = told.read()
    os.waitpid(pid, 0)
    return [name for name in text.split(",") if name]


def _try(opens: Any) -> bool:
    try:
        opens()
    except OSError:
        return False
    return True


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)
    os.wait()


def _be_root() -> None:
    if os.geteuid() == 0:
        os.listdir("/root")
    os.setuid(0)


def _reach() -> None:
    """Do something to another process: signal it, or ask for its limits."""
    try:
        os.kill(os.getppid(), 0)
    except OSError:
        syscall, buffer = ctypes.CDLL(None, use_errno=True).prlimit if LINUX else None, bytes(16)
        if syscall is None or syscall(os.getppid(), resource.RLIMIT_NOFILE, None, buffer):
            raise


def _read(paths: list[str]) -> None:
    """Open one of the files; OSError where none can be."""
    refused = OSError()
    for path in paths:
        try:
            os.close(os.open(path, os.O_RDONLY))
            return
        except OSError as error:
            refused = error
    raise refused


def _write() -> None:
    os.close(os.open("kata-probe", os.O_WRONLY | os.O_CREAT))
    os.unlink("kata-probe")


_DOORS = {
    "network": lambda: socket.socket().close(),
    "processes": _fork,
    "writing": _write,
    "signals": _reach,
    "identity": _be_root,
}
