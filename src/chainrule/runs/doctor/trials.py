"""Short trainings with something changed: whether a treatment helps is tried and not guessed.

A treatment is a tuple of overrides such as ``network.learning_rate=0.01``, as the advice of a
finding prints them, so that what is advised is what was tried.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.config.load import Config, load_config
from chainrule.core.errors import ChainruleError, DivergenceError
from chainrule.data.standardization import Standardization
from chainrule.data.target_scaling import scaled_targets, scaling_of_targets
from chainrule.nn.network import Network
from chainrule.runs.doctor.skill import balanced_accuracy, skill_of
from chainrule.runs.starts import initial_network
from chainrule.training import Settings, Trainer
from chainrule.training.scores import TargetKind, evaluate
from chainrule.training.trainer import Part

WORK = 1.5e9
"""The multiplications of a trial, forward and backward, are at most about so many."""

MINIBATCHES = 3000
"""A trial runs at most so many minibatches."""


@dataclass(frozen=True)
class Trial:
    """What a short training reached.

    Attributes:
        skill: accuracy or R² on its training cases; −1 if it diverged.
        held_out: the same on cases held out.
        balanced: of classes the mean over them of the share named rightly; else the skill.
        losses: the training loss of each epoch.
        epochs: how many epochs it was to run.
        diverged: whether it was no longer finite.
    """

    skill: float
    held_out: float
    balanced: float
    losses: tuple[float, ...]
    epochs: int
    diverged: bool


FAILED = Trial(-1.0, -1.0, -1.0, (), 0, True)
"""What stands for a trial that was not made, or that could not be."""


def trial(
    config: Config,
    treatment: tuple[str, ...],
    parts: tuple[Part, Part],
    kind: TargetKind,
    epochs: int,
) -> Trial:
    """Train for a short time with a treatment; deterministic, and no file is written.

    Args:
        config: of the training, without the treatment.
        treatment: overrides of the network, of the training, or of the scaling of the data.
        parts: prepared training cases, and cases held out.
        kind: what the targets are.
        epochs: how many epochs to train for, if that does not take too long; a treatment that
            has more epochs has as many times more.
    """
    try:
        changed = replace(load_config(config.parts, treatment), folder=config.folder)
        (part, held), kind = _as_scaled(config, changed, parts, kind)
        network = initial_network(changed)
        epochs = round(epochs * changed.training["epochs"] / max(1, config.training["epochs"]))
        quiet: dict[str, Any] = {"callbacks": None, "metrics": None, "engine": "numpy"}
        settings = Settings(**{**changed.training, **quiet, "evaluate": "running"})
        epochs = affordable_epochs(epochs, network, settings, len(part))
        nothing = Part(part.x[:0], part.t[:0])
        trainer = Trainer(network, part, nothing, replace(settings, epochs=epochs), kind=kind)
    except ChainruleError:
        return FAILED
    diverged = False
    try:
        trainer.run()
    except DivergenceError:
        diverged = True
    losses = tuple(float(row["train_loss"] or 0) for row in trainer.history.rows)
    skill = -1.0 if diverged else skill_of(evaluate(network, part.x, part.t, kind=kind))
    on_held = -1.0 if diverged else skill_of(evaluate(network, held.x, held.t, kind=kind))
    balanced = balanced_accuracy(network, part.x, part.t) if kind.classes else skill
    return Trial(skill, on_held, balanced, losses, epochs, diverged)


def _as_scaled(
    config: Config, changed: Config, parts: tuple[Part, Part], kind: TargetKind
) -> tuple[tuple[Part, Part], TargetKind]:
    """The cases, scaled if the treatment scales inputs or targets that were not scaled."""

    def begins(key: str) -> bool:
        return bool(changed.data.get(key)) and not config.data.get(key)

    train, held = parts
    if begins("standardize"):
        of_inputs = Standardization.fit(train.x)
        train, held = (replace(part, x=of_inputs.apply(part.x)) for part in (train, held))
    if begins("scale_targets"):
        scaling = scaling_of_targets(train.t)
        train, held = (replace(part, t=scaled_targets(part.t, scaling)) for part in (train, held))
        kind = replace(kind, scaling=scaling)
    return (train, held), kind


def affordable_epochs(wanted: int, network: Network, settings: Settings, cases: int) -> int:
    """As many epochs as are wanted, or as many as the budget has."""
    cost = 6 * cases * float(sum(map(_products, network.layers)))
    most = min(WORK / max(1.0, cost), MINIBATCHES * settings.cases_a_minibatch(cases) / cases)
    return int(np.clip(wanted, 1, max(1, round(most))))


def _products(layer: Any) -> float:
    """The multiplications of a layer for one case, about."""
    sizes = sum(float(np.prod(shape)) for shape in layer.shapes().values())
    return sizes * max(1, layer.uses_of_weights)
