"""The fork server: one process that has imported torch and nothing of anybody's, and forks a child in milliseconds.

Orders come as JSON lines on a control socket: fork a child on the socket that comes along, or end one with all that it
left. When the control socket closes, every child dies. Run as `python -I -S -B server.py OPTIONS`, OPTIONS in JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path


def main() -> None:
    options = json.loads(sys.argv[1])
    sys.path[:0] = [str(Path(__file__).resolve().parents[2]), *options["paths"]]
    control = socket.socket(fileno=options["control"])
    tempfile.tempdir = options["box"]  # so that nobody looks for a folder to write to, later, where there is none
    from grading.isolation import confine

    _warm_up()
    confine.prepare()
    children: dict[int, int] = {}
    _answer(control, {"ready": confine.probe(options)})
    while True:
        message, files, _, _ = socket.recv_fds(control, 65536, 1)
        if not message:
            break
        order = json.loads(message)
        if order["do"] == "fork":
            served = import_module(order["serve"]).serve  # here, so that it is there already for every other child
            pid = os.fork()
            if pid == 0:
                control.close()
                _become_child(socket.socket(fileno=files[0]), order, options, served, confine)
            os.close(files[0])
            children[order["key"]] = pid
            _answer(control, {"pid": pid})
        else:
            status = _end(children.pop(order["key"]), set(children.values()), order["wait"])
            shutil.rmtree(_box(options, order["key"]), ignore_errors=True)
            _answer(control, {"status": status})
    for pid in children.values():
        _end(pid, set(), 0.0)


def _warm_up() -> None:
    """Import what torch imports late: a child might find it slow, or out of reach. Leaves one thread, as forks need."""
    import torch

    torch.set_num_threads(1)
    meta = torch.ones(2, 1, device="meta")
    repr((meta * meta[torch.zeros(2, dtype=torch.int64, device="meta")]).cumsum(0))
    x = torch.ones(2, requires_grad=True)
    torch.autograd.grad(torch.nn.functional.mse_loss(x, torch.zeros(2)), [x])


def _box(options: dict, key: int) -> Path:
    return Path(options["box"]) / str(key)


def _answer(control: socket.socket, answer: dict) -> None:
    control.sendall(json.dumps(answer).encode() + b"\n")


def _become_child(connected: socket.socket, order: dict, options: dict, served, confine) -> None:  # type: ignore[no-untyped-def]
    """Write the submission's files, lock every door, then serve until the pipe closes. Never returns."""
    from grading.isolation.protocol import Gone, Pipe

    status = 1
    try:
        os.setpgid(0, 0)
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        os.close(null)
        pipe = Pipe(connected)
        header, body = pipe.receive()
        folder = _box(options, order["key"]) / header["name"]
        folder.mkdir(parents=True)
        at = 0
        for name, size in header["files"]:
            (folder / name).write_bytes(body[at : at + size])
            at += size
        cache = folder.parent / ".cache"  # matplotlib will not load without a folder that seems to be writable
        cache.mkdir()
        cache.chmod(0o777)
        os.environ["MPLCONFIGDIR"] = str(cache)
        os.chdir(folder.parent)
        confine.confine(order["limits"], options)
        served(pipe, folder)
    except Gone:
        status = 0
    except OSError:
        status = 3
    finally:
        os._exit(status)


def _end(pid: int, others: set[int], wait: float) -> int:
    """Kill a child and all that it left; return how it had ended: an exit code, or minus a signal; -9 if it had not."""
    status, deadline = _reap(pid), time.monotonic() + wait
    while status is None and time.monotonic() < deadline:
        time.sleep(0.005)
        status = _reap(pid)
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)
    if status is None:
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    for _ in range(1000):
        orphans = _children() - others
        if not orphans:
            break
        for orphan in orphans:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(orphan, signal.SIGKILL)
                os.waitpid(orphan, 0)
    return status


def _reap(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _children() -> set[int]:
    """Processes whose parent is this one: orphans come to it, since it is their subreaper."""
    mine, found = str(os.getpid()), set()
    for entry in os.listdir("/proc") if os.path.isdir("/proc/self") else []:
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stat:
                    if stat.read().rpartition(")")[2].split()[1] == mine:
                        found.add(int(entry))
            except OSError:
                pass
    return found


if __name__ == "__main__":
    main()
