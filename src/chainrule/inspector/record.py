"""A record of one pass: every array of the forward and the backward pass, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from chainrule.core.arguments import require_above_0, require_at_least_0
from chainrule.core.arrays import Array
from chainrule.explain.activations import is_linear
from chainrule.inspector.says import sentence
from chainrule.nn.graph import INPUT, INPUT_WORD
from chainrule.nn.jacobians import Diagonal
from chainrule.nn.network import Network
from chainrule.training.optimizers import SGD, Optimizer

Role = Literal["value", "gradient", "parameter", "parameter_gradient", "update"]

LOSS_WORD = "loss"
"""The name under which the arrays of the loss are kept, as those of a layer under its name."""


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
class FirstStep:
    """The update that follows the backward pass: the first step of an optimiser.

    Attributes:
        rule: the optimiser; it is not changed.
        scale: the schedule's factor of every learning rate.
        most: the largest norm that the gradient may have; None for any.
    """

    rule: Optimizer = field(default_factory=SGD)
    scale: float = 1.0
    most: float | None = None

    def __post_init__(self) -> None:
        require_at_least_0("scale", self.scale)
        if self.most is not None:
            require_above_0("clip_gradient_norm", self.most)


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
        step: the update that follows.
        bugs: wrong rules that take the place of right ones.
        seed: of the random numbers of layers such as dropout.
        entries: the arrays by key, ``LAYER.NAME``.
        loss: the loss, penalty included.
    """

    network: Network
    x: Array
    t: Array
    weights: Array | None = None
    step: FirstStep = field(default_factory=FirstStep)
    bugs: Sequence[Bug] = ()
    seed: int = 0
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
            says: what it is; by default the sentence of `chainrule.inspector.says`.
        """
        owner = INPUT_WORD if k == INPUT else self.layer(k).name
        kind = INPUT_WORD if k == INPUT else self.layer(k).type
        self.keep_of(owner, name, values, role, letter, shape, says or sentence(kind, name))

    def keep_of(
        self,
        owner: str,
        name: str,
        values: Any,
        role: Role,
        letter: str,
        shape: Sequence[int] | None = None,
        says: str = "",
    ) -> None:
        """Store an array of a layer, of the input or of the loss, by its name; see `keep`."""
        values = np.array(values, dtype=float)
        if shape is not None:
            values = values.reshape(len(values), *shape)
        self.entries[f"{owner}.{name}"] = Recorded(values, role, letter, shape is not None, says)

    def right_or_wrong(self, stage: str, k: int, right: Array) -> Array:
        """What the rule of a stage computes, or the first bug that is at this stage."""
        for bug in self.bugs:
            found = bug.wrong(stage, self, k, right)
            if found is not None:
                return np.asarray(found, dtype=float).reshape(right.shape)
        return right


def has_z(layer: Any) -> bool:
    """Whether the output is a function of z other than z itself, so that z is an array too."""
    phi = getattr(layer, "activation", None)
    return phi is not None and not is_linear(phi)


def letter_of_output(record: Record, k: int) -> str:
    """The letter of a layer's output: y of the last layer, h of a state, z where it is z."""
    if k == record.network.graph.order[-1]:
        return "y"
    layer: Any = record.layer(k)
    if hasattr(layer, "state_names"):
        return "a" if layer.only_last else "h"
    return "a" if has_z(record.layer(k)) else "z"


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
