"""``chainrule describe CONFIG``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.cli.options import Config, Overrides
from chainrule.cli.terminal import say

if TYPE_CHECKING:
    from chainrule.nn.description import Description


def command(
    config: Config,
    set_: Overrides = None,
) -> None:
    """Show the shapes and parameters of a network's layers.

    Nothing is trained and no parameter is made; the data are read only where the network's input
    is left out.
    """
    from chainrule.config.load import load_config
    from chainrule.runs.resolve import describe_network

    _print(describe_network(load_config(config, set_ or [])))


def _print(network: Description) -> None:
    """Print a line for each layer, then the totals."""
    from chainrule.cli.tables import print_rows
    from chainrule.nn.layers.base import sizes_text

    rows = [
        (
            layer.name,
            layer.type,
            ", ".join(layer.fed_by),
            sizes_text(layer.output_shape),
            *map(_count, (layer.weights, layer.biases, layer.multiplications)),
        )
        for layer in network.layers
    ]
    print_rows(
        ("layer", "type", "fed by", "output", "weights", "biases", "multiplications"),
        [("input", "", "", sizes_text(network.input_shape), "", "", ""), *rows],
        words=3,
    )
    weights, biases = f"{network.weights:,} weights", f"{network.biases:,} biases"
    say(f"parameters       {network.parameters:,}: {weights} and {biases}")
    say(f"bytes            {network.bytes:,} in {network.dtype}; the gradient takes as many")
    say(f"multiplications  {network.multiplications:,} by weights, a case and forward pass")


def _count(number: int) -> str:
    return f"{number:,}" if number else "–"
