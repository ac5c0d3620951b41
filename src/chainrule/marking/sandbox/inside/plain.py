"""One job in a process of its own, where there is no sandbox: for code that is trusted."""

from __future__ import annotations

import contextlib
import os
import sys

from . import calling


def main() -> None:
    """Read a job from the standard input, answer on the standard output, write into a folder.

    The folder is the first argument, the seconds of processor time are the second.
    """
    folder, seconds = os.path.realpath(sys.argv[1]), float(sys.argv[2])
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    with contextlib.suppress(ImportError, OSError, ValueError):
        _limit(int(seconds) + 2)
    with source, sink:
        calling.main(source, sink, folder)
        sink.flush()
        os._exit(0)  # neither threads nor what was left for the end go on


def _limit(seconds: int) -> None:
    """Limit processor time and dump no core, on systems that have such limits."""
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
