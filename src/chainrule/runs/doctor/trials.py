"""Short trainings with something changed: whether a treatment helps is tried and not guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.config.load import Config
from chainrule.core.errors import ChainruleError, DivergenceError
from chainrule.data.standardization import Standardization
from chainrule.data.suspicions import sample_of
from chainrule.data.target_scaling import scaling_of_targets
from chainrule.nn.network import Network
from chainrule.runs.doctor.skill import skill_of
from chainrule.runs.starts import initial_network
from chainrule.training import Settings, Trainer
from chainrule.training.scores import TargetKind, evaluate
from chainrule.training.trainer import Part

CASES = 2000
"""A trial trains on at most so many cases, evenly spaced."""

WORK = 2e9
"""The multiplications of a trial, forward and backward, are at most about so many."""

MINIBATCHES = 3000
"""A trial runs at most so many minibatches."""


@dataclass(frozen=True)
class Trial:
    """What a short training reached.

    Attributes:
        skill: accuracy or R² on its training cases; −1 if it diverged.
        losses: the training loss of each epoch.
        epochs: how many epochs it was to run.
        diverged: whether it was no longer finite.
    """

    skill: float
    losses: tuple[float, ...]
    epochs: int
    diverged: bool


def trial(
    config: Config,
    train: Part,
    kind: TargetKind,
    epochs: int,
    *,
    network: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    scale_inputs: bool = False,
    scale_targets: bool = False,
    longer: int = 1,
) -> Trial:
    """Train for a short time with something changed; deterministic, and no file is written.

    Args:
        config: of the training.
        train: the prepared training cases.
        kind: what the targets are.
        epochs: how many epochs to train for, if that does not take too long.
        network: keys of the network that are replaced.
        training: keys of the training that are replaced.
        scale_inputs: whether to bring the inputs to mean 0 and deviation 1.
        scale_targets: the same of values.
        longer: how many times as many epochs.
    """
    part = _sample(train)
    if scale_inputs:
        part = replace(part, x=Standardization.fit(part.x).apply(part.x))
    if scale_targets:
        scaling = scaling_of_targets(part.t)
        t = scaling.apply(part.t.reshape(len(part), -1)).reshape(part.t.shape)
        part, kind = replace(part, t=t), replace(kind, scaling=None)
    changed = {**config.training, **(training or {})}
    own = initial_network(replace(config, network={**config.network, **(network or {})}))
    epochs = affordable_epochs(epochs * longer, own, Settings(**changed), len(part))
    quiet: dict[str, Any] = {"callbacks": None, "metrics": None, "engine": "numpy"}
    settings = Settings(**{**changed, **quiet, "epochs": epochs, "evaluate": "running"})
    nothing = Part(part.x[:0], part.t[:0])
    diverged = False
    try:
        trainer = Trainer(own, part, nothing, settings, kind=kind)
        trainer.run()
    except DivergenceError:
        diverged = True
    except ChainruleError:
        return Trial(-1.0, (), epochs, True)
    losses = tuple(float(row["train_loss"] or 0) for row in trainer.history.rows)
    skill = -1.0 if diverged else skill_of(evaluate(own, part.x, part.t, kind=kind))
    return Trial(skill, losses, epochs, diverged)


def _sample(train: Part) -> Part:
    at = sample_of(len(train))[:CASES]
    weights = None if train.weights is None else train.weights[at]
    return Part(train.x[at], train.t[at], weights)


def affordable_epochs(wanted: int, network: Network, settings: Settings, cases: int) -> int:
    """As many epochs as are wanted, or as many as the budget has."""
    cost = 6 * cases * float(sum(map(_products, network.layers)))
    most = min(WORK / max(1.0, cost), MINIBATCHES * settings.cases_a_minibatch(cases) / cases)
    return int(np.clip(wanted, 1, max(1, round(most))))


def _products(layer: Any) -> float:
    """The multiplications of a layer for one case, about."""
    sizes = sum(float(np.prod(shape)) for shape in layer.shapes().values())
    return sizes * max(1, layer.uses_of_weights)
