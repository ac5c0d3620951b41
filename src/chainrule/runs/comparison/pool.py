"""The processes of a comparison: each trains the same network, and they take turns."""

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
    "NPROC",  # XLA's; its own flag for threads leaves the large products on all of them
)

KINDS = {kind.__name__: kind for kind in (ConfigError, DataError, DivergenceError)}
"""The classes of errors that a process may report, which are raised again here."""

ROUND_SECONDS = 0.1
"""The fastest training takes about so long for a turn.

That is long enough to run as fast as alone, once its data are in the caches again, and short
enough that all trainings meet the same busy and quiet moments of the machine.
"""


class TrainingProcess(WorkerProcess):
    """A training in a process of its own, and what it has reported so far.

    Args:
        job: what it is to train.

    Attributes:
        facts: the message of a training that is ready.
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
            ChainruleError: the job failed; or the process ended without a message.
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
        """Let it train to the end of an epoch.

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
        """How it trained, after the last epoch."""
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
    """Trainings in processes of their own; use it in a ``with``, which ends them.

    Args:
        report: called with a line for each training that is ready or left out.

    Attributes:
        left_out: why a peer is not there, by its name.
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
        """Start a training, which waits for its turn; a peer that cannot train is left out.

        Our own comes first: the others must start as it does.

        Raises:
            ChainruleError: it is our own that cannot.
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
        """Refuse a comparison of our own training with no other."""
        if len(self._members) < 2:
            reasons = [Problem(f"{name}: {why}") for name, why in self.left_out.items()]
            raise ChainruleError([*reasons, Problem("there is no peer left to compare with")])

    @property
    def facts(self) -> Message:
        """What our own process reported when it was ready."""
        return self._members[0].facts

    def train(self, watch: Watch) -> list[TrainingResult]:
        """Train in rounds, in which every training has a turn; the results, ours first.

        After the first two epochs a turn has as many epochs as take the fastest `ROUND_SECONDS`.

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

    def _train_until(self, member: TrainingProcess, epoch: int) -> None:
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
