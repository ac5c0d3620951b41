"""The whole configuration: network, data and training."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from chainrule.config.schema.layers import LayerEntry, OptionalRate, Penalty
from chainrule.core.arguments import MOST
from chainrule.core.schema import (
    Choice,
    Count,
    FileName,
    Flag,
    Maybe,
    Section,
    Word,
    described_as,
    expected,
)
from chainrule.data.settings import AnyData
from chainrule.nn.losses import LOSSES
from chainrule.training.settings import TRAINING, with_batch_size

InputShape = Annotated[
    Count | Annotated[list[Count], Field(min_length=1, max_length=3)] | None,
    described_as(
        "a whole number of at least 1, [channels, height, width], [steps, features], or null", MOST
    ),
]


def _is_list(value: Any) -> Any:
    """Refuse anything but a non-empty list, with one message for all such values."""
    if not isinstance(value, list) or not value:
        raise expected("a list of layers, at least one")
    return value


class Network(Section):
    """The network: its layers, its loss and its penalty."""

    input: InputShape = Field(
        None,
        description="the number of inputs, [channels, height, width] of images or [steps, "
        "features] of sequences; by default taken from the data",
        examples=[256, [3, 32, 32]],
    )
    loss: Annotated[Any, Maybe(Choice("loss", LOSSES))] = Field(
        None,
        description="what training minimises; by default cross_entropy behind a softmax, else mse",
        examples=["cross_entropy", {"type": "huber", "delta": 1.0}],
    )
    learning_rate: OptionalRate = Field(
        None, description="the step size; by default the optimizer's own", examples=[0.1]
    )
    bias_learning_rate: OptionalRate = Field(
        None,
        description="the step size of the biases of layers without a learning_rate of their own, "
        "where it is another one; 0 keeps the biases as they are",
        examples=[0],
    )
    penalty: Penalty = Field(
        None,
        description="added to the loss for large parameters",
        examples=[{"type": "L2", "rate": 0.001}, {"L1": 0.001, "L2": 0.01}],
    )
    parameters: Annotated[
        FileName | None, described_as("the name of a file in quotes, or null")
    ] = Field(
        None,
        description="a safetensors file of all parameters by name, as a run and chainrule export "
        "write them; training starts from these",
        examples=["runs/shapes-1/parameters.safetensors"],
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


def _or_empty(value: Any) -> Any:
    """Make an empty section a mapping, so that every key has its default."""
    return {} if value is None else with_batch_size(value)


class Configuration(Section):
    """A chainrule configuration: a network, its data and its training."""

    network: Network = Field(description="the layers and the loss")
    data: AnyData = Field(
        {}, validate_default=True, description="where the data come from; images by default"
    )
    training: Annotated[TRAINING.model, BeforeValidator(_or_empty)] = Field(  # type: ignore[name-defined]
        {}, validate_default=True, description="how the network is trained"
    )


# The JSON Schema of the YAML form, for completion and checks in editors.


def json_schema() -> dict[str, Any]:
    """A JSON Schema (draft 2020-12) of a configuration.

    It has each key with its default, its type and its allowed words. Only `load_config` checks
    conditions on several values (softmax is last, fractions sum to 1).

    Example:
        >>> sorted(json_schema()["properties"])
        ['data', 'network', 'training']
    """
    schema = Configuration.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "chainrule configuration",
        **_cleaned(schema),
    }


def _cleaned(node: Any) -> Any:
    """A schema without titles that repeat the keys' names, and without defaults that are None."""
    if isinstance(node, list):
        return [_cleaned(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: {name: _cleaned(part) for name, part in value.items()}
        if key in ("properties", "$defs")
        else _cleaned(value)
        for key, value in node.items()
        if key != "title" and (key, value) != ("default", None)
    }
