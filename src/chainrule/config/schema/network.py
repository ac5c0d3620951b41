"""The ``network:`` part of a configuration, key by key."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from chainrule.config.schema.layers import LayerEntry, OptionalRate
from chainrule.config.schema.penalties import Penalty
from chainrule.core.arguments import MOST
from chainrule.core.schema import Choice, Count, Flag, Maybe, Section, Word, described_as, expected
from chainrule.nn.losses import LOSSES

InputShape = Annotated[
    Count | Annotated[list[Count], Field(min_length=1, max_length=3)] | None,
    described_as(
        "a whole number of at least 1, [channels, height, width], [steps, features], or null", MOST
    ),
]


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
    penalty: Penalty = Field(
        None,
        description="added to the loss for large parameters",
        examples=[{"type": "L2", "rate": 0.001}, {"L1": 0.001, "L2": 0.01}],
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
