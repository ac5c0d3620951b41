"""The whole configuration: network, data and training."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from chainrule.config.schema.data import AnyData
from chainrule.config.schema.fields import Section
from chainrule.config.schema.network import Network
from chainrule.config.schema.training import Training


def _or_empty(value: Any) -> Any:
    """An empty section is one in which everything is left to its default."""
    return {} if value is None else value


class Configuration(Section):
    """A chainrule configuration: a network, its data and its training."""

    network: Network = Field(description="the layers and the loss")
    data: AnyData = Field(
        {}, validate_default=True, description="where the data come from; images by default"
    )
    training: Annotated[Training, BeforeValidator(_or_empty)] = Field(
        {}, validate_default=True, description="how the network is trained"
    )
