"""What other libraries have in common where they run a network of ours.

A library has a table of counterparts for each kind of part: layers, activations, losses, penalties
and update rules. It cannot run a network with a part that is in no table.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

from chainrule.core.registry import name_in
from chainrule.nn.activations import ACTIVATIONS, Activation
from chainrule.nn.layer_types import Layer, Recurrent
from chainrule.nn.losses import LOSSES, Loss
from chainrule.nn.network import Network
from chainrule.nn.parameters import Segment
from chainrule.nn.sequences.losses import loss_of_a_step
from chainrule.training.optimizers import OPTIMIZERS, Optimizer


class Library(NamedTuple):
    """The parts that have a counterpart in a library; a class derived from one of them has none.

    Attributes:
        layers: their classes.
        activations: likewise.
        losses: likewise, those of a step where the network puts out sequences.
        penalties: their names.
        rules: the classes of optimisers.
    """

    layers: Collection[type[Layer]]
    activations: Collection[type[Activation]]
    losses: Collection[type[Loss]]
    penalties: Collection[str]
    rules: Collection[type[Optimizer]] = ()

    def missing_layers(self, network: Network) -> Iterator[tuple[str, str]]:
        """What the library does not have of layers and activations, and in which layer."""
        for layer in network.layers:
            kind, phi = layer.__class__, getattr(layer, "activation", None)
            if kind not in self.layers:
                yield f"layer {kind.__name__}", layer.name
            elif phi is not None and type(phi) not in self.activations:
                yield f"activation {name_in(ACTIVATIONS, phi)}", layer.name

    def missing(self, network: Network) -> Iterator[str]:
        """Parts of a network that the library does not have, such as ``loss huber``."""
        yield from (what for what, _ in self.missing_layers(network))
        loss = loss_of_a_step(network.loss_function)
        if type(loss) not in self.losses:
            yield f"loss {name_in(LOSSES, loss)}"
        for term in network.penalised:
            if term.type not in self.penalties:
                yield f"penalty {term.type}"

    def reason_against(self, network: Network, optimizer: Optimizer | None = None) -> str | None:
        """Why the library cannot compute a network's loss, or train it; None where it can.

        Args:
            network: any.
            optimizer: bound to it, whose steps the library is to make; None for none.
        """
        what = next(self.missing(network), None)
        if what is None and optimizer is not None and type(optimizer) not in self.rules:
            what = f"optimizer {name_in(OPTIMIZERS, optimizer)}"
        if what is not None:
            return f"it has no {what}"
        for segment in network.parameters.layout.trained if optimizer is not None else ():
            if rate_of(segment, optimizer) is None:
                return (
                    f"it takes one learning rate for each array; {segment.full_name} has several"
                )
        return None


def rate_of(segment: Segment, optimizer: Any) -> float | None:
    """The learning rate of an array, before a schedule's factor; None where it has several."""
    return next(
        (
            rate
            for part, rate in optimizer.rates
            if part.start <= segment.start and segment.stop <= part.stop
        ),
        None,
    )


def recurrence(
    xp: Any,
    constant: Callable[[Any], Any],
    layer: Recurrent,
    x: Any,
    own: Mapping[str, Any],
    activate: Callable[[Any], Any],
) -> Any:
    """The output of a recurrent layer, h(n) = φ(x(n) W + h(n−1) U + b), in a library's arrays.

    Truncated to k steps, the output of a step is computed again from the state k steps before,
    which is a constant: that is the layer's definition of its truncated gradient.

    Args:
        xp: the library's module of array operations.
        constant: stops the library's differentiation at an array.
        layer: says the truncation, and whether only the last output is given.
        x: (cases, steps, features); NaN at every feature of a step that is padding.
        own: W, U, the start state h0, and b where the layer has biases.
        activate: the library's φ.

    Returns:
        (cases, steps, size) with NaN at padding, or (cases, size).
    """
    padded = xp.isnan(x).all(2)
    fed = xp.where(padded[:, :, None], 0.0, x) @ own["W"]
    if layer.bias:
        fed = fed + own["b"]

    def run(h: Any, first: int, last: int) -> list[Any]:
        """The states after each of some steps, from the state h before them."""
        states = []
        for n in range(first, last):
            h = activate(fed[:, n] + h @ own["U"])
            states.append(h)
        return states

    steps = layer.steps
    states = run(own["h0"] + 0 * fed[:, 0], 0, steps)
    k = layer.truncate or steps
    for m in range(steps - 1, k - 1, -1):
        states[m] = run(constant(states[m - k]), m - k + 1, m + 1)[-1]
    by_case = xp.stack(states, 1)
    if layer.only_last:
        return by_case[xp.arange(len(x)), (~padded).sum(1) - 1]
    return xp.where(padded[:, :, None], float("nan"), by_case)
