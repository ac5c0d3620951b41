"""The processes of a comparison: each trains the same network, and they take turns."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.errors import ChainruleError, ConfigError, DataError, DivergenceError, Problem
from chainrule.peers import PEERS
from chainrule.runs.comparison.result import OURS, TrainingResult
from chainrule.runs.comparison.worker import Job, Message, read_message, write_message

Report = Callable[[str], None]
Watch = Callable[[str, float], object]

_PROGRAM = (
    "import sys; sys.path.append(sys.argv.pop()); "
    "from chainrule.runs.comparison.worker import main; main()"
)
"""What a process runs; the package is found where this process found it."""

_THREADS = (
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NPROC",  # XLA's; its own flag for threads leaves the large products on all of them
)

KINDS = {kind.__name__: kind for kind in (ConfigError, DataError, DivergenceError)}
"""The classes of errors that a process reports and that are raised again here."""

ROUND_SECONDS = 0.1
"""Turns are of as many epochs as take the fastest about this long: long enough to be as fast as it
is alone, with its data in the caches again; short enough that all meet the same busy and quiet
moments of the machine."""


def environment(threads: int) -> dict[str, str]:
    """This process's environment, with that number of threads for libraries."""
    return {**os.environ, **dict.fromkeys(_THREADS, str(threads)), "JAX_PLATFORMS": "cpu"}


class TrainingProcess:
    """A process that does one job.

    Args:
        job: what it is to train.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self._process = subprocess.Popen(
            # -P, so that a random.py in the working folder is not taken for Python's own.
            [sys.executable, "-P", "-c", _PROGRAM, str(Path(__file__).parents[3])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(job.threads),
            # A Ctrl-C is for the comparison, which ends its processes itself.
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
            ChainruleError: the job failed; or the process ended without a message.
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
        """Let it train to the end of an epoch; what it reports of each.

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


@dataclass(eq=False)
class _Member:
    """A training that is ready, and what it has reported so far."""

    name: str
    process: TrainingProcess
    facts: Message
    seconds: list[float] = field(default_factory=list)
    losses: list[Any] = field(default_factory=list)
    end: Message = field(default_factory=dict)

    def train_until(self, epoch: int) -> None:
        """Let it train to the end of an epoch."""
        for message in self.process.turn(epoch):
            self.seconds.append(message["seconds"])
            self.losses.append(message["losses"])
        if epoch == self.facts["epochs"]:
            self.end = self.process.receive()

    def result(self) -> TrainingResult:
        """How it trained, after the last epoch."""
        facts = self.facts
        return TrainingResult(
            self.name,
            facts["version"],
            facts["start_seconds"],
            np.array(self.seconds),
            np.array(self.losses),
            facts["counts"],
            self.end["theta"],
            self.end["memory"],
            facts["memory_before"],
        )


class Pool:
    """Trainings in processes of their own; use it in a ``with``, which ends them.

    Args:
        report: called with a line for each training that is ready or left out.

    Attributes:
        left_out: why a peer is not there, by its name.
    """

    def __init__(self, report: Report) -> None:
        self.left_out: dict[str, str] = {}
        self._report = report
        self._processes: list[TrainingProcess] = []
        self._members: list[_Member] = []

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *error: object) -> None:
        for process in self._processes:
            process.end()

    def add(self, job: Job) -> None:
        """Start a training, which waits for its turn; a peer that cannot train is left out.

        Our own comes first: the others must start as it does.

        Raises:
            ChainruleError: it is our own that cannot.
        """
        name = job.peer or OURS
        if job.peer is not None and not PEERS.is_installed(job.peer):
            self._leave_out(name, _in_one_line(PEERS.missing(name)))
            return
        process = TrainingProcess(job)
        self._processes.append(process)
        try:
            facts = process.receive()
        except ChainruleError as error:
            if job.peer is None:
                raise
            facts = {"reason": _in_one_line(error)}
        if "reason" not in facts and self._members and facts["start"] != self.facts["start"]:
            facts = {"reason": "the configuration or its data have changed in the meantime"}
        if "reason" in facts:
            self._leave_out(name, facts["reason"])
            return
        self._members.append(_Member(name, process, facts))
        self._report(f"{name}: {facts['version']}")

    def _leave_out(self, name: str, why: str) -> None:
        self.left_out[name] = why
        self._report(f"{name} is left out: {why}")

    def _require_peer(self) -> None:
        """Refuse a comparison of our own training with no other."""
        if len(self._members) < 2:
            reasons = [Problem(f"{name}: {why}") for name, why in self.left_out.items()]
            raise ChainruleError([*reasons, Problem("there is no peer left to compare with")])

    @property
    def facts(self) -> Message:
        """What our own process reported when it was ready."""
        return self._members[0].facts

    def train(self, watch: Watch) -> list[TrainingResult]:
        """All trainings, ours first, in rounds of a turn each.

        After the first two epochs a round is as many as take the fastest `ROUND_SECONDS`.

        Args:
            watch: called after every turn, with a training's name and the share of the epochs
                that it has run.

        Raises:
            ChainruleError: every peer is left out, with the reasons; or ours failed.
        """
        self._require_peer()
        done, step, epochs = 0, 1, self.facts["epochs"]
        while done < epochs:
            done = min(done + step, epochs)
            for member in list(self._members):
                self._train_until(member, done)
                watch(member.name, done / epochs)
            fastest = min(member.seconds[-1] for member in self._members)
            step = 1 if done == 1 else max(1, round(ROUND_SECONDS / max(fastest, 1e-9)))
        return [member.result() for member in self._members]

    def _train_until(self, member: _Member, epoch: int) -> None:
        """One turn; a peer that fails is left out from then on."""
        try:
            member.train_until(epoch)
        except ChainruleError as error:
            if member.name == OURS:
                raise
            self._members.remove(member)
            self._leave_out(member.name, _in_one_line(error))
            self._require_peer()


def _in_one_line(error: ChainruleError) -> str:
    return "; ".join(str(problem) for problem in error.problems)
