"""One contender's training, in a process that runs nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from time import perf_counter
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ChainruleError
from chainrule.nn.network import Network
from chainrule.peers import PEERS, Peer
from chainrule.runs.comparison.memory import peak_memory
from chainrule.training import Callback, Part, Row, Settings, Trainer


@dataclass(frozen=True)
class Job:
    """What a contender is to do.

    Attributes:
        config: a configuration's path, or its mapping.
        overrides: that win over it.
        peer: the library that trains; None for the engine that the configuration names.
        threads: how many it may use.
    """

    config: str | Mapping[str, Any]
    overrides: list[str]
    peer: str | None
    threads: int


class Contender:
    """Trains a configuration's network, and tells how it goes.

    Told are one message ``ready``, one ``epoch`` for each epoch, and ``end``. A peer that cannot
    train the network tells ``obstacle`` alone.

    Args:
        job: what to do.
        tell: sends a message.
        wait: returns when it is this contender's turn, with the epoch at whose end it is
            another's.
    """

    def __init__(
        self, job: Job, tell: Callable[[Mapping[str, Any]], None], wait: Callable[[], int]
    ) -> None:
        self.job = job
        self._tell = tell
        self._wait = wait
        self._epoch = 0
        self._until = 0

    def run(self) -> None:
        """Train to the last epoch.

        Raises:
            ChainruleError: the configuration cannot be run, or training comes to grief.
        """
        network, train, settings = _assembled(self.job)
        self._start = _digest(network, train)
        if self.job.peer is None:
            self._run_ours(network, train, settings)
        else:
            self._run_peer(self.job.peer, network, train, settings)

    def _run_ours(self, network: Network, train: Part, settings: Settings) -> None:
        """By our engine: the loop of every training, without anything but the training."""
        before, began = peak_memory(), perf_counter()
        trainer = _trainer(network, train, settings)
        self._ready(
            trainer,
            before,
            version=f"engine {trainer.engine.name}",
            start_seconds=perf_counter() - began,
            parameters=len(network.theta),
            cases=len(train),
        )
        trainer.callbacks.append(_Watch(self))
        trainer.run()
        self._end(network.theta)

    def _run_peer(self, name: str, network: Network, train: Part, settings: Settings) -> None:
        """By another library: the same epochs in the same orders."""
        trainer = _trainer(network, train, replace(settings, engine="numpy"))
        before, began = peak_memory(), perf_counter()
        try:
            peer = _peer(name, trainer, self.job.threads)
        except ChainruleError as error:
            self._tell({"obstacle": "; ".join(str(problem) for problem in error.problems)})
            return
        seconds = perf_counter() - began
        self._ready(trainer, before, version=PEERS.version(name), start_seconds=seconds)
        for epoch in range(1, settings.epochs + 1):
            trainer.optimizer.scale = trainer.schedule.factor(epoch, settings.epochs)
            order = trainer.order(epoch)
            began = perf_counter()
            losses = peer.run(order)
            self.epoch(perf_counter() - began, losses, last=epoch == settings.epochs)
        self._end(peer.theta())

    def _ready(self, trainer: Trainer, before: int | None, **facts: Any) -> None:
        epochs = trainer.settings.epochs
        common = {"start": self._start, "epochs": epochs, "memory_before": before}
        self._tell({"ready": True, "counts": trainer.engine.counts, **common, **facts})
        self._until = self._wait()

    def epoch(self, seconds: float, losses: Array, *, last: bool) -> None:
        """Tell of an epoch; then it may be another's turn."""
        self._epoch += 1
        self._tell({"epoch": self._epoch, "seconds": seconds, "losses": losses})
        if self._epoch == self._until and not last:
            self._until = self._wait()

    def _end(self, theta: Array) -> None:
        self._tell({"end": True, "theta": theta, "memory": peak_memory()})


class _Watch(Callback):
    """Tells of the epochs of our own training."""

    def __init__(self, contender: Contender) -> None:
        self.contender = contender

    def on_epoch(self, trainer: Trainer, row: Row) -> None:
        """Tell of the epoch: its seconds, and the loss of each of its minibatches."""
        losses = trainer.history.minibatch_losses[-trainer.engine.minibatches :]
        last = trainer.epoch == trainer.settings.epochs
        self.contender.epoch(float(row["seconds"] or 0), losses, last=last)


def _assembled(job: Job) -> tuple[Network, Part, Settings]:
    """The network, its training cases and the settings of a configuration, as `train` has them."""
    from chainrule.config.load import load_config
    from chainrule.runs.resolve import resolve

    resolved = resolve(load_config(job.config, job.overrides))
    return resolved.network, resolved.train, resolved.settings


def _trainer(network: Network, train: Part, settings: Settings) -> Trainer:
    """Without validation, callbacks and counting who was right: peers have none of them."""
    none = Part(train.x[:0], train.t[:0])
    bare = replace(settings, evaluate="running", callbacks=None)
    return Trainer(network, train, none, bare, classes=False)


def _peer(name: str, trainer: Trainer, threads: int) -> Peer:
    """The peer, from the same start.

    Raises:
        ChainruleError: it is not installed, or cannot train the network.
    """
    kind = PEERS[name]
    if trainer.settings.clip_gradient_norm is not None:
        raise ChainruleError("it does not clip the norm of the gradient here")
    obstacle = kind.reason_against(trainer.network, trainer.optimizer)
    if obstacle is not None:
        raise ChainruleError(obstacle)
    cases, batch_size = trainer.train, trainer.engine.batch_size
    return kind(
        trainer.network,
        trainer.optimizer,
        cases.x,
        cases.t,
        batch_size=batch_size,
        threads=threads,
        seed=trainer.engine.seed,
    )


def _digest(network: Network, train: Part) -> str:
    """The same for two contenders if and only if they start from the same θ and the same data."""
    told = blake2b(digest_size=16)
    for array in (network.theta, train.x, train.t):
        told.update(np.ascontiguousarray(array).data)
    return told.hexdigest()
