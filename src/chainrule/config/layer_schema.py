"""The layers of a configuration: the keys that each type has."""

from __future__ import annotations

from collections.abc import Mapping
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
    Number,
    Section,
    expected,
    said,
    says,
)
from chainrule.config.words import Choice, Maybe, Start, Word
from chainrule.data.arguments import MOST
from chainrule.errors import unknown
from chainrule.initializers import INITIALIZERS
from chainrule.layers.recurrent import OUTPUTS

OptionalCount = Annotated[Count | None, says("a whole number of at least 1, or null", MOST)]
OptionalRate = Annotated[Amount | None, says("a finite number of at least 0, or null")]
OptionalName = Annotated[
    Name | None, says("a word of letters, digits, '_' and '-' that begins with a letter")
]

ActivationWord = Annotated[Any, Maybe(Choice("activation", ACTIVATIONS))]
WeightStart = Annotated[Any, Maybe(Start("weights", tuple(INITIALIZERS)))]
BiasStart = Annotated[Any, Maybe(Start("biases", ("zeros",)))]


def _as_list(value: Any) -> Any:
    """One name alone is a list of one."""
    return [value] if isinstance(value, str) else value


Inputs = Annotated[
    list[Name] | None, says("the name of a layer, or a list of such"), BeforeValidator(_as_list)
]


class AnyLayer(Section):
    """What every layer has."""

    name: OptionalName = Field(None, description="what messages and files call the layer")
    inputs: Inputs = Field(
        None,
        description="the names of the layers that feed this one, `input` for the network's own "
        "input; by default the layer before it",
        examples=["dense_1", ["input", "dense_2"]],
    )


class Dense(AnyLayer):
    """A layer z = x W + b and its activation."""

    type: Literal["dense", "basic_layer"] = Field(
        "dense", description="the kind of layer; basic_layer is another word for dense"
    )
    size: Count = Field(description="the number of units", examples=[100])
    activation: ActivationWord = Field(
        None,
        description="the function behind the layer; by default relu, and linear for the last "
        "dense layer",
        examples=["relu", {"type": "leaky_relu", "slope": 0.2}],
    )
    weights: WeightStart = Field(
        None,
        description="how the weights start: uniform in a range [low, high], or by a rule",
        examples=[[-0.1, 0.1], "glorot"],
    )
    biases: BiasStart = Field(
        None,
        description="how the biases start: uniform in a range [low, high], or zeros",
        examples=[[0, 1], "zeros"],
    )
    learning_rate: OptionalRate = Field(
        None, description="a learning rate of this layer's own", examples=[0.01]
    )


class Softmax(AnyLayer):
    """The last layer: outputs that are probabilities."""

    type: Literal["softmax"] = Field("softmax", description="the kind of layer")
    size: OptionalCount = Field(None, description="the size of the layer before it, if stated")


class Recurrent(AnyLayer):
    """A layer h(n) = φ(x(n) W + h(n−1) U + b) over the steps n of a sequence."""

    type: Literal["recurrent"] = Field(description="the kind of layer")
    size: Count = Field(description="the number of units", examples=[16])
    activation: ActivationWord = Field(
        None, description="the function φ; by default tanh", examples=["tanh", "linear"]
    )
    outputs: Annotated[Any, Word("outputs", OUTPUTS)] = Field(
        "all", description="what is given on: the outputs of all steps, or the last alone"
    )
    bias: Flag = Field(True, description="whether there are biases b")
    start: Annotated[
        Literal["zeros", "learnt"] | Annotated[list[Number], Field(min_length=1)],
        says("zeros, learnt, or a list of numbers, one a unit"),
    ] = Field("zeros", description="the state before the first step", examples=["learnt"])
    truncate: OptionalCount = Field(
        None,
        description="how many steps gradients go back through, their own counted; null for all",
        examples=[10],
    )
    weights: WeightStart = Field(None, description="how the weights W of the inputs start")
    recurrent_weights: Annotated[Any, Maybe(Start("recurrent_weights", tuple(INITIALIZERS)))] = (
        Field(None, description="how the weights U of the state before start")
    )
    biases: BiasStart = Field(None, description="how the biases start")
    learning_rate: OptionalRate = Field(
        None, description="a learning rate of this layer's own", examples=[0.01]
    )


class Add(AnyLayer):
    """The sum of what several layers put out."""

    type: Literal["add"] = Field(description="the kind of layer")


class Concatenate(AnyLayer):
    """What several layers put out, one behind the other."""

    type: Literal["concatenate"] = Field(description="the kind of layer")


SECTIONS: Mapping[str, type[AnyLayer]] = {
    "dense": Dense,
    "basic_layer": Dense,
    "softmax": Softmax,
    "recurrent": Recurrent,
    "add": Add,
    "concatenate": Concatenate,
}
"""The keys of each type of layer."""

ALIASES = {"basic_layer": "dense"}
"""Other words for a type."""


def _layer(value: Any, handler: ValidatorFunctionWrapHandler) -> AnyLayer:
    """The layer a word or a mapping describes; only its own kind's errors are reported."""
    kind, at = (value.get("type", "dense"), "type") if isinstance(value, dict) else (value, None)
    if not isinstance(kind, str):
        what = (
            "the word for a kind of layer, such as dense"
            if at
            else "softmax, or a mapping such as {size: 10}"
        )
        raise expected(what, at)
    if kind.lower() not in SECTIONS:
        raise said(unknown("layer type", kind, tuple(SECTIONS)), at)
    options = dict(value) if isinstance(value, dict) else {}
    kind = ALIASES.get(kind.lower(), kind.lower())
    if kind == "dense" and not options:
        raise said(f"a {kind} layer needs a size; write {{size: 10, activation: relu}}")
    return SECTIONS[kind].model_validate({**options, "type": kind})


LayerEntry = Annotated[
    Dense | Softmax | Recurrent | Add | Concatenate | Literal["softmax"], WrapValidator(_layer)
]
"""An item of the list of layers."""
