"""δ = ∂L/∂z of a layer whose output is a function of z, number by number."""

from __future__ import annotations

from chainrule.core.arrays import Array
from chainrule.inspector.record import Record, has_z
from chainrule.nn.jacobians import Diagonal


def delta_from(record: Record, k: int, J: Array) -> Array | None:
    """Keep δ of a layer, right or wrong, and return it.

    Args:
        record: what has been computed so far.
        k: the index of the layer.
        J: ∂L/∂output, (cases, outputs).

    Returns:
        (cases, outputs); None where an output depends on several z, as those of a softmax do.
    """
    network, layer = record.network, record.layer(k)
    slope = layer.jacobians().get("a")
    if k == network.graph.order[-1] and network.from_logits is not None:
        delta = network.loss_delta(record.t, record.weights)
    elif isinstance(getattr(slope, "inner", slope), Diagonal):
        delta = slope.vjp(J)
    else:
        return None
    delta = record.right_or_wrong("delta", k, delta)
    if has_z(layer):
        record.keep(k, "delta", delta, "gradient", "δ", layer.z_shape)
    return delta
