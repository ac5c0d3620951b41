"""The layers of a configuration: the keys that each type has."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, isfinite
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from chainrule.config.schema.penalties import LayerPenalty
from chainrule.core.errors import unknown
from chainrule.core.schema import (
    Amount,
    BelowOne,
    Choice,
    Count,
    Flag,
    Maybe,
    Metadata,
    Number,
    OptionalCount,
    Section,
    Whole,
    Word,
    expected,
    one_of,
    said,
    says,
)
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.images.geometry import PADDINGS
from chainrule.nn.initializers import INITIALIZERS
from chainrule.nn.sequences.recurrence import STARTS
from chainrule.nn.sequences.recurrent import OUTPUTS

NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_-]*$"
Name = Annotated[
    str,
    Field(pattern=NAME_PATTERN),
    says("a word of letters, digits, '_' and '-' that begins with a letter"),
]
OptionalRate = Annotated[Amount | None, says("a finite number of at least 0, or null")]
OptionalName = Annotated[
    Name | None, says("a word of letters, digits, '_' and '-' that begins with a letter")
]


@dataclass(frozen=True)
class Start(Metadata):
    """How weights or biases start: a range or a word.

    Attributes:
        what: ``weights`` or ``biases``.
        words: the names of the initializers.
    """

    what: str
    words: tuple[str, ...]

    def check(self, value: Any) -> list[float] | str:
        """A range [low, high], also of the one number r of [-r, r], or a word in its spelling."""
        if isinstance(value, str):
            try:
                return Word(f"start of {self.what}", self.words).check(value)
            except PydanticCustomError as error:
                message = (error.context or {})["message"]
                raise said(f"{message}, or a range [low, high]") from None
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        found = as_range([-value, value] if is_number else value)
        if found is None:
            words = one_of(self.words)
            bound = " less than 1.8e308 apart," if as_range(value, width=inf) else ""
            what = f"a range [low, high] of finite numbers, the lower first,{bound}"
            raise expected(f"{what} a number r of at least 0 for [-r, r], or {words}")
        return found

    def json_schema(self) -> dict[str, Any]:
        """Two numbers, one, or an enumeration."""
        one = {"type": "number", "minimum": 0}
        pair = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
        return {"anyOf": [pair, one, Word(self.what, self.words).json_schema()]}


def as_range(value: Any, width: float = sys.float_info.max) -> list[float] | None:
    """Two finite numbers, the lower first, at most ``width`` apart; None for anything else."""
    if not isinstance(value, list) or len(value) != 2:
        return None
    if any(isinstance(end, bool) or not isinstance(end, int | float) for end in value):
        return None
    try:
        low, high = (float(end) for end in value)
    except OverflowError:
        return None
    ordered = isfinite(low) and isfinite(high) and low <= high
    return [low, high] if ordered and high - low <= width else None


ActivationWord = Annotated[Any, Maybe(Choice("activation", ACTIVATIONS))]
WeightStart = Annotated[Any, Maybe(Start("weights", tuple(INITIALIZERS)))]
BiasStart = Annotated[Any, Maybe(Start("biases", tuple(INITIALIZERS)))]


SIDES = "a whole number of at least 1, or two: [height, width]"
_Two = Field(min_length=2, max_length=2)
Sides = Annotated[Count | Annotated[list[Count], _Two], says(SIDES)]
Padding = Annotated[
    Whole | Annotated[list[Whole], _Two] | Literal["same", "valid"],
    says("a whole number of at least 0, two such, same or valid", words=PADDINGS),
]


def _as_list(value: Any) -> Any:
    """One name alone is a list of one."""
    return [value] if isinstance(value, str) else value


_Names = Annotated[
    Name | list[Name] | None,
    says("the name of a layer, or a list of such"),
    BeforeValidator(_as_list),
]
_ONE_NAME = {"type": "string", "pattern": NAME_PATTERN}
_LIST = {"type": "array", "items": _ONE_NAME}
# How many names there must be only editors are told here; the rules say it with the layer's name.
Inputs = Annotated[
    _Names, WithJsonSchema({"anyOf": [_ONE_NAME, {**_LIST, "maxItems": 1}, {"type": "null"}]})
]
SeveralInputs = Annotated[_Names, WithJsonSchema({**_LIST, "minItems": 2})]


class AnyLayer(Section):
    """What every layer has."""

    name: OptionalName = Field(None, description="what messages and files call the layer")
    inputs: Inputs = Field(
        None,
        description="the name of the layer that feeds this one, `input` for the network's own "
        "input; by default the layer before it",
        examples=["dense_1", "input"],
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
    bias: Flag = Field(True, description="whether there are biases b")
    weights: WeightStart = Field(
        None,
        description="how the weights start: uniform in a range [low, high], or [-r, r] for a "
        "number r alone, or by a rule",
        examples=[[-0.1, 0.1], 0.1, "glorot"],
    )
    biases: BiasStart = Field(
        None,
        description="how the biases start, as weights do; a rule counts the inputs and outputs of "
        "the layer's weights",
        examples=[[0, 1], "zeros"],
    )
    learning_rate: OptionalRate = Field(
        None, description="a learning rate of this layer's own", examples=[0.01]
    )
    penalty: LayerPenalty = Field(
        None,
        description="a penalty of this layer's own, in place of the network's; none for none",
        examples=[{"type": "L1", "rate": 0.001}, "none"],
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
        says("zeros, learnt, or a list of numbers, one a unit", words=STARTS),
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
    penalty: LayerPenalty = Field(
        None,
        description="a penalty of this layer's own, in place of the network's; none for none",
        examples=[{"type": "L1", "rate": 0.001}, "none"],
    )


class _Join(AnyLayer):
    """What several layers put out as one."""

    model_config = ConfigDict(
        json_schema_extra=lambda schema: schema.setdefault("required", []).append("inputs")
    )

    inputs: SeveralInputs = Field(
        None,
        description="the names of the layers that feed this one, at least two, `input` for the "
        "network's own input",
        examples=[["input", "dense_2"]],
    )


class Add(_Join):
    """The sum of what several layers put out."""

    type: Literal["add"] = Field(description="the kind of layer")


class Concatenate(_Join):
    """What several layers put out, one behind the other."""

    type: Literal["concatenate"] = Field(description="the kind of layer")


class _Filtered(AnyLayer):
    """Filters that look at windows of an image, and what is behind them."""

    filters: Count = Field(description="how many filters, the channels of the output")
    size: Sides = Field(description="of a filter: a number, or [height, width]", examples=[3])
    stride: Sides = Field(1, description="from one place to the next: a number or two")
    padding: Padding = Field(
        0,
        description="zeros around the image: a number or two, same for as many outputs as inputs, "
        "or valid for none",
        examples=["same"],
    )
    bias: Flag = Field(True, description="whether there are biases")
    activation: ActivationWord = Field(
        None,
        description="the function behind the layer; by default relu, and linear where no layer "
        "with an activation follows",
    )
    weights: WeightStart = Field(None, description="how the weights start, as of a dense layer")
    biases: BiasStart = Field(None, description="how the biases start, as of a dense layer")
    learning_rate: OptionalRate = Field(None, description="a learning rate of this layer's own")
    penalty: LayerPenalty = Field(
        None,
        description="a penalty of this layer's own, in place of the network's; none for none",
        examples=[{"type": "L1", "rate": 0.001}, "none"],
    )


class Conv2D(_Filtered):
    """Filters that every place of the image shares."""

    type: Literal["conv2d"] = Field(description="the kind of layer")


class LocallyConnected2D(_Filtered):
    """Filters as of a convolution, but each place has its own."""

    type: Literal["locally_connected2d"] = Field(description="the kind of layer")


class _Pooled(AnyLayer):
    """One number for each window of each channel."""

    size: Sides = Field(2, description="of a window: a number, or [height, width]")
    stride: Annotated[Sides | None, says(f"{SIDES}, or null")] = Field(
        None, description="from one window to the next: a number or two; by default the size"
    )
    padding: Padding = Field(0, description="as of a convolution, but less than the size")


class MaxPool2D(_Pooled):
    """The largest number of each window."""

    type: Literal["max_pool2d"] = Field(description="the kind of layer")


class AveragePool2D(_Pooled):
    """The mean of each window."""

    type: Literal["average_pool2d"] = Field(description="the kind of layer")


class Flatten(AnyLayer):
    """An image or a sequence as one row of numbers."""

    type: Literal["flatten"] = Field(description="the kind of layer")


class Dropout(AnyLayer):
    """Numbers left out at random during training, and none in evaluation."""

    type: Literal["dropout"] = Field(description="the kind of layer")
    rate: BelowOne = Field(
        description="the probability that a number is left out during training", examples=[0.5]
    )


SECTIONS: Mapping[str, type[AnyLayer]] = {
    "dense": Dense,
    "basic_layer": Dense,
    "softmax": Softmax,
    "recurrent": Recurrent,
    "conv2d": Conv2D,
    "locally_connected2d": LocallyConnected2D,
    "max_pool2d": MaxPool2D,
    "average_pool2d": AveragePool2D,
    "flatten": Flatten,
    "dropout": Dropout,
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
    Dense
    | Softmax
    | Recurrent
    | Conv2D
    | LocallyConnected2D
    | MaxPool2D
    | AveragePool2D
    | Flatten
    | Dropout
    | Add
    | Concatenate
    | Literal["softmax", "flatten", "max_pool2d", "average_pool2d"],
    WrapValidator(_layer),
]
"""An item of the list of layers."""
