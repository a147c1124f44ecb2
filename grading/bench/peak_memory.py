"""Measure a command's peak memory: `python -m grading.bench.peak_memory COMMAND...`

The sum of PSS (each page's share among the processes that map it) over the command and all that it started, sampled
every 50 ms from /proc/<pid>/smaps_rollup. That is what a container of theirs would be charged, but for the page cache.
Run as root, or processes of another user, and the sandboxed ones, cannot be seen. Linux only.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

EVERY = 0.05  # seconds


def tree(root: int) -> list[int]:
    """A process and all below it, among those alive now."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text(errors="replace")
            except OSError:
                continue
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def proportional(pid: int) -> int:
    """PSS of a process in bytes; 0 where it has gone, or may not be seen."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:")), 0)


def peak(command: list[str]) -> tuple[int, dict[int, int], int]:
    """Run a command: the peak of its PSS sum in bytes, the share of each process at that moment, its exit code."""
    process = subprocess.Popen(command)
    most, shares = 0, {}
    while process.poll() is None:
        now = {pid: proportional(pid) for pid in tree(process.pid)}
        if sum(now.values()) > most:
            most, shares = sum(now.values()), now
        time.sleep(EVERY)
    return most, shares, process.returncode


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit("usage: python -m grading.bench.peak_memory COMMAND...")
    most, shares, code = peak(sys.argv[1:])
    each = " + ".join(f"{share / 2**20:.0f}" for share in shares.values() if share)
    print(f"peak memory of all processes together: {most / 2**20:.0f} MiB (PSS; {each})", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
