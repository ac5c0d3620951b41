"""How to train, as a configuration says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from chainrule.errors import ConfigError, unknown


@dataclass(frozen=True)
class Settings:
    """How to train: the ``training:`` part of a configuration.

    Attributes:
        epochs: passes over the training data, at least 0.
        batch_size: cases a minibatch, or ``full`` for all of them.
        seed: of the shuffle (and, elsewhere, of the first weights and the data).
        shuffle: draw a new order each epoch; otherwise that of the file.
        optimizer: a name, or ``type`` with options.
        schedule: how the learning rates change from epoch to epoch, likewise.
        engine: a name from the table of engines.
        threads: how many the products run on, or ``auto``: the sizes decide.
        evaluate: ``running`` for the training loss as the minibatches ran, ``full`` for a pass
            of its own over the training data after each epoch.
        checkpoint_every: minibatches between checkpoints; None for one an epoch.
        clip_gradient_norm: the most that the norm of the whole gradient, penalty included, is in
            a step, above 0: g ← g · min(1, c / ‖g‖). None leaves it as it is.
    """

    epochs: int = 30
    batch_size: int | str = 32
    seed: int = 0
    shuffle: bool = True
    optimizer: str | Mapping[str, Any] = "sgd"
    schedule: str | Mapping[str, Any] = "constant"
    engine: str = "auto"
    threads: int | str = "auto"
    evaluate: str = "running"
    checkpoint_every: int | None = None
    clip_gradient_norm: float | None = None

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Settings:
        """The settings that a checked mapping describes.

        Raises:
            ConfigError: an unknown key.
        """
        known = [f.name for f in fields(cls)]
        for key in config:
            if key not in known:
                raise ConfigError(unknown("key of training", key, known))
        return cls(**config)

    def cases_a_minibatch(self, cases: int) -> int:
        """The batch size as a number, for a training set of ``cases`` cases."""
        return max(1, cases) if self.batch_size == "full" else int(self.batch_size)
