"""The ``training:`` part of a configuration, key by key."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidatorFunctionWrapHandler, WrapValidator

from chainrule.core.arguments import MOST
from chainrule.core.schema import (
    Choice,
    Count,
    Flag,
    OptionalCount,
    Section,
    Seed,
    Whole,
    Word,
    expected,
    says,
)
from chainrule.training.callbacks import CALLBACKS
from chainrule.training.engines import ENGINES
from chainrule.training.optimizers import OPTIMIZERS
from chainrule.training.schedules import SCHEDULES


def _count_or(word: str, most: int) -> WrapValidator:
    """A whole number of at least 1 and at most ``most``, or one word."""

    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> int | str:
        """The number or the word.

        Raises:
            PydanticCustomError: it is neither, or above ``most``.
        """
        if isinstance(value, str) and value.lower() == word:
            return word
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            if value > most:
                raise expected(f"at most {most}, or {word}")
            return value
        raise expected(f"a whole number of at least 1, or {word}", words=(word,))

    return WrapValidator(check)


def _list_or_null(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Whatever the schema makes of a list.

    Raises:
        PydanticCustomError: it is none.
    """
    if value is not None and not isinstance(value, list):
        raise expected("a list of callbacks such as [early_stopping], or null")
    return handler(value)


MOST_THREADS = 1024
"""More than any machine that this is meant for has; a slip of the keyboard asks for more."""


class Training(Section):
    """How the network is trained."""

    epochs: Whole = Field(30, description="how often training goes through the training data")
    batch_size: Annotated[Count | Literal["full"], _count_or("full", MOST)] = Field(
        32, description="the cases of a minibatch; full for all training data at once"
    )
    seed: Seed = Field(0, description="the one number all randomness follows from")
    shuffle: Flag = Field(True, description="a new order of the cases for each epoch")
    optimizer: Annotated[Any, Choice("optimizer", OPTIMIZERS)] = Field(
        "sgd",
        description="how a step follows from the gradient",
        examples=["sgd", {"type": "momentum", "momentum": 0.9}, "adam"],
    )
    schedule: Annotated[Any, Choice("schedule", SCHEDULES)] = Field(
        "constant",
        description="how every learning rate changes from epoch to epoch",
        examples=["constant", {"type": "exponential", "decay": 0.95}, "cosine"],
    )
    engine: Annotated[Any, Word("engine", tuple(dict.fromkeys(("auto", *ENGINES))))] = Field(
        "auto", description="what runs the minibatches; auto decides from the configuration"
    )
    threads: Annotated[Count | Literal["auto"], _count_or("auto", MOST_THREADS)] = Field(
        "auto",
        description="the processor's threads that products run on; auto decides from the sizes",
    )
    evaluate: Annotated[Any, Word("way to evaluate", ("running", "full"))] = Field(
        "running",
        description="an epoch's training loss: running is the mean over its cases as the "
        "minibatches ran, full a pass of its own over the training data",
    )
    clip_gradient_norm: Annotated[
        Annotated[float, Field(gt=0, allow_inf_nan=False)] | None,
        says("a finite number above 0, or null"),
    ] = Field(
        None,
        description="the most that the norm of the whole gradient, penalty included, is in a "
        "step; a longer one is shortened; null for any",
        examples=[1.0],
    )
    callbacks: Annotated[
        list[Annotated[Any, Choice("callback", CALLBACKS)]] | None,
        WrapValidator(_list_or_null),
    ] = Field(
        None,
        description="what takes part in the training; early_stopping ends it where a figure of "
        "the history has stopped getting better, and restores the best parameters",
        examples=[[{"type": "early_stopping", "monitor": "validation_loss", "patience": 5}]],
    )
    checkpoint_every: OptionalCount = Field(
        None,
        description="save a checkpoint after every so many minibatches; null for one an epoch, "
        "at most one a second",
    )
