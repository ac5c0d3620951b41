"""A record of one pass: every array that the forward and the backward pass compute, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from chainrule.core.arrays import Array
from chainrule.explain.activations import is_linear
from chainrule.nn.graph import INPUT
from chainrule.nn.jacobians import Diagonal
from chainrule.nn.network import Network

Role = Literal["value", "gradient", "parameter", "parameter_gradient", "update"]


class Bug(Protocol):
    """A wrong rule that takes the place of a right one at some stage of the backward pass."""

    def wrong(self, stage: str, record: Record, k: int, right: Array) -> Array | None:
        """What the wrong rule computes instead of ``right``; None where the bug is elsewhere.

        Args:
            stage: ``J`` (∂L/∂y of the last layer), ``delta``, ``sent`` (∂L/∂input), ``NAME_grad``
                (without the penalty) or ``NAME_penalty`` (what the penalty adds to it).
            record: what has been computed so far.
            k: the index of the layer.
            right: what the right rule computes.
        """


@dataclass(frozen=True)
class Recorded:
    """One array of a pass.

    Attributes:
        values: of cases: the cases first, then the shape of one case; of parameters: their shape.
        role: what kind of number it holds.
        letter: its letter in formulas, such as ``W``, ``a``, ``δ`` or ``∂L/∂W``.
        of_cases: whether its first axis counts the cases.
        says: what it is, in one sentence.
    """

    values: Array
    role: Role
    letter: str
    of_cases: bool = True
    says: str = ""


@dataclass
class Record:
    """Every array of one pass, in the order in which they are computed.

    Attributes:
        network: in float64, after its backward pass.
        x: the prepared inputs, (cases, input).
        t: the prepared targets.
        weights: those of the cases; None for 1 everywhere.
        bugs: wrong rules that take the place of right ones.
        entries: the arrays by key, ``LAYER.NAME``.
        loss: the loss, penalty included.
    """

    network: Network
    x: Array
    t: Array
    weights: Array | None = None
    bugs: Sequence[Bug] = ()
    entries: dict[str, Recorded] = field(default_factory=dict)
    loss: float = 0.0

    def __getitem__(self, key: str) -> Array:
        return self.entries[key].values

    def layer(self, k: int) -> Any:
        """The layer of an index."""
        return self.network.layers[k]

    def keep(
        self,
        k: int,
        name: str,
        values: Array,
        role: Role,
        letter: str,
        shape: Sequence[int] | None = None,
        says: str = "",
    ) -> None:
        """Store an array of a layer.

        Args:
            k: the index of the layer.
            name: of the array within the layer.
            values: of cases as rows, if a shape is given.
            role: see `Recorded`, and so are ``letter`` and ``says``.
            letter: in formulas.
            shape: of one case; None for an array that is not of cases.
            says: what it is.
        """
        values = np.array(values, dtype=float)
        if shape is not None:
            values = values.reshape(len(values), *shape)
        key = f"{self.layer(k).name}.{name}" if k != INPUT else f"input.{name}"
        self.entries[key] = Recorded(values, role, letter, shape is not None, says)

    def right_or_wrong(self, stage: str, k: int, right: Array) -> Array:
        """What the rule of a stage computes, or the first bug that is at this stage."""
        for bug in self.bugs:
            found = bug.wrong(stage, self, k, right)
            if found is not None:
                return np.asarray(found, dtype=float).reshape(right.shape)
        return right


def recorded(
    network: Network,
    x: Array,
    t: Array,
    weights: Array | None = None,
    *,
    seed: int = 0,
    bugs: Sequence[Bug] = (),
) -> Record:
    """Both passes in training mode, with every array that they compute.

    Args:
        network: in float64; the passes change only what it stores.
        x: prepared inputs.
        t: prepared targets.
        weights: prepared weights of the cases.
        seed: of the random numbers of layers such as dropout.
        bugs: wrong rules, see `Bug`.
    """
    record = Record(network, x, t, weights, bugs)
    with network.training_mode(seed), np.errstate(all="ignore"):
        _forward(record)
        _backward(record)
        _gradients(record)
    return record


def _forward(record: Record) -> None:
    network = record.network
    record.keep(INPUT, "out", record.x, "value", "x", network.input_shape)
    network.propagate(record.x.copy())
    passed = network.walk(record.x, network.theta)
    for k, (_, _, z, out) in zip(network.graph.order, passed, strict=True):
        layer: Any = record.layer(k)
        for name, values in network.parameters.layer(layer.name).items():
            record.keep(k, name, values, "parameter", letter_of(name))
        if has_z(layer):
            record.keep(k, "z", z, "value", "z", layer.z_shape)
        record.keep(k, "out", out, "value", letter_of_output(record, k), layer.output_shape)
    record.loss = float(network.loss_of_pass(record.t, record.weights))


def has_z(layer: Any) -> bool:
    """Whether the output is a function of z other than z itself, so that z is an array too."""
    phi = getattr(layer, "activation", None)
    return phi is not None and not is_linear(phi)


def letter_of(name: str) -> str:
    """The letter of a parameter."""
    return {"gamma": "γ", "beta": "β", "b_hn": "bʰ", "h0": "h⁰", "c0": "c⁰"}.get(name, name)


def letter_of_output(record: Record, k: int) -> str:
    """The letter of a layer's output: y of the last layer, z where it is z itself."""
    if k == record.network.graph.order[-1]:
        return "y"
    return "a" if has_z(record.layer(k)) else "z"


def _backward(record: Record) -> None:
    network = record.network
    order = network.graph.order
    received: dict[int, Array] = {}
    shared = {s for s in range(-1, len(order)) if sum(s in x for x in network.graph.sources) > 1}
    for k in reversed(order):
        layer: Any = record.layer(k)
        if k == order[-1]:
            J = network.loss_jacobian(record.t, record.weights)
            J = record.right_or_wrong("J", k, J)
        else:
            J = received.pop(k)
        letter = f"∂L/∂{letter_of_output(record, k)}"
        record.keep(k, "J", J, "gradient", letter, layer.output_shape)
        sent = record.right_or_wrong("sent", k, _back_through(record, k, J))
        if shared.intersection(network.graph.sources[k]):
            record.keep(k, "sent", sent, "gradient", "∂L/∂x", layer.input_shape)
        for source, part in zip(network.graph.sources[k], layer.part(sent), strict=True):
            received[source] = received[source] + part if source in received else part
    record.keep(INPUT, "J", received[INPUT], "gradient", "∂L/∂x", network.input_shape)


def _back_through(record: Record, k: int, J: Array) -> Array:
    """∂L/∂input of a layer, which stores δ and the gradients of its parameters."""
    network, layer = record.network, record.layer(k)
    slope = layer.jacobians().get("a")
    if k == network.graph.order[-1] and network.from_logits is not None:
        delta = network.loss_delta(record.t, record.weights)
    elif isinstance(slope, Diagonal):
        delta = slope.vjp(J)
    else:
        found: Array = layer.backward_pass(J)
        if has_z(layer):
            record.keep(k, "delta", layer.delta, "gradient", "δ", layer.z_shape)
        return found
    delta = record.right_or_wrong("delta", k, delta)
    if has_z(layer):
        record.keep(k, "delta", delta, "gradient", "δ", layer.z_shape)
    return layer.backward_from_delta(delta)


def _gradients(record: Record) -> None:
    """The gradients of the parameters, with what the penalty adds."""
    network = record.network
    penalty = network.penalty_gradient()
    for k in network.graph.order:
        for segment in network.parameters.layout.of_layer(record.layer(k).name):
            if not segment.trained:
                continue
            gradient = network.gradients[segment.full_name]
            added = penalty[segment.slice].reshape(segment.shape)
            gradient = record.right_or_wrong(f"{segment.name}_grad", k, gradient)
            added = record.right_or_wrong(f"{segment.name}_penalty", k, added)
            letter = f"∂L/∂{letter_of(segment.name)}"
            record.keep(k, f"{segment.name}_grad", gradient + added, "parameter_gradient", letter)
