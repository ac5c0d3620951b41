"""The ``network:`` part of a configuration, key by key."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from chainrule.config.fields import Amount, Count, Flag, Section, expected, says
from chainrule.config.layer_schema import LayerEntry, OptionalRate
from chainrule.config.words import Choice, Maybe, Word
from chainrule.data.arguments import MOST
from chainrule.losses import LOSSES
from chainrule.penalties import DEFAULT_RATE, PENALTIES

PENALTY_TYPE = Word("penalty", (*PENALTIES, "none"))

InputShape = Annotated[
    Count | Annotated[list[Count], Field(min_length=1, max_length=3)] | None,
    says(
        "a whole number of at least 1, [channels, height, width], [steps, features], or null", MOST
    ),
]


class Penalty(Section):
    """What is added to the loss for large parameters."""

    type: Annotated[Any, PENALTY_TYPE] = Field(
        "L2", description="L2 adds rate·Σ½w², L1 adds rate·Σ|w|"
    )
    rate: Amount = Field(DEFAULT_RATE, description="how much, a finite number of at least 0")
    biases: Flag = Field(False, description="whether biases are penalised too")


def _penalty(value: Any, handler: ValidatorFunctionWrapHandler) -> Penalty | None:
    """A penalty, or None for ``none`` in any spelling."""
    if value is None or (isinstance(value, str) and value.lower() == "none"):
        return None
    if isinstance(value, str):
        return Penalty.model_validate({"type": PENALTY_TYPE.check(value)})
    if isinstance(value, dict) and str(value.get("type", "L2")).lower() == "none":
        Penalty.model_validate({"rate": 0.0, **value})
        return None
    return Penalty.model_validate(value)


def _is_list(value: Any) -> Any:
    """A list with something in it, whose items are checked one by one."""
    if not isinstance(value, list) or not value:
        raise expected("a list of layers, at least one")
    return value


class Network(Section):
    """The network: its layers, its loss and how it is held back."""

    input: InputShape = Field(
        None,
        description="the number of inputs, [channels, height, width] of images or [steps, "
        "features] of sequences; by default taken from the data",
        examples=[256, [3, 32, 32]],
    )
    loss: Annotated[Any, Maybe(Choice("loss", LOSSES))] = Field(
        None,
        description="what training makes small; by default cross_entropy behind a softmax, "
        "else mse",
        examples=["cross_entropy", {"type": "huber", "delta": 1.0}],
    )
    learning_rate: OptionalRate = Field(
        None, description="the step size; by default the optimizer's own", examples=[0.1]
    )
    penalty: Annotated[Penalty | Literal["none"] | None, WrapValidator(_penalty)] = Field(
        None,
        description="added to the loss for large parameters",
        examples=[{"type": "L2", "rate": 0.001}],
    )
    dtype: Annotated[Any, Word("dtype", ("float64", "float32"))] = Field(
        "float64", description="float64 where exactness is the point, float32 for speed"
    )
    explicit_jacobians: Flag = Field(
        False, description="train by multiplying the dense Jacobians, as in lecture notes"
    )
    layers: Annotated[
        list[LayerEntry],
        Field(min_length=1),
        BeforeValidator(_is_list),
    ] = Field(
        description="the layers in order, at least one",
        examples=[[{"size": 100, "activation": "relu"}, {"size": 4}, "softmax"]],
    )
