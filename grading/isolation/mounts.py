"""What a child sees of this machine's files, and the bubblewrap command that shows it no more."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from grading.submission.implementation import ROOT

HIDDEN = (".git", "grading", "solutions", "tests", "exercises")


def library_paths() -> list[str]:
    """Where torch and its company are installed, for the child's sys.path (it runs without `site`)."""
    import torch

    known = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()]
    known += [str(Path(torch.__file__).resolve().parents[1])]
    return [path for path in dict.fromkeys(known) if os.path.isdir(path)]


def readable_paths() -> list[str]:
    """The interpreter and the libraries: all that a child needs to see of this machine."""
    prefixes = [sys.prefix, sys.base_prefix, sys.exec_prefix, str(Path(sys.executable).resolve().parents[1])]
    wanted = [os.path.realpath(path) for path in (*prefixes, *library_paths())] + prefixes
    return [path for path in dict.fromkeys(wanted) if path not in ("/", "/usr")]


def bubblewrap(folder: Path, gpu: bool) -> list[str]:
    """bubblewrap's arguments: namespaces, and a file system of torch, python, the runtime and an empty box."""
    words = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--new-session"]
    if os.geteuid() == 0:  # root needs no user namespace; the server keeps what it takes to change its children's user
        words += ["--cap-drop", "ALL", *(w for c in ("SETUID", "SETGID", "KILL") for w in ("--cap-add", f"CAP_{c}"))]
    else:
        words += ["--unshare-user", "--cap-drop", "ALL"]
    words += list(_mount("/usr"))
    for path in ("/bin", "/lib", "/lib64", "/lib32"):
        if os.path.islink(path):
            words += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            words += list(_mount(path))
    words += ["--proc", "/proc", "--dev", "/dev", "--perms", "0755", "--dir", "/etc"]
    words += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    if gpu:
        devices = [str(path) for path in Path("/dev").glob("nvidia*")]
        words += [w for path in devices for w in ("--dev-bind-try", path, path)] + ["--ro-bind-try", "/sys", "/sys"]
    bound = ["/usr", *readable_paths()]
    for path in bound[1:]:
        words += list(_mount(path))
    for name in HIDDEN:
        hidden = ROOT / name
        if hidden.is_dir() and any(hidden.is_relative_to(path) for path in bound):
            words += ["--tmpfs", str(hidden)]
    words += [*_mount(str(folder / "runtime")), "--perms", "0755", "--tmpfs", str(folder / "box")]
    return [*words, "--chdir", str(folder / "box"), "--"]


def _mount(path: str) -> Iterator[str]:
    """Mount a path at its own place, read-only, below folders that anyone may pass."""
    for parent in reversed(Path(path).parents[:-1]):
        yield from ("--perms", "0755", "--dir", str(parent))
    yield from ("--ro-bind", path, path)
