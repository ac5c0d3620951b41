"""Truncated backpropagation through time, which is not the derivative of the loss.

The other checks look at such a network with its truncation taken off. The truncated gradient is
held against its definition: the graph in which the state k steps before an output is a constant.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from chainrule.core.arrays import Array
from chainrule.gradients.findings import Finding
from chainrule.gradients.network_graph import graph_gradient
from chainrule.gradients.rounding import rounding
from chainrule.gradients.whole import Comparison, finding_of
from chainrule.nn.layer_types import Recurrent
from chainrule.nn.network import Network

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


def against_definition(
    network: Network, x: Array, t: Array, *, rng: np.random.Generator
) -> Iterator[Finding]:
    """Every array's truncated gradient against that of the graph which defines it.

    Args:
        network: any; nothing is found in one that truncates nothing.
        x: prepared inputs.
        t: prepared targets.
        rng: by how much things are moved to see what rounding does.
    """
    layers = truncating_layers(network)
    if not layers:
        return
    depths = ", ".join(f"{layer.name} after {layer.truncate}" for layer in layers)
    defined = graph_gradient(network, x, t).vector
    network.loss(x, t)
    ours = network.backward_pass(t).vector.copy()
    noise = rounding(network, x, t, rng=rng).gradient
    for segment in network.parameters.layout:
        at = np.arange(segment.start, segment.stop)
        found = Comparison(at, ours[at], defined[at], noise[at], np.zeros(len(at)), LIMIT)
        what = f"∂L/∂{segment.name} cut off in {depths}"
        yield replace(finding_of(segment, "graph", 1, found), what=what)
