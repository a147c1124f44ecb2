"""What the C library does with memory that is freed."""

from __future__ import annotations

import contextlib
import ctypes
from functools import cache

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # names of glibc's malloc.h
MOST_KEPT, LARGE = 16 << 20, 16 << 20  # bytes


@cache
def keep_freed() -> None:
    """Keep freed memory for the next use, instead of giving it back to the system, where the C library is glibc.

    A network's temporaries are of a megabyte each. To have each of them mapped afresh at every step took a third of
    the time of sampling.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):  # another library, another system
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(TRIM_THRESHOLD, MOST_KEPT)
        mallopt(MMAP_THRESHOLD, LARGE)


def give_back() -> None:
    """Give freed memory back to the system: what comes next is measured by what all processes have together."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
