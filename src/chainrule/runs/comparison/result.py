"""What came of a comparison: each contender's figures, and how they differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.training.history import mean_over_cases

OURS = "chainrule"
"""The name of our own contestant."""


@dataclass(frozen=True)
class Contestant:
    """How one contender trained.

    Attributes:
        name: of the peer; ``chainrule`` for ours.
        version: of the library, or the engine that ran it.
        start_seconds: to import the library and to build the network in it.
        seconds: of each epoch, (epochs,). The first includes what is compiled in it.
        losses: of each minibatch as it ran, penalty included, (epochs, minibatches).
        counts: the cases of each minibatch, (minibatches,).
        theta: the parameters at the end, (parameters,).
        memory: the most its process needed, in bytes; None where nobody knows.
        memory_before: the same before the library was imported and the training made: Python,
            NumPy, the data and the network.
    """

    name: str
    version: str
    start_seconds: float
    seconds: Array
    losses: Array
    counts: Array
    theta: Array
    memory: int | None
    memory_before: int | None

    @property
    def step_seconds(self) -> float:
        """Seconds of a minibatch: the median of all epochs but the first; NaN for one epoch."""
        later = self.seconds[1:]
        return float(np.median(later)) / self.losses.shape[1] if len(later) else nan

    @property
    def epoch_losses(self) -> Array:
        """The mean over the cases of each epoch as they ran, (epochs,)."""
        return mean_over_cases(self.losses, self.counts)

    @property
    def final_loss(self) -> float:
        """The training loss of the last epoch."""
        return float(self.epoch_losses[-1])


@dataclass(frozen=True)
class Comparison:
    """One training by several contenders.

    Attributes:
        name: of the configuration.
        ours: by our engine.
        peers: by other libraries, in the order in which they were asked for.
        left_out: why a peer that was asked for is not there, by its name.
        cases: of the training set.
        parameters: of the network.
        threads: of every contender.
        config: the configuration as run.
        folder: where the files lie; None where none were written.
    """

    name: str
    ours: Contestant
    peers: tuple[Contestant, ...]
    left_out: dict[str, str]
    cases: int
    parameters: int
    threads: int
    config: dict[str, Any] = field(repr=False)
    folder: Path | None = None

    @property
    def epochs(self) -> int:
        """How many there were."""
        return len(self.ours.losses)

    @property
    def minibatches(self) -> int:
        """How many an epoch had."""
        return int(self.ours.losses.shape[1])

    @property
    def contestants(self) -> tuple[Contestant, ...]:
        """Ours first."""
        return (self.ours, *self.peers)

    def ratio(self, peer: Contestant) -> float:
        """The peer's time of a step over ours; NaN where there was one epoch alone."""
        return peer.step_seconds / self.ours.step_seconds

    def loss_differences(self, peer: Contestant) -> Array:
        """max|a − b| / max|a| over the minibatches of each epoch, a ours, (epochs,)."""
        pairs = zip(self.ours.losses, peer.losses, strict=True)
        return np.array([difference(a, b) for a, b in pairs])

    def loss_difference(self, peer: Contestant) -> float:
        """The largest of `loss_differences`."""
        return float(self.loss_differences(peer).max())

    def theta_difference(self, peer: Contestant) -> float:
        """max|a − b| / max|a| of the parameters at the end, a ours."""
        return difference(self.ours.theta, peer.theta)


def difference(a: Array, b: Array) -> float:
    """max|a − b| / max|a|; 0 where both are 0, infinite where b is not finite.

    Example:
        >>> difference(np.array([1.0, 4.0]), np.array([1.0, 3.0]))
        0.25
    """
    if not np.isfinite(b).all():
        return inf
    apart, size = float(np.abs(a - b).max(initial=0.0)), float(np.abs(a).max(initial=0.0))
    return apart / size if size else (inf if apart else 0.0)
