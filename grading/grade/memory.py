"""A last line of defence: the grader itself may use so much memory and no more while it grades untrusted code.

What a submission can make the grader hold is bounded call by call (isolation/budget.py). Should a way round that be
found, it costs the one grade, with a sentence, and not the machine.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator

MOST = 2 << 30  # bytes, on top of what is in use when a grade begins; an honest one takes half a gigabyte


@contextlib.contextmanager
def bounded(wanted: bool = True, most: int = MOST) -> Iterator[None]:
    """For the length of the block, memory beyond so many bytes is refused: MemoryError, or torch's RuntimeError.

    Linux alone counts what a process has (RLIMIT_DATA); elsewhere, and where not wanted, nothing is changed.
    """
    if not wanted or sys.platform != "linux":
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    limit = _in_use() + most
    if before[0] != resource.RLIM_INFINITY:
        limit = min(limit, before[0])
    resource.setrlimit(resource.RLIMIT_DATA, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _in_use() -> int:
    """Bytes of this process's own writable memory."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        found = re.search(r"VmData:\s+(\d+) kB", status.read())
    return int(found[1]) * 1024 if found else 0
