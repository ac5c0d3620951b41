"""Truncated backpropagation through time, which is not the derivative of the loss.

The other checks look at such a network with its truncation taken off. The truncated gradient is
held against its definition: the graph in which the state k steps before an output is a constant.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chainrule.gradients.findings import Finding, Verdict
from chainrule.gradients.numeric import relative_error
from chainrule.layers import Recurrent
from chainrule.network import Network
from chainrule.network_graph import graph_gradient
from chainrule.parameters import Array

LIMIT = 1e-12


def truncating_layers(network: Network) -> list[Recurrent]:
    """The layers whose gradient is cut off before the first step."""
    return [
        layer
        for layer in network.layers
        if isinstance(layer, Recurrent) and layer.truncate is not None
        if layer.truncate < layer.steps
    ]


@contextmanager
def untruncated(network: Network) -> Iterator[None]:
    """While this lasts, the gradient goes back through all steps."""
    layers = truncating_layers(network)
    depths = [layer.truncate for layer in layers]
    for layer in layers:
        layer.truncate = None
    try:
        yield
    finally:
        for layer, depth in zip(layers, depths, strict=True):
            layer.truncate = depth


def against_definition(network: Network, x: Array, t: Array) -> Iterator[Finding]:
    """Every array's truncated gradient against that of the graph which defines it.

    Args:
        network: any; nothing is found in one that truncates nothing.
        x: prepared inputs.
        t: prepared targets.
    """
    layers = truncating_layers(network)
    if not layers:
        return
    depths = ", ".join(f"{layer.name} after {layer.truncate}" for layer in layers)
    defined = graph_gradient(network, x, t)
    network.loss(x, t)
    ours = network.backward_pass(t)
    for segment in network.parameters.layout:
        error = relative_error(ours[segment.full_name], defined[segment.full_name])
        verdict = Verdict.RIGHT if error <= LIMIT else Verdict.WRONG
        size = segment.stop - segment.start
        what = f"∂L/∂{segment.name} cut off in {depths}"
        yield Finding(segment.layer, what, "graph", 1, error, verdict, size, size)
