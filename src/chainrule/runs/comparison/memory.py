"""How much memory this process has needed at most."""

from __future__ import annotations

import sys
from pathlib import Path


def peak_memory() -> int | None:
    """The most memory that was this process's at any time, in bytes; None where nobody knows.

    Linux counts what a process had before it began its program, in ``getrusage``: the memory of
    whoever started it. Its ``VmHWM`` is this program's alone.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) * 1024
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )
