"""One program from its imports to the end of its first epoch, in a process of its own.

`benchmarks.starting` runs it: python -m benchmarks.first_epoch PROGRAM FILE. The file is a pickled
`Problem`, so that generating the data does not count. It prints the last loss and the peak memory.
"""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path

from benchmarks.programs import make


def peak_memory() -> int:
    """The most memory that was this process's, in bytes.

    Linux's ``getrusage`` also counts what whoever started it had; its ``VmHWM`` does not.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) * 1024
    except (OSError, StopIteration):
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> None:
    """Import, build, run an epoch."""
    name, file = sys.argv[1:]
    problem = pickle.loads(Path(file).read_bytes())
    losses = make(name, problem)(0, problem.workload.steps)
    print(json.dumps({"loss": float(losses[-1]), "memory": peak_memory()}))


if __name__ == "__main__":
    main()
