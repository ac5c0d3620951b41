"""How to train: the ``training:`` part of a configuration, and what Python says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidatorFunctionWrapHandler, WrapValidator

from chainrule.core.arguments import MOST
from chainrule.core.declared import Arguments, checked
from chainrule.core.schema import (
    AboveZero,
    Choice,
    Count,
    Flag,
    Metadata,
    OptionalCount,
    Seed,
    Whole,
    Word,
    described_as,
    expected,
)
from chainrule.training.callbacks import CALLBACKS
from chainrule.training.engines import ENGINES
from chainrule.training.optimizers import OPTIMIZERS
from chainrule.training.schedules import SCHEDULES

MOST_THREADS = 1024
"""More than any machine that this is meant for has; a larger number is a typing error."""


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _list_or_null(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """A list as the schema reads it, or None; else an error that shows such a list."""
    if value is not None and not isinstance(value, list):
        raise expected("a list of callbacks such as [early_stopping], or null")
    return handler(value)


class _EngineName(Metadata):
    """A name from the table of engines, as it is now."""

    def check(self, value: Any) -> str:
        return self._word.check(value)

    def json_schema(self) -> dict[str, Any]:
        return self._word.json_schema()

    @property
    def _word(self) -> Word:
        return Word("engine", tuple(dict.fromkeys(("auto", *ENGINES))))


@dataclass(frozen=True)
class Settings:
    """How the network is trained.

    Attributes:
        epochs: how often training goes through the training data.
        batch_size: the cases of a minibatch; full for all training data at once.
        seed: the one number all randomness follows from.
        shuffle: a new order of the cases for each epoch; otherwise that of the file.
        optimizer: how a step follows from the gradient.
        schedule: how every learning rate changes from epoch to epoch.
        engine: what runs the minibatches; auto decides from the configuration.
        threads: the processor's threads that products run on; auto decides from the sizes.
        evaluate: an epoch's training loss: running is the mean over its cases as the minibatches
            ran, full a pass of its own over the training data.
        clip_gradient_norm: the most that the norm of the whole gradient, penalty included, is in
            a step; a longer one is shortened; null for any. In a formula, with the most c:
            g ← g · min(1, c / ‖g‖).
        callbacks: what takes part in the training; early_stopping ends it where a figure of the
            history has stopped getting better, and restores the best parameters.
        checkpoint_every: save a checkpoint after every so many minibatches; null for one an
            epoch, at most one a second.

    Raises:
        ConfigError: with everything that is wrong with them.
    """

    epochs: Whole = 30
    batch_size: Annotated[
        Count | Literal["full"],
        BeforeValidator(_lower),
        described_as("a whole number of at least 1, or full", MOST, ["full"]),
    ] = 32
    seed: Seed = 0
    shuffle: Flag = True
    optimizer: Annotated[
        str | Mapping[str, Any],
        Choice("optimizer", OPTIMIZERS),
        Field(examples=["sgd", {"type": "momentum", "momentum": 0.9}, "adam"]),
    ] = "sgd"
    schedule: Annotated[
        str | Mapping[str, Any],
        Choice("schedule", SCHEDULES),
        Field(examples=["constant", {"type": "exponential", "decay": 0.95}, "cosine"]),
    ] = "constant"
    engine: Annotated[str, _EngineName()] = "auto"
    threads: Annotated[
        Annotated[int, Field(ge=1, le=MOST_THREADS)] | Literal["auto"],
        BeforeValidator(_lower),
        described_as("a whole number of at least 1, or auto", MOST_THREADS, ["auto"]),
    ] = "auto"
    evaluate: Annotated[str, Word("way to evaluate", ("running", "full"))] = "running"
    clip_gradient_norm: Annotated[
        AboveZero | None, described_as("a finite number above 0, or null"), Field(examples=[1.0])
    ] = None
    callbacks: Annotated[
        Sequence[Annotated[str | Mapping[str, Any], Choice("callback", CALLBACKS)]] | None,
        WrapValidator(_list_or_null),
        Field(
            examples=[[{"type": "early_stopping", "monitor": "validation_loss", "patience": 5}]]
        ),
    ] = None
    checkpoint_every: OptionalCount = None

    def cases_a_minibatch(self, cases: int) -> int:
        """The batch size as a number, for a training set of ``cases`` cases."""
        return max(1, cases) if self.batch_size == "full" else int(self.batch_size)


TRAINING = Arguments(Settings)
"""The settings as keys of a configuration."""

checked(Settings, TRAINING)
