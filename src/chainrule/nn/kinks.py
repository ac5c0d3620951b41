"""How far a network's numbers are from the kinks of its loss.

At a kink the derivative is a convention. There are signed distances of z to `Activation.kinks`, of
the outputs (`Loss.from_kinks`), between the largest numbers of a pooling window (`Layer.ties`),
and of a weight to 0 under an L1 penalty. A step crosses a kink where a distance changes its sign.
"""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.core.arrays import Array
from chainrule.nn.network import Network


def distances(
    network: Network, x: Array, t: Array, theta: Array, *, bends: bool = True
) -> Iterator[tuple[str, Array]]:
    """Signed distances to every kink and bend, each with a text that names the place.

    Args:
        network: its layers' arrays are not changed.
        x: prepared inputs, (cases, input).
        t: prepared targets.
        theta: a vector like θ; after a complex step along a direction, the imaginary parts of the
            distances are the step times their derivatives along that direction.
        bends: whether to include bends.
    """
    for layer, fed, z, y in network.walk(x, theta):
        x = y
        if (ties := layer.ties(fed)) is not None:
            yield f"ties of {layer.name}", ties
        phi = getattr(layer, "activation", None)
        for kink in (*phi.kinks, *(phi.bends if bends else ())) if phi is not None else ():
            yield f"z of {layer.name} at {kink:g}", z - kink
    loss = network.loss_function.from_kinks(x, t)
    if loss.size:
        yield "the loss", loss
    for term in network.penalised:
        for kink in term.penalty.kinks:
            yield f"w of the penalty at {kink:g}", theta[term.part] - kink
