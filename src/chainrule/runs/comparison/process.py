"""A contender's process, as whoever started it sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.core.errors import ChainruleError, ConfigError, DataError, DivergenceError, Problem
from chainrule.runs.comparison.messages import Message, read_message, write_message

if TYPE_CHECKING:
    from chainrule.runs.comparison.contender import Job

_PROGRAM = (
    "import sys; sys.path.append(sys.argv.pop()); "
    "from chainrule.runs.comparison.worker import main; main()"
)
"""What it runs; the package is found where this process found it."""

_THREADS = (
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NPROC",  # XLA's; its own flag for threads leaves the large products on all of them
)


def environment(threads: int) -> dict[str, str]:
    """This process's environment, with so many threads for all who read it there."""
    return {**os.environ, **dict.fromkeys(_THREADS, str(threads)), "JAX_PLATFORMS": "cpu"}


KINDS = {kind.__name__: kind for kind in (ConfigError, DataError, DivergenceError)}
"""What may go wrong in a process that a user may want to tell apart."""


class ContenderProcess:
    """A process that does one job.

    Args:
        job: what it is to do.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self._process = subprocess.Popen(
            # -P, so that a random.py in the working folder is not taken for Python's own.
            [sys.executable, "-P", "-c", _PROGRAM, str(Path(__file__).parents[3])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(job.threads),
            # A Ctrl-C is for the comparison, which ends its contenders itself.
            start_new_session=True,
        )
        self._send(asdict(job))

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):  # it has ended, which the next reading shows
            write_message(self._process.stdin, message)

    def receive(self) -> Message:
        """The next message.

        Raises:
            ChainruleError: the job came to grief; or the process ended without a word.
        """
        assert self._process.stdout is not None
        message = read_message(self._process.stdout)
        if message is None:
            status = self._process.wait()
            ending = f"was killed by signal {-status}" if status < 0 else "ended unexpectedly"
            raise ChainruleError(f"its process {ending}")
        if "failure" in message:
            kind = KINDS.get(message["kind"], ChainruleError)
            raise kind([Problem(*problem) for problem in message["failure"]])
        return message

    def turn(self, until: int) -> Iterator[Message]:
        """Let it train to the end of an epoch; what it tells of each.

        Raises:
            ChainruleError: as `receive`.
        """
        self._send({"until": until})
        while True:
            message = self.receive()
            yield message
            if message["epoch"] == until:
                return

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):  # what was left to write has no reader
                pipe.close()
