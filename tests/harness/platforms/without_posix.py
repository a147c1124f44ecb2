"""Run a part of the kata as if on Windows: `python without_posix.py kata doctor`, or `worker`, or `pytest ARGUMENTS`.

To the code in grading/, and to it alone, the modules and names are missing that Windows lacks, `sys.platform` says
win32, and a text file that is opened without an encoding is an error. What lies below runs as it is.
"""

import builtins
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import types
import warnings

MODULES = {"fcntl", "resource", "termios", "tty", "pty", "pwd", "grp", "syslog", "curses"}
NAMES = {
    "os": "fork forkpty geteuid getuid getgid getegid setsid killpg getpgid setpgid getpgrp setresuid setresgid "
    "WNOHANG setgroups O_NONBLOCK O_NOFOLLOW O_CLOEXEC O_PATH uname openpty getloadavg sched_getaffinity mkfifo chown",
    "signal": "SIGALRM SIGKILL SIGHUP SIGUSR1 SIGUSR2 SIGCHLD alarm setitimer pthread_kill pthread_sigmask",
    "socket": "AF_UNIX send_fds recv_fds",
}
ABSENT = {module: frozenset(names.split()) for module, names in NAMES.items()}
OURS = os.sep + "grading" + os.sep


class Windows(types.ModuleType):
    """A module as our code finds it there."""

    def __getattribute__(self, name):
        module = types.ModuleType.__getattribute__(self, "__name__")
        if name in ABSENT.get(module, ()) and OURS in sys._getframe(1).f_code.co_filename:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        if module == "sys" and name == "platform" and OURS in sys._getframe(1).f_code.co_filename:
            return "win32"
        return types.ModuleType.__getattribute__(self, name)


class Popen(subprocess.Popen):
    def __init__(self, *args, **kwargs):
        for name in ("pass_fds", "preexec_fn"):
            if kwargs.get(name):
                raise ValueError(f"{name} is not supported on Windows platforms")
        super().__init__(*args, **kwargs)


def take_away():
    usual = builtins.__import__

    def importing(name, globals=None, locals=None, fromlist=(), level=0):
        if name in MODULES and (globals or {}).get("__name__", "").partition(".")[0] == "grading":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return usual(name, globals, locals, fromlist, level)

    builtins.__import__ = importing
    subprocess.Popen = Popen
    sys.modules["msvcrt"] = types.SimpleNamespace(kbhit=lambda: False, getwch=lambda: "")
    for module in (os, signal, socket, sys):
        module.__class__ = Windows
    warnings.filterwarnings("error", category=EncodingWarning, module=r"grading\..*")


def main():
    take_away()
    program, *arguments = sys.argv[1:]
    sys.argv = [program, *arguments]
    if program == "pytest":
        import pytest

        sys.exit(pytest.main(arguments))
    if program == "worker":
        from grading.cli.watching.worker import main as worker

        return worker()
    from grading.experiment.networks import training

    kata = training.RECIPES["kata"]
    training.RECIPES["kata"] = dataclasses.replace(kata, steps=20)  # enough to see that it runs through
    from grading.cli import main as run

    return run()


if __name__ == "__main__":
    main()
