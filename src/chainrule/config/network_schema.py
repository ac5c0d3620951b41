"""The ``network:`` part of a configuration, key by key."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from chainrule.activations import ACTIVATIONS
from chainrule.config.fields import (
    Amount,
    Count,
    Flag,
    Name,
    Section,
    expected,
    said,
    says,
)
from chainrule.config.words import Choice, Maybe, Start, Word
from chainrule.data.arguments import MOST
from chainrule.errors import unknown
from chainrule.initializers import INITIALIZERS
from chainrule.losses import LOSSES
from chainrule.penalties import DEFAULT_RATE, PENALTIES

LAYER_TYPES = ("dense", "basic_layer", "softmax")
"""The words for a layer's type; ``basic_layer`` is the assignment's word for a dense one."""

OptionalCount = Annotated[Count | None, says("a whole number of at least 1, or null", MOST)]
OptionalRate = Annotated[Amount | None, says("a finite number of at least 0, or null")]
OptionalName = Annotated[
    Name | None, says("a word of letters, digits, '_' and '-' that begins with a letter")
]


class Dense(Section):
    """A layer z = x W + b and its activation."""

    type: Annotated[Literal["dense", "basic_layer"], says("dense, basic_layer or softmax")] = (
        Field("dense", description="the kind of layer; basic_layer is another word for dense")
    )
    size: Count = Field(description="the number of units", examples=[100])
    activation: Annotated[Any, Maybe(Choice("activation", ACTIVATIONS))] = Field(
        None,
        description="the function behind the layer; by default relu, and linear for the last "
        "dense layer",
        examples=["relu", {"type": "leaky_relu", "slope": 0.2}],
    )
    weights: Annotated[Any, Maybe(Start("weights", tuple(INITIALIZERS)))] = Field(
        None,
        description="how the weights start: uniform in a range [low, high], or by a rule",
        examples=[[-0.1, 0.1], "glorot"],
    )
    biases: Annotated[Any, Maybe(Start("biases", ("zeros",)))] = Field(
        None,
        description="how the biases start: uniform in a range [low, high], or zeros",
        examples=[[0, 1], "zeros"],
    )
    learning_rate: OptionalRate = Field(
        None, description="a learning rate of this layer's own", examples=[0.01]
    )
    name: OptionalName = Field(None, description="what messages and files call the layer")


class Softmax(Section):
    """The last layer: outputs that are probabilities."""

    type: Literal["softmax"] = Field("softmax", description="the kind of layer")
    size: OptionalCount = Field(None, description="the size of the layer before it, if stated")
    name: OptionalName = Field(None, description="what messages and files call the layer")


def _layer(value: Any, handler: ValidatorFunctionWrapHandler) -> Dense | Softmax:
    """The layer a word or a mapping describes; only its own kind's errors are reported."""
    kind, at = (value.get("type", "dense"), "type") if isinstance(value, dict) else (value, None)
    if not isinstance(kind, str):
        what = "dense or softmax" if at else "softmax, or a mapping such as {size: 10}"
        raise expected(what, at)
    if kind.lower() not in LAYER_TYPES:
        raise said(unknown("layer type", kind, LAYER_TYPES), at)
    options = dict(value) if isinstance(value, dict) else {}
    if kind.lower() == "softmax":
        return Softmax.model_validate({**options, "type": "softmax"})
    if not options:
        raise said(f"a {kind} layer needs a size; write {{size: 10, activation: relu}}")
    return Dense.model_validate({**options, "type": "dense"})


PENALTY_TYPE = Word("penalty", (*PENALTIES, "none"))


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

    input: OptionalCount = Field(
        None, description="the number of inputs; by default taken from the data", examples=[256]
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
        list[Annotated[Dense | Softmax | Literal["softmax"], WrapValidator(_layer)]],
        Field(min_length=1),
        BeforeValidator(_is_list),
    ] = Field(
        description="the layers in order, at least one",
        examples=[[{"size": 100, "activation": "relu"}, {"size": 4}, "softmax"]],
    )
