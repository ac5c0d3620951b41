"""How to train, as a configuration says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from chainrule.core.arguments import is_finite, is_whole
from chainrule.core.errors import ConfigError, Problem, shown, unknown

_SETTINGS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "epochs": (lambda v: is_whole(v) and v >= 0, "a whole number of at least 0"),
    "batch_size": (
        lambda v: v == "full" or (is_whole(v) and v >= 1),
        "a whole number of at least 1, or full",
    ),
    "shuffle": (lambda v: isinstance(v, bool), "true or false"),
    "engine": (lambda v: isinstance(v, str), "the name of an engine"),
    "threads": (
        lambda v: v == "auto" or (is_whole(v) and v >= 1),
        "a whole number of at least 1, or auto",
    ),
    "evaluate": (lambda v: v in ("running", "full"), "running or full"),
    "checkpoint_every": (
        lambda v: v is None or (is_whole(v) and v >= 1),
        "a whole number of at least 1, or None",
    ),
    "clip_gradient_norm": (
        lambda v: v is None or (is_finite(v) and v > 0),
        "a finite number above 0, or None",
    ),
    "callbacks": (lambda v: v is None or isinstance(v, list | tuple), "a list, or None"),
}
"""What each setting may be that no table of words decides, for whoever sets it in Python."""


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
        evaluate: ``running`` for the training loss as the minibatches ran, the mean over the
            cases of the epoch, ``full`` for a pass of its own over the training data after each.
        checkpoint_every: minibatches between checkpoints; None for one an epoch.
        clip_gradient_norm: the most that the norm of the whole gradient, penalty included, is in
            a step, above 0: g ← g · min(1, c / ‖g‖). None leaves it as it is.
        callbacks: the stock callbacks that take part, each by its name or as ``type`` with
            options; None for none.
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
    callbacks: Sequence[str | Mapping[str, Any]] | None = None

    def __post_init__(self) -> None:
        problems = [
            Problem(f"{name} is {what}, found {shown(getattr(self, name))}")
            for name, (suits, what) in _SETTINGS.items()
            if not suits(getattr(self, name))
        ]
        if problems:
            raise ConfigError(problems)

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
