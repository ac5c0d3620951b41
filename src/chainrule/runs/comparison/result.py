"""The result of a comparison: times, losses and differences of the trainings, and the files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from math import inf, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule._version import __version__
from chainrule.core.arrays import Array
from chainrule.core.files import write_whole
from chainrule.core.strict_json import finite_or_null
from chainrule.plots.peers import PeerCurve, peers_figure
from chainrule.plots.save import save_figure
from chainrule.training.history import mean_over_cases

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OURS = "chainrule"
"""The name of our own training."""


@dataclass(frozen=True)
class TrainingResult:
    """The result of training by one library.

    Attributes:
        name: the name of the peer; ``chainrule`` for ours.
        version: the library's version; for ours the name of the engine.
        start_seconds: the time to import the library and to build the network in it.
        seconds: the time of each epoch, (epochs,). The first includes compilation.
        losses: the loss of each minibatch before its update, penalty included, (epochs,
            minibatches).
        counts: the number of cases of each minibatch, (minibatches,).
        theta: the parameters at the end, (parameters,).
        memory: the peak memory of its process, in bytes; None if it is unknown.
        memory_before: the peak memory before the library was imported and the training built:
            that of Python, NumPy, the data and the network.
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
        """Seconds per minibatch: the median over all epochs but the first; NaN for one epoch."""
        later = self.seconds[1:]
        return float(np.median(later)) / self.losses.shape[1] if len(later) else nan

    @property
    def epoch_losses(self) -> Array:
        """The mean of ``losses`` over the cases of each epoch, (epochs,)."""
        return mean_over_cases(self.losses, self.counts)

    @property
    def final_loss(self) -> float:
        """The training loss of the last epoch."""
        return float(self.epoch_losses[-1])


@dataclass(frozen=True)
class Comparison:
    """One training by several libraries.

    Attributes:
        name: of the configuration.
        ours: the result of our engine.
        peers: the results of other libraries, in the order in which they were named.
        left_out: the reasons why peers are left out, by their names.
        cases: the number of training cases.
        parameters: the number of parameters of the network.
        threads: the number of threads of every training.
        config: the configuration as run.
        folder: the folder with the files; None if none were written.
    """

    name: str
    ours: TrainingResult
    peers: tuple[TrainingResult, ...]
    left_out: dict[str, str]
    cases: int
    parameters: int
    threads: int
    config: dict[str, Any] = field(repr=False)
    folder: Path | None = None

    @property
    def epochs(self) -> int:
        """The number of epochs."""
        return len(self.ours.losses)

    @property
    def minibatches(self) -> int:
        """The number of minibatches per epoch."""
        return int(self.ours.losses.shape[1])

    @property
    def results(self) -> tuple[TrainingResult, ...]:
        """All results, ours first."""
        return (self.ours, *self.peers)

    def ratio(self, peer: TrainingResult) -> float:
        """The peer's `step_seconds` divided by ours; NaN if there was only one epoch."""
        return peer.step_seconds / self.ours.step_seconds

    def loss_differences(self, peer: TrainingResult) -> Array:
        """The relative difference of the losses in each epoch, max|a − b| / max|a|, (epochs,).

        The maxima are over the minibatches of the epoch; a is our loss, b the peer's.
        """
        pairs = zip(self.ours.losses, peer.losses, strict=True)
        return np.array([difference(a, b) for a, b in pairs])

    def loss_difference(self, peer: TrainingResult) -> float:
        """The largest of `loss_differences`."""
        return float(self.loss_differences(peer).max())

    def theta_difference(self, peer: TrainingResult) -> float:
        """max|a − b| / max|a| of the parameters at the end, where a is ours and b the peer's."""
        return difference(self.ours.theta, peer.theta)


def difference(a: Array, b: Array) -> float:
    """The relative difference max|a − b| / max|a|.

    It is 0 if both arrays are 0, and infinite if only a is 0 or b is not finite.

    Example:
        >>> difference(np.array([1.0, 4.0]), np.array([1.0, 3.0]))
        0.25
    """
    if not np.isfinite(b).all():
        return inf
    apart, size = float(np.abs(a - b).max(initial=0.0)), float(np.abs(a).max(initial=0.0))
    return apart / size if size else (inf if apart else 0.0)


def write_files(found: Comparison, folder: Path) -> None:
    """Write ``comparison.png``, ``comparison.svg`` and ``compare.json``.

    Raises:
        ChainruleError: a file cannot be written; those already written are removed.
    """
    written: list[Path] = []
    try:
        written += save_figure(picture_of(found), folder / "comparison", ("png", "svg"), own=True)
        text = json.dumps(as_mapping(found), indent=2, ensure_ascii=False, allow_nan=False)
        write_whole(folder / "compare.json", text + "\n", own=True)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def picture_of(found: Comparison) -> Figure:
    """The figure of the losses, their differences, the time of a step and the peak memory."""
    shown = [
        PeerCurve(
            one.name,
            one.epoch_losses,
            None if one is found.ours else found.loss_differences(one),
            one.step_seconds,
            one.memory,
        )
        for one in found.results
    ]
    return peers_figure(shown, title=f"{found.name}: the same training by several libraries")


def as_mapping(found: Comparison) -> dict[str, Any]:
    """A comparison as a mapping for JSON; null stands for a number that is not finite."""
    figures = {
        "chainrule": __version__,
        "name": found.name,
        "cases": found.cases,
        "parameters": found.parameters,
        "epochs": found.epochs,
        "minibatches": found.minibatches,
        "threads": found.threads,
        "results": [_result(found, one) for one in found.results],
        "left_out": found.left_out,
    }
    return {**finite_or_null(figures), "config": found.config}


def _result(found: Comparison, one: TrainingResult) -> dict[str, Any]:
    is_ours = one is found.ours
    return {
        "name": one.name,
        "version": one.version,
        "start_seconds": one.start_seconds,
        "first_epoch_seconds": one.seconds[0],
        "step_seconds": one.step_seconds,
        "ratio": None if is_ours else found.ratio(one),
        "final_loss": one.final_loss,
        "loss_difference": None if is_ours else found.loss_difference(one),
        "theta_difference": None if is_ours else found.theta_difference(one),
        "memory": one.memory,
        "memory_before": one.memory_before,
        "epoch_seconds": one.seconds.tolist(),
        "epoch_losses": one.epoch_losses.tolist(),
        "epoch_differences": None if is_ours else found.loss_differences(one).tolist(),
    }
