"""The program of one training of a comparison: it receives a job, trains, and sends results.

Each training has its own process, so that its peak memory can be measured.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ChainruleError, ConfigError
from chainrule.data.dataset import Dataset
from chainrule.nn.network import Network
from chainrule.peers import PEERS, Peer
from chainrule.runs.worker_process import Message, Send, serve
from chainrule.training import Callback, Part, Row, Settings, Trainer
from chainrule.training.history import mean_over_cases
from chainrule.training.schedules import Epoch


def peak_memory() -> int | None:
    """The peak resident memory of this process, in bytes; None if it is unknown.

    On Linux ``VmHWM`` is used, because ``getrusage`` also counts the memory that the process had
    before it executed this program: that of the process that started it.
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
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@dataclass(frozen=True)
class Job:
    """What a process is to train.

    Attributes:
        config: a configuration's path, or its mapping.
        overrides: items such as ``"training.epochs=5"`` that replace settings of ``config``.
        peer: the library that trains; None for the engine that the configuration names.
        threads: the number of threads.
        data: those that were passed in Python, as `chainrule.runs.passed.packed` makes them.
    """

    config: str | Mapping[str, Any]
    overrides: list[str]
    peer: str | None
    threads: int
    data: Array | None = None


_MONITOR = "schedule.monitor"
_ONLY_LOSS = (
    "trainings are compared without validation and accuracy, so that this schedule can monitor "
    "train_loss alone; add --set training.schedule.monitor=train_loss"
)


class Training(Callback):
    """Trains a configuration's network and sends the results; our trainer calls it as a callback.

    It sends a message ``ready``, a message ``epoch`` for each epoch, and ``end``. If the library
    cannot train the network, it sends only a message ``reason``.

    Args:
        job: what to train.
        send: sends a message.
        wait: waits for the next turn of this training; returns the number of its last epoch.
    """

    def __init__(self, job: Job, send: Send, wait: Callable[[], int]) -> None:
        self.job = job
        self._send = send
        self._wait = wait
        self._epoch = 0
        self._until = 0

    def run(self) -> None:
        """Train until the last epoch.

        Raises:
            ChainruleError: the configuration cannot be run, or training fails.
        """
        from chainrule.config.load import load_config
        from chainrule.runs.passed import unpacked
        from chainrule.runs.resolve import resolve

        config = load_config(self.job.config, self.job.overrides)
        resolved = resolve(config, given=unpacked(self.job.data))
        network, train, settings = resolved.network, resolved.training_set(), resolved.settings
        self._start = _digest(network, train)
        if self.job.peer is None:
            with resolved.placed():
                self._run_ours(network, train, settings)
        else:
            self._run_peer(self.job.peer, network, train, settings)

    def _run_ours(self, network: Network, train: Dataset, settings: Settings) -> None:
        """Train by our engine: the usual loop, without validation and with only this callback."""
        before, began = peak_memory(), perf_counter()
        trainer = _trainer(network, train, settings)
        self._ready(
            trainer,
            before,
            version=f"engine {trainer.engine.name}",
            start_seconds=perf_counter() - began,
            parameters=len(network.theta),
            cases=len(trainer.train),
        )
        trainer.callbacks.append(self)
        trainer.run()
        self._end(network.theta)

    def on_epoch(self, trainer: Trainer, row: Row) -> None:
        """Report an epoch of our own training."""
        losses = trainer.history.minibatch_losses[-trainer.engine.minibatches :]
        self._report(trainer, float(row["seconds"] or 0), losses)

    def _run_peer(self, name: str, network: Network, train: Dataset, settings: Settings) -> None:
        """Train by another library: the same epochs, with the same orders of the cases."""
        trainer = _trainer(network, train, replace(settings, engine="numpy"))
        before, began = peak_memory(), perf_counter()
        try:
            peer = _peer(name, trainer, self.job.threads)
        except ChainruleError as error:
            self._send({"reason": "; ".join(str(problem) for problem in error.problems)})
            return
        seconds = perf_counter() - began
        self._ready(trainer, before, version=PEERS.version(name), start_seconds=seconds)
        for epoch in range(1, settings.epochs + 1):
            trainer.epoch = epoch
            trainer.set_scale()
            order, scales = trainer.order(epoch), trainer.scales(0, trainer.engine.minibatches)
            began = perf_counter()
            losses = peer.run(order, scales)
            self._report(trainer, perf_counter() - began, losses)
            loss = float(mean_over_cases(losses, trainer.engine.counts))
            trainer.history.append({"epoch": epoch, "train_loss": loss})  # for the schedule
        self._end(peer.theta())

    def _ready(self, trainer: Trainer, before: int | None, **facts: Any) -> None:
        epochs = trainer.settings.epochs
        common = {"start": self._start, "epochs": epochs, "memory_before": before}
        self._send({"ready": True, "counts": trainer.engine.counts, **common, **facts})
        self._until = self._wait()

    def _report(self, trainer: Trainer, seconds: float, losses: Array) -> None:
        """Report an epoch; after the last epoch of a turn, wait for the next turn."""
        self._epoch += 1
        self._send({"epoch": self._epoch, "seconds": seconds, "losses": losses})
        if self._epoch == self._until and self._epoch < trainer.settings.epochs:
            self._until = self._wait()

    def _end(self, theta: Array) -> None:
        self._send({"end": True, "theta": theta, "memory": peak_memory()})


def _trainer(network: Network, train: Dataset, settings: Settings) -> Trainer:
    """A trainer without validation, callbacks, metrics or health, since no peer has them.

    The weights of classes are in those of the cases already.

    Raises:
        ConfigError: the schedule looks at something else than the training loss, among others.
    """
    none = Part(train.x[:0], train.t[:0])
    off: dict[str, Any] = {"callbacks": None, "class_weights": None, "metrics": None}
    bare = replace(settings, evaluate="running", health=False, **off)
    try:
        return Trainer(network, train, none, bare, classes=False)
    except ConfigError as error:
        raise ConfigError(
            [
                replace(problem, message=_ONLY_LOSS) if problem.key == _MONITOR else problem
                for problem in error.problems
            ]
        ) from None


def _peer(name: str, trainer: Trainer, threads: int) -> Peer:
    """The peer, with the same θ and data; a ChainruleError if it cannot train the network."""
    kind = PEERS[name]
    reason = kind.reason_against(trainer.network, trainer.optimizer)
    if reason is None and not kind.rates_of_minibatches:
        first = Epoch(1, trainer.settings.epochs, trainer.engine.minibatches)
        if np.ndim(trainer.schedule.factors(first)):
            reason = "its learning rate changes between epochs only"
    if reason is not None:
        raise ChainruleError(reason)
    return kind(
        trainer.network,
        trainer.optimizer,
        trainer.train.x,
        trainer.train.t,
        batch_size=trainer.engine.batch_size,
        threads=threads,
        seed=trainer.engine.seed,
        clip_gradient_norm=trainer.settings.clip_gradient_norm,
        weights=trainer.train.weights,
    )


def _digest(network: Network, train: Dataset) -> str:
    """A hash of θ and the training data, which must be the same for all trainings."""
    found = blake2b(digest_size=16)
    for array in (network.theta, *train.arrays):
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def main() -> None:
    """The program of a worker, which does one job."""
    warnings.simplefilter("ignore")
    serve(_do_job)


def _do_job(receive: Callable[[], Message], send: Send) -> None:
    """Train; errors that have a message for the user are reported."""
    try:
        Training(Job(**receive()), send, lambda: int(receive()["until"])).run()
    except ChainruleError as error:
        problems = [[p.message, p.path and str(p.path), p.line, p.column] for p in error.problems]
        send({"failure": problems, "kind": type(error).__name__})
    except MemoryError:
        send({"failure": [["there was not enough memory"]], "kind": ""})


if __name__ == "__main__":
    main()
