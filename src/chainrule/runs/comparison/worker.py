"""The program of one training: it reads what to do, trains, and reports how it goes.

A training by our engine or by another library is a process of its own, so that its memory is its
own.
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
from chainrule.core.errors import ChainruleError
from chainrule.data.dataset import Dataset
from chainrule.nn.network import Network
from chainrule.peers import PEERS, Peer
from chainrule.runs.worker_process import Message, Send, serve
from chainrule.training import Callback, Part, Row, Settings, Trainer


def peak_memory() -> int | None:
    """The most memory that this process has used at any time, in bytes; None if it is unknown.

    Linux's ``getrusage`` also counts what the process had before it began its program: the memory
    of the process that started it. Its ``VmHWM`` is this program's alone.
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
        overrides: that win over it.
        peer: the library that trains; None for the engine that the configuration names.
        threads: how many it may use.
    """

    config: str | Mapping[str, Any]
    overrides: list[str]
    peer: str | None
    threads: int


class Training(Callback):
    """Trains a configuration's network, and reports how it goes; a callback of our own trainer.

    It sends a message ``ready``, one ``epoch`` for each epoch, and ``end``. A peer that cannot
    train the network sends the ``reason`` alone.

    Args:
        job: what to do.
        send: sends a message.
        wait: returns when it is this training's turn, with the number of the turn's last epoch.
    """

    def __init__(self, job: Job, send: Send, wait: Callable[[], int]) -> None:
        self.job = job
        self._send = send
        self._wait = wait
        self._epoch = 0
        self._until = 0

    def run(self) -> None:
        """Train to the last epoch.

        Raises:
            ChainruleError: the configuration cannot be run, or training fails.
        """
        from chainrule.config.load import load_config
        from chainrule.runs.resolve import resolve

        resolved = resolve(load_config(self.job.config, self.job.overrides))
        network, train, settings = resolved.network, resolved.data.train, resolved.settings
        self._start = _digest(network, train)
        if self.job.peer is None:
            with resolved.placed():
                self._run_ours(network, train, settings)
        else:
            self._run_peer(self.job.peer, network, train, settings)

    def _run_ours(self, network: Network, train: Dataset, settings: Settings) -> None:
        """By our engine: the usual loop, without validation and with this callback alone."""
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
        trainer.callbacks.append(self)
        trainer.run()
        self._end(network.theta)

    def on_epoch(self, trainer: Trainer, row: Row) -> None:
        """Report an epoch of our own training."""
        losses = trainer.history.minibatch_losses[-trainer.engine.minibatches :]
        self._report(trainer, float(row["seconds"] or 0), losses)

    def _run_peer(self, name: str, network: Network, train: Dataset, settings: Settings) -> None:
        """By another library: the same epochs with the cases in the same orders."""
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
            trainer.optimizer.scale = trainer.schedule.factor(epoch, settings.epochs)
            order = trainer.order(epoch)
            began = perf_counter()
            losses = peer.run(order)
            self._report(trainer, perf_counter() - began, losses)
        self._end(peer.theta())

    def _ready(self, trainer: Trainer, before: int | None, **facts: Any) -> None:
        epochs = trainer.settings.epochs
        common = {"start": self._start, "epochs": epochs, "memory_before": before}
        self._send({"ready": True, "counts": trainer.engine.counts, **common, **facts})
        self._until = self._wait()

    def _report(self, trainer: Trainer, seconds: float, losses: Array) -> None:
        """Report an epoch; if it was the last of the turn, wait for the next turn."""
        self._epoch += 1
        self._send({"epoch": self._epoch, "seconds": seconds, "losses": losses})
        if self._epoch == self._until and self._epoch < trainer.settings.epochs:
            self._until = self._wait()

    def _end(self, theta: Array) -> None:
        self._send({"end": True, "theta": theta, "memory": peak_memory()})


def _trainer(network: Network, train: Dataset, settings: Settings) -> Trainer:
    """A trainer without validation, callbacks and accuracy, since the peers have none of them."""
    none = Part(train.x[:0], train.t[:0])
    bare = replace(settings, evaluate="running", callbacks=None)
    return Trainer(network, train, none, bare, classes=False)


def _peer(name: str, trainer: Trainer, threads: int) -> Peer:
    """The peer, with the same θ and data; a ChainruleError if it cannot train the network."""
    kind = PEERS[name]
    reason = kind.reason_against(trainer.network, trainer.optimizer)
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
    )


def _digest(network: Network, train: Dataset) -> str:
    """The same for two trainings if and only if they start from the same θ and the same data."""
    found = blake2b(digest_size=16)
    for array in (network.theta, train.x, train.t):
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def main() -> None:
    """The program of a worker: one job."""
    warnings.simplefilter("ignore")
    serve(_do_job)


def _do_job(receive: Callable[[], Message], send: Send) -> None:
    """Train, and report a failure that is no mistake of the program."""
    try:
        Training(Job(**receive()), send, lambda: int(receive()["until"])).run()
    except ChainruleError as error:
        problems = [[p.message, p.path and str(p.path), p.line, p.column] for p in error.problems]
        send({"failure": problems, "kind": type(error).__name__})
    except MemoryError:
        send({"failure": [["there was not enough memory"]], "kind": ""})


if __name__ == "__main__":
    main()
