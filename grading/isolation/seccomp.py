"""A filter of system calls, in the kernel's own tiny language: no processes, no network, no writing, no signals.

Modules of pure torch need none of these. Linux on x86-64 and arm64; elsewhere the other locks must do.
"""

from __future__ import annotations

import ctypes
import platform
import struct
import sys

LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, ERROR = 0x7FFF0000, 0x00050000
EPERM, ENOSYS, EROFS = 1, 38, 30
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
SET_SECCOMP, MODE_FILTER = 22, 2
CLONE_THREAD = 0x10000
WRITES = 0x3 | 0x40 | 0x200 | 0x400 | 0x400000  # O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND, O_TMPFILE

# name: (x86-64, arm64); None where an architecture has no such call
PROCESSES = {
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281),
    "setsid": (112, 157), "setpgid": (109, 154), "unshare": (272, 97), "setns": (308, 268),
}  # fmt: skip
SIGNALS = {
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "pidfd_send_signal": (424, 424), "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438), "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "kcmp": (312, 272),
}  # fmt: skip
NETWORK = {
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201), "accept": (43, 202),
    "accept4": (288, 242),
}  # fmt: skip
KERNEL = {
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "add_key": (248, 217), "request_key": (249, 218),
    "keyctl": (250, 219), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264), "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190),
    "mq_open": (240, 180),
}  # fmt: skip
FILES = {
    "creat": (85, None), "truncate": (76, 45), "mkdir": (83, None), "mkdirat": (258, 34), "rmdir": (84, None),
    "mknod": (133, None), "mknodat": (259, 33), "unlink": (87, None), "unlinkat": (263, 35), "rename": (82, None),
    "renameat": (264, 38), "renameat2": (316, 276), "link": (86, None), "linkat": (265, 37), "symlink": (88, None),
    "symlinkat": (266, 36), "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "chown": (92, None),
    "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "utimensat": (280, 88), "utime": (132, None),
    "utimes": (235, None), "futimesat": (261, None), "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7),
    "memfd_create": (319, 279), "fallocate": (285, 47), "fchmodat2": (452, 452), "setxattrat": (463, 463),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16), "file_setattr": (469, 469),
    "memfd_secret": (447, 447),
}  # fmt: skip
SPECIAL = {"clone": (56, 220), "clone3": (435, 435), "open": (2, None), "openat": (257, 56), "openat2": (437, 437)}
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


def install_filter(writes: bool = False) -> bool:
    """Filter this thread's calls and those of all it starts, for good; needs no_new_privs. False where impossible.

    Args:
        writes: leave the calls that write to files alone (device files must be opened for writing).
    """
    machine = MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None or struct.calcsize("P") != 8:
        return False
    program = assemble(*machine, writes=writes)
    text = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(text))
    return ctypes.CDLL(None, use_errno=True).prctl(SET_SECCOMP, MODE_FILTER, described, 0, 0) == 0


def assemble(column: int, architecture: int, writes: bool) -> bytes:
    """The filter's program: for each forbidden call `if number == n: return error`, then `return allow`."""

    def op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("HBBI", code, if_true, if_false, value)

    def refuse(calls: dict, error: int) -> list[bytes]:
        numbers = [row[column] for row in calls.values() if row[column] is not None]
        return [part for n in numbers for part in (op(EQUAL, n, 0, 1), op(RETURN, ERROR | error))]

    def unless(call: str, argument: int, bits: int, refused_if_set: bool, error: int) -> list[bytes]:
        number = SPECIAL[call][column]
        if number is None:
            return []
        test = op(ANY_BIT, bits, *((0, 1) if refused_if_set else (1, 0)))
        at = ARGUMENTS + 8 * argument  # the low half of the argument, on a little-endian machine
        return [op(EQUAL, number, 0, 4), op(LOAD, at), test, op(RETURN, ERROR | error), op(RETURN, ALLOW)]

    program = [op(LOAD, ARCHITECTURE), op(EQUAL, architecture, 1, 0), op(RETURN, ERROR | EPERM), op(LOAD, NUMBER)]
    program += [op(0x35, 0x40000000, 0, 1), op(RETURN, ERROR | EPERM)]  # x86's other table of numbers, x32
    program += refuse({**PROCESSES, **SIGNALS, **NETWORK, **KERNEL}, EPERM)
    program += refuse({"clone3": SPECIAL["clone3"], "openat2": SPECIAL["openat2"]}, ENOSYS)
    program += unless("clone", 0, CLONE_THREAD, False, EPERM)
    if not writes:
        program += refuse(FILES, EROFS)
        program += unless("open", 1, WRITES, True, EROFS) + unless("openat", 2, WRITES, True, EROFS)
    return b"".join([*program, op(RETURN, ALLOW)])
