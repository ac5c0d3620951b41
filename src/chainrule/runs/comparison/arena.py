"""The contenders' processes, and their turns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.core.errors import ChainruleError, Problem
from chainrule.peers import PEERS
from chainrule.runs.comparison.contender import Job
from chainrule.runs.comparison.messages import Message
from chainrule.runs.comparison.process import ContenderProcess
from chainrule.runs.comparison.result import OURS, Contestant

Told = Callable[[str], None]
Watch = Callable[[str, float], object]


ROUND_SECONDS = 0.1
"""The contenders take turns of as many epochs as take the fastest about this long: long enough
to be as fast as it is alone, with its data in the caches again; short enough that all meet the
same busy and quiet moments of the machine."""


@dataclass(eq=False)
class _Entrant:
    """A contender that is ready, and what it has told so far."""

    name: str
    process: ContenderProcess
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

    def contestant(self) -> Contestant:
        """How it trained, after the last epoch."""
        facts = self.facts
        return Contestant(
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


class Arena:
    """Runs contenders in processes of their own; use it in a ``with``, which ends them.

    Args:
        told: called with a line for each contender that is ready or left out.

    Attributes:
        left_out: why a peer is not there, by its name.
    """

    def __init__(self, told: Told) -> None:
        self.left_out: dict[str, str] = {}
        self._told = told
        self._processes: list[ContenderProcess] = []
        self._entrants: list[_Entrant] = []

    def __enter__(self) -> Arena:
        return self

    def __exit__(self, *error: object) -> None:
        for process in self._processes:
            process.end()

    def enter(self, job: Job) -> None:
        """Start a contender, which waits for its turn; a peer that cannot train is left out.

        Raises:
            ChainruleError: it is our own that cannot.
        """
        name = job.peer or OURS
        if job.peer is not None and not PEERS.is_installed(job.peer):
            self._leave_out(name, _in_one_line(PEERS.missing(name)))
            return
        process = ContenderProcess(job)
        self._processes.append(process)
        try:
            facts = process.receive()
        except ChainruleError as error:
            if job.peer is None:
                raise
            facts = {"obstacle": _in_one_line(error)}
        if "obstacle" not in facts and facts["start"] != self._start_of_ours(facts):
            facts = {"obstacle": "the configuration or its data have changed in the meantime"}
        if "obstacle" in facts:
            self._leave_out(name, facts["obstacle"])
            return
        self._entrants.append(_Entrant(name, process, facts))
        self._told(f"{name}: {facts['version']}")

    def _start_of_ours(self, facts: Message) -> Any:
        return self._entrants[0].facts["start"] if self._entrants else facts["start"]

    def _leave_out(self, name: str, why: str) -> None:
        self.left_out[name] = why
        self._told(f"{name} is left out: {why}")

    def _check(self) -> None:
        """Refuse a comparison of our own contender with nobody."""
        if len(self._entrants) < 2:
            reasons = [Problem(f"{name}: {why}") for name, why in self.left_out.items()]
            raise ChainruleError([*reasons, Problem("there is no peer left to compare with")])

    @property
    def facts(self) -> Message:
        """What our own contender told of the training."""
        return self._entrants[0].facts

    def train(self, watch: Watch) -> list[Contestant]:
        """Everybody's training, ours first.

        Args:
            watch: called after every turn, with a contender and the share of the epochs that
                it has run.

        After the first two epochs a round is as many as take the fastest `ROUND_SECONDS`.

        Raises:
            ChainruleError: every peer is left out, with the reasons; or ours came to grief.
        """
        self._check()
        done, step, epochs = 0, 1, self.facts["epochs"]
        while done < epochs:
            done = min(done + step, epochs)
            for entrant in list(self._entrants):
                self._train_until(entrant, done)
                watch(entrant.name, done / epochs)
            fastest = min(entrant.seconds[-1] for entrant in self._entrants)
            step = 1 if done == 1 else max(1, round(ROUND_SECONDS / max(fastest, 1e-9)))
        return [entrant.contestant() for entrant in self._entrants]

    def _train_until(self, entrant: _Entrant, epoch: int) -> None:
        """Somebody's turn; a peer that comes to grief is left out from then on."""
        try:
            entrant.train_until(epoch)
        except ChainruleError as error:
            if entrant.name == OURS:
                raise
            self._entrants.remove(entrant)
            self._leave_out(entrant.name, _in_one_line(error))
            self._check()


def _in_one_line(error: ChainruleError) -> str:
    return "; ".join(str(problem) for problem in error.problems)
