"""A filter of system calls, in the kernel's own tiny language: what torch on a CPU needs, and nothing else.

The list was found with strace, over the suites and the samplers in a child of its own, and widened by calls that do no
more than those that were seen. Pure-torch modules need no process, no network, no file to write, no other process's
signals, limits, memory or scheduling. What drives a GPU needs far more than can be listed, so with one the filter is
turned round: it refuses what is known to reach outside. Linux on x86-64 and arm64; elsewhere the other locks must do.
"""

from __future__ import annotations

import ctypes
import platform
import struct
import sys

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, ERROR = 0x7FFF0000, 0x00050000
EPERM, ENOSYS, EROFS = 1, 38, 30
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
SET_SECCOMP, MODE_FILTER = 22, 2
CLONE_THREAD = 0x10000
WRITES = 0x3 | 0x40 | 0x200 | 0x400 | 0x400000  # O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND, O_TMPFILE

# name: (x86-64, arm64); None where an architecture has no such call. The most frequent first.
ALLOWED = {
    "futex": (202, 98), "madvise": (28, 233), "mmap": (9, 222), "munmap": (11, 215), "sendto": (44, 206),
    "recvfrom": (45, 207), "read": (0, 63), "write": (1, 64), "close": (3, 57), "lseek": (8, 62), "fstat": (5, 80),
    "newfstatat": (262, 79), "rt_sigprocmask": (14, 135), "rt_sigaction": (13, 134), "mprotect": (10, 226),
    "brk": (12, 214), "mremap": (25, 216), "mincore": (27, 232), "msync": (26, 227), "mbind": (237, 235),
    "get_mempolicy": (239, 236), "set_mempolicy": (238, 237), "readv": (19, 65), "pread64": (17, 67),
    "preadv": (295, 69), "preadv2": (327, 286), "writev": (20, 66), "close_range": (436, 436), "stat": (4, None),
    "lstat": (6, None), "statx": (332, 291), "statfs": (137, 43), "fstatfs": (138, 44), "access": (21, None),
    "faccessat": (269, 48), "faccessat2": (439, 439), "readlink": (89, None), "readlinkat": (267, 78),
    "getdents": (78, None), "getdents64": (217, 61), "getcwd": (79, 17), "chdir": (80, 49), "dup": (32, 23),
    "dup2": (33, None), "dup3": (292, 24), "fadvise64": (221, 223), "pipe": (22, None), "pipe2": (293, 59),
    "umask": (95, 166), "poll": (7, None), "ppoll": (271, 73), "select": (23, None), "pselect6": (270, 72),
    "epoll_create1": (291, 20), "epoll_ctl": (233, 21), "epoll_wait": (232, None), "epoll_pwait": (281, 22),
    "eventfd2": (290, 19), "timerfd_create": (283, 85), "timerfd_settime": (286, 86), "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115), "clock_gettime": (228, 113), "clock_getres": (229, 114), "gettimeofday": (96, 169),
    "time": (201, None), "times": (100, 153), "alarm": (37, None), "getitimer": (36, 102), "setitimer": (38, 103),
    "pause": (34, None), "futex_waitv": (449, 449), "set_robust_list": (273, 99), "rseq": (334, 293),
    "set_tid_address": (218, 96), "sched_yield": (24, 124), "sched_getaffinity": (204, 123),
    "sched_get_priority_max": (146, 125), "sched_get_priority_min": (147, 126), "getcpu": (309, 168),
    "membarrier": (324, 283), "arch_prctl": (158, None), "exit": (60, 93), "exit_group": (231, 94),
    "rt_sigreturn": (15, 139), "rt_sigpending": (127, 136), "rt_sigsuspend": (130, 133), "rt_sigtimedwait": (128, 137),
    "sigaltstack": (131, 132), "restart_syscall": (219, 128), "getpid": (39, 172), "getppid": (110, 173),
    "gettid": (186, 178), "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177),
    "getgroups": (115, 158), "getresuid": (118, 148), "getresgid": (120, 150), "getpgrp": (111, None),
    "uname": (63, 160), "sysinfo": (99, 179), "getrusage": (98, 165), "getrlimit": (97, 163), "setrlimit": (160, 164),
    "getrandom": (318, 278), "wait4": (61, 260), "waitid": (247, 95), "shutdown": (48, 210), "getsockopt": (55, 209),
    "getsockname": (51, 204), "getpeername": (52, 205),
}  # fmt: skip
# Let through with these values of one argument: its position, and the values.
SOME = {
    "fcntl": ((72, 25), 1, (0, 1, 2, 3, 4, 5, 1030, 1032, 1034)),  # no owner and no signal of a file's (F_SETOWN ...)
    "ioctl": (
        (16, 29),
        1,
        (0x5401, 0x802C542A, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451),
    ),  # a terminal's size
    "prctl": ((157, 167), 0, (3, 15, 16, 21, 23, 29, 30, 39, 0x53564D41)),  # names, and what is but asked
    "prlimit64": ((302, 261), 0, (0,)),  # its own limits
}
# Refused where the filter is turned round.
REFUSED = {
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281),
    "setsid": (112, 157), "setpgid": (109, 154), "unshare": (272, 97), "setns": (308, 268),
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "pidfd_send_signal": (424, 424), "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438), "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "process_mrelease": (448, 448), "kcmp": (312, 272), "setpriority": (141, 140),
    "sched_setscheduler": (144, 119), "sched_setparam": (142, 118), "sched_setattr": (314, 274),
    "ioprio_set": (251, 30),
    "migrate_pages": (256, 238), "move_pages": (279, 239), "socket": (41, 198), "connect": (42, 203), "bind": (49, 200),
    "listen": (50, 201), "accept": (43, 202), "accept4": (288, 242), "bpf": (321, 280), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264),
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
}  # fmt: skip
OWNS = (8, 10, 15)  # F_SETOWN, F_SETSIG, F_SETOWN_EX: the kernel signals a file's owner, whoever that is
FCNTL, PRLIMIT = SOME["fcntl"][0], SOME["prlimit64"][0]
CLONE, CLONE3, OPEN, OPENAT, OPENAT2 = (56, 220), (435, 435), (2, None), (257, 56), (437, 437)
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


def install_filter(gpu: bool = False) -> bool:
    """Filter this thread's calls and those of all it starts, for good; needs no_new_privs. False where impossible.

    Args:
        gpu: refuse what is known to be dangerous, rather than all that is not known to be needed.
    """
    machine = MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None or struct.calcsize("P") != 8:
        return False
    program = assemble(*machine, gpu=gpu)
    text = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(text))
    return ctypes.CDLL(None, use_errno=True).prctl(SET_SECCOMP, MODE_FILTER, described, 0, 0) == 0


def assemble(column: int, architecture: int, gpu: bool) -> bytes:
    """The filter's program: `if number == n: return verdict` for each call, then the verdict on all others."""

    def op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("HBBI", code, if_true, if_false, value)

    def every(calls: list[tuple], verdict: int) -> list[bytes]:
        numbers = [row[column] for row in calls if row[column] is not None]
        return [part for n in numbers for part in (op(EQUAL, n, 0, 1), op(RETURN, verdict))]

    def by_argument(call: tuple, argument: int, tests: list[bytes], verdict: int) -> list[bytes]:
        """Each test skips nothing where it holds and the return behind it where not; then the verdict."""
        if call[column] is None:
            return []
        at = ARGUMENTS + 8 * argument  # the low half of the argument, on a little-endian machine
        body = [op(LOAD, at), *tests, op(RETURN, verdict)]
        return [op(EQUAL, call[column], 0, len(body)), *body]

    def among(values: tuple, verdict: int) -> list[bytes]:
        return [part for value in values for part in (op(EQUAL, value, 0, 1), op(RETURN, verdict))]

    def with_bit(bits: int, verdict: int) -> list[bytes]:
        return [op(ANY_BIT, bits, 0, 1), op(RETURN, verdict)]

    program = [op(LOAD, ARCHITECTURE), op(EQUAL, architecture, 1, 0), op(RETURN, ERROR | EPERM), op(LOAD, NUMBER)]
    program += [op(AT_LEAST, 0x40000000, 0, 1), op(RETURN, ERROR | EPERM)]  # x86's other table of numbers, x32
    program += by_argument(CLONE, 0, with_bit(CLONE_THREAD, ALLOW), ERROR | EPERM)  # threads, but no processes
    program += every([CLONE3, OPENAT2], ERROR | ENOSYS)
    if gpu:
        program += every([*REFUSED.values()], ERROR | EPERM)
        program += by_argument(FCNTL, 1, among(OWNS, ERROR | EPERM), ALLOW)
        program += by_argument(PRLIMIT, 0, among((0,), ALLOW), ERROR | EPERM)
        return b"".join([*program, op(RETURN, ALLOW)])
    for call, argument in ((OPEN, 1), (OPENAT, 2)):
        program += by_argument(call, argument, with_bit(WRITES, ERROR | EROFS), ALLOW)
    program += every([*ALLOWED.values()], ALLOW)
    for call, argument, values in SOME.values():
        program += by_argument(call, argument, among(values, ALLOW), ERROR | EPERM)
    return b"".join([*program, op(RETURN, ERROR | ENOSYS)])
