"""How to train: the ``training:`` part of a configuration."""

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
    Maybe,
    Metadata,
    OptionalCount,
    Seed,
    Whole,
    Word,
    described_as,
    expected,
    invalid,
    repeated,
)
from chainrule.training.callbacks import CALLBACKS, Callback
from chainrule.training.class_weights import ClassWeights
from chainrule.training.engines import ENGINES
from chainrule.training.metrics import METRICS
from chainrule.training.optimizers import OPTIMIZERS, Optimizer
from chainrule.training.schedules import SCHEDULES, Schedule

MOST_THREADS = 1024
"""The most threads; a larger number is taken for a typing error."""


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _list_or_null(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """The validated list, or None; anything else is an error whose message shows such a list."""
    if value is not None and not isinstance(value, list):
        raise expected("a list of callbacks such as [early_stopping], or null")
    return handler(value)


def _metrics_or_null(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """The validated list without repetitions, or None."""
    if value is not None and not isinstance(value, list):
        raise expected("a list of metrics such as [balanced_accuracy, roc_auc], or null")
    names = handler(value)
    twice = repeated(names or ())
    if twice is not None:
        raise invalid(f"the metric {twice} is named twice")
    return names


class _EngineName(Metadata):
    """The name of an engine, compared with the table of engines at each check."""

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

    An optimizer, a schedule or a callback may be an object as well.

    Attributes:
        epochs: how often training goes through the training data.
        batch_size: the cases of a minibatch; full for all training data at once, as lbfgs has it.
        seed: the number that determines all random numbers.
        shuffle: draw a new order of the cases for each epoch; otherwise keep that of the data.
        optimizer: the rule by which a step follows from the gradient.
        schedule: how every learning rate changes from epoch to epoch.
        engine: the code that runs the minibatches; auto chooses by network, data and settings.
        threads: the number of threads for products and compiled loops; auto chooses by the sizes.
        evaluate: how an epoch's training loss is found. running: the mean over its cases, each
            before the update of its minibatch; full: a pass over the training data afterwards.
        clip_gradient_norm: the maximum c of the norm of the whole gradient, penalty included; a
            longer gradient is scaled down, g ← g · min(1, c / ‖g‖). null for no limit.
        callbacks: what takes part in the training. early_stopping stops it when a loss or score
            has stopped improving, and restores the best parameters; best_weights only restores
            them; time_limit ends it; frames keeps those of many epochs, as a film; csv_log and
            tensorboard write what the history holds.
        metrics: what the history has beside the loss and the usual scores, by name; train_* where
            the training data are evaluated (evaluate is full), validation_* after each epoch.
        class_weights: how much the cases of each class count in training, beside their own
            weights. balanced for the same total in each class, weights by the names of classes,
            or a list of all in order; null for no difference. Evaluations do not weigh classes.
        health: record after some epochs how each layer fares: the norm of its gradient, the ratio
            of its update to its weights, and the shares of its units that are dead or saturated.
        checkpoint_every: the number of minibatches between two checkpoints; null for one after
            each epoch, but at most one per second.

    Raises:
        ConfigError: settings are invalid; lists all problems.
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
        str | Mapping[str, Any] | Optimizer,
        Choice("optimizer", OPTIMIZERS),
        Field(examples=["sgd", {"type": "momentum", "momentum": 0.9}, "adam"]),
    ] = "sgd"
    schedule: Annotated[
        str | Mapping[str, Any] | Schedule,
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
        Sequence[Annotated[str | Mapping[str, Any] | Callback, Choice("callback", CALLBACKS)]]
        | None,
        WrapValidator(_list_or_null),
        Field(
            examples=[[{"type": "early_stopping", "monitor": "validation_loss", "patience": 5}]]
        ),
    ] = None
    metrics: Annotated[
        Sequence[Annotated[str, Word("metric", tuple(METRICS))]] | None,
        WrapValidator(_metrics_or_null),
        Field(examples=[["balanced_accuracy", "roc_auc"]]),
    ] = None
    class_weights: Annotated[
        Any, Maybe(ClassWeights()), Field(examples=["balanced", {"ill": 5}, [1, 2.5]])
    ] = None
    health: Flag = True
    checkpoint_every: OptionalCount = None

    def cases_a_minibatch(self, cases: int) -> int:
        """The batch size as a number, if the training set has ``cases`` cases."""
        return max(1, cases) if self.batch_size == "full" else int(self.batch_size)


def with_batch_size(settings: Any) -> Any:
    """Settings in which ``batch_size`` is full if the optimiser takes all cases, unless stated.

    Args:
        settings: as written, by name; what is no mapping, or names no optimiser, is returned as
            it is.

    Example:
        >>> with_batch_size({"optimizer": "lbfgs"})
        {'optimizer': 'lbfgs', 'batch_size': 'full'}
    """
    if not isinstance(settings, Mapping) or "batch_size" in settings:
        return settings
    chosen = settings.get("optimizer")
    name = chosen.get("type") if isinstance(chosen, Mapping) else chosen
    rule = OPTIMIZERS.get(name.lower()) if isinstance(name, str) else chosen
    is_full = getattr(rule, "takes_all_cases", False)
    return {**settings, "batch_size": "full"} if is_full else settings


TRAINING = Arguments(Settings)
"""The settings as keys of a configuration."""

checked(Settings, TRAINING)
