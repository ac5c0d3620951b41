"""The whole configuration: network, data and training."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from chainrule.config.schema.network import Network
from chainrule.core.schema import Section
from chainrule.data.settings import AnyData
from chainrule.training.settings import TRAINING


def _or_empty(value: Any) -> Any:
    """An empty section is one in which everything is left to its default."""
    return {} if value is None else value


class Configuration(Section):
    """A chainrule configuration: a network, its data and its training."""

    network: Network = Field(description="the layers and the loss")
    data: AnyData = Field(
        {}, validate_default=True, description="where the data come from; images by default"
    )
    training: Annotated[TRAINING.model, BeforeValidator(_or_empty)] = Field(  # type: ignore[name-defined]
        {}, validate_default=True, description="how the network is trained"
    )


# The JSON Schema of the YAML form, for editors that complete and check while one types.


def json_schema() -> dict[str, Any]:
    """A JSON Schema (draft 2020-12) of a configuration.

    It describes each key with its default and its words, and the sort of every value. What
    holds between values (softmax is last, fractions sum to 1) only `load_config` checks.

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
