"""The processes of a comparison; each trains the same network, and they take turns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from chainrule.core.errors import ChainruleError, ConfigError, DataError, DivergenceError, Problem
from chainrule.peers import PEERS
from chainrule.runs.comparison.result import OURS, TrainingResult
from chainrule.runs.comparison.worker import Job
from chainrule.runs.worker_process import THREADS, Message, WorkerProcess

Report = Callable[[str], None]
Watch = Callable[[str, float], object]

_THREADS = (
    *THREADS,
    "NUMBA_NUM_THREADS",
    "NPROC",  # for XLA, whose own flag for threads does not limit large products
)

KINDS = {kind.__name__: kind for kind in (ConfigError, DataError, DivergenceError)}
"""The classes of errors that a process can report, by name; they are raised again here."""

ROUND_SECONDS = 0.1
"""About how long a turn of the fastest training takes.

This is long enough that refilling the caches at the start of a turn costs little, and short enough
that other load on the machine affects all trainings alike.
"""


class TrainingProcess(WorkerProcess):
    """A training in its own process, and what it has reported so far.

    Args:
        job: what to train.

    Attributes:
        facts: the message that the process sent when it was ready.
    """

    def __init__(self, job: Job) -> None:
        threads = dict.fromkeys(_THREADS, str(job.threads))
        super().__init__("chainrule.runs.comparison.worker", {**threads, "JAX_PLATFORMS": "cpu"})
        self.job = job
        self.name = job.peer or OURS
        self.facts: Message = {}
        self.seconds: list[float] = []
        self.losses: list[Any] = []
        self._end: Message = {}
        self.send(asdict(job))

    def receive(self) -> Message:
        """The next message.

        Raises:
            ChainruleError: the training failed, or the process ended without a message.
        """
        message = super().receive()
        if message is None:
            status = self.wait()
            ending = f"was killed by signal {-status}" if status < 0 else "ended unexpectedly"
            raise ChainruleError(f"its process {ending}")
        if "failure" in message:
            kind = KINDS.get(message["kind"], ChainruleError)
            raise kind([Problem(*problem) for problem in message["failure"]])
        return message

    def train_until(self, epoch: int) -> None:
        """Train until the end of an epoch, and collect what the process reports.

        Raises:
            ChainruleError: as `receive`.
        """
        self.send({"until": epoch})
        while len(self.losses) < epoch:
            message = self.receive()
            self.seconds.append(message["seconds"])
            self.losses.append(message["losses"])
        if epoch == self.facts["epochs"]:
            self._end = self.receive()

    def result(self) -> TrainingResult:
        """The result, after the last epoch."""
        facts = self.facts
        return TrainingResult(
            self.name,
            facts["version"],
            facts["start_seconds"],
            np.array(self.seconds),
            np.array(self.losses),
            facts["counts"],
            self._end["theta"],
            self._end["memory"],
            facts["memory_before"],
        )


class Pool:
    """Trainings in their own processes; a context manager that ends the processes.

    Args:
        report: called with a line for each training that is ready or left out.

    Attributes:
        left_out: the reasons why peers are left out, by their names.
    """

    def __init__(self, report: Report) -> None:
        self.left_out: dict[str, str] = {}
        self._report = report
        self._started: list[TrainingProcess] = []
        self._members: list[TrainingProcess] = []

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *error: object) -> None:
        for process in self._started:
            process.kill()
            process.close()

    def add(self, job: Job) -> None:
        """Start a training, which then waits for its turn; a peer that cannot train is left out.

        Our own must be added first: the others are compared with its initial θ and data.

        Raises:
            ChainruleError: our own training cannot be started.
        """
        if job.peer is not None and not PEERS.is_installed(job.peer):
            self._leave_out(job.peer, _in_one_line(PEERS.missing(job.peer)))
            return
        process = TrainingProcess(job)
        self._started.append(process)
        try:
            facts = process.facts = process.receive()
        except ChainruleError as error:
            if job.peer is None:
                raise
            facts = {"reason": _in_one_line(error)}
        if "reason" not in facts and self._members and facts["start"] != self.facts["start"]:
            facts = {"reason": "the configuration or its data have changed in the meantime"}
        if "reason" in facts:
            self._leave_out(process.name, facts["reason"])
            return
        self._members.append(process)
        self._report(f"{process.name}: {facts['version']}")

    def _leave_out(self, name: str, why: str) -> None:
        self.left_out[name] = why
        self._report(f"{name} is left out: {why}")

    def _require_peer(self) -> None:
        """Raise an error if no peer is left."""
        if len(self._members) < 2:
            reasons = [Problem(f"{name}: {why}") for name, why in self.left_out.items()]
            raise ChainruleError([*reasons, Problem("there is no peer left to compare with")])

    @property
    def facts(self) -> Message:
        """What our own process reported when it was ready."""
        return self._members[0].facts

    def train(self, watch: Watch) -> list[TrainingResult]:
        """Train in rounds, in which every training has a turn; returns the results, ours first.

        The first two rounds have one epoch each. Later rounds have as many epochs as the fastest
        training runs in about `ROUND_SECONDS`.

        Args:
            watch: called after every turn with the training's name and the fraction of the epochs
                that it has run.

        Raises:
            ChainruleError: our own training failed, or all peers are left out; gives the reasons.
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

    def _train_until(self, member: TrainingProcess, epoch: int) -> None:
        """Run one turn of a training; a peer that fails is left out from then on."""
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
