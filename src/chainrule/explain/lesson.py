"""One pass through a network, with a name for every number in it, and a choice of what matters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import prod
from typing import Any, Protocol

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError
from chainrule.core.notation import sizes_text
from chainrule.explain.expressions import (
    MOST_TERMS,
    Expression,
    Name,
    Others,
    Ratio,
    Sum,
    Variable,
    by,
)
from chainrule.explain.paths import place_of
from chainrule.nn.graph import INPUT
from chainrule.nn.network import Network
from chainrule.nn.parameters import Parameters


class Explains(Protocol):
    """What a lesson asks an explainer of a kind of layer; see `explain.layers.base`."""

    def letter(self, layer: Any) -> str:
        """The letter of the layer's outputs."""

    def outputs_of(self, at: Place, name: str, index: tuple[int, ...]) -> Iterable[int]:
        """The outputs that a number of a parameter leads to directly."""

    def choose(self, at: Place) -> tuple[int, ...] | None:
        """The outputs that are worked out; None for those that matter most."""


MOST_UNITS = 4
"""The most outputs of a layer that are worked out one by one."""

MOST_UNITS_ASKED = 2
"""The same where one weight is asked for."""

MOST_LOOKED_AT = 500
"""Of a larger array the weights of the largest gradients that may be worked out."""

MOST_CELLS = 12
"""The most weights of an array whose gradients are worked out one by one."""


@dataclass(frozen=True)
class Weight:
    """One number of θ.

    Attributes:
        array: its array's full name, such as ``dense_1.W``.
        index: its place there, counted from 0 on each axis.
    """

    array: str
    index: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.array}[{','.join(map(str, self.index))}]"


@dataclass
class Lesson:
    """Both passes on one minibatch, of which one case is worked out.

    Attributes:
        network: a copy in float64, after the backward pass; its gradients are those of the loss.
        x: the prepared inputs, (cases, input).
        t: the prepared targets.
        explainer_of: the table of explainers, `chainrule.explain.layers.explainer_of`.
        weights: those of the cases, or None.
        case: which case is worked out, an index into x.
        input_names: what the inputs are called, one for each, or None.
        output_names: what the outputs stand for, one for each, or None.
        notes: sentences on the inputs.
        weight: the weight that the reader asked for, or None.
        fed: each layer's input, (cases, inputs), by its index in the network.
        z: each layer's z, likewise.
        out: each layer's output.
        received: ∂L/∂ each layer's output.
        sent: ∂L/∂ each layer's input.
        chosen: the outputs of each layer that are worked out one by one, as flat indices.
        loss: the loss, penalty included.
        cells: what `Place.cells` has found.
    """

    network: Network
    x: Array
    t: Array
    explainer_of: Callable[[Any], Explains]
    weights: Array | None = None
    case: int = 0
    input_names: tuple[str, ...] | None = None
    output_names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    weight: Weight | None = None
    fed: dict[int, Array] = field(default_factory=dict)
    z: dict[int, Array] = field(default_factory=dict)
    out: dict[int, Array] = field(default_factory=dict)
    received: dict[int, Array] = field(default_factory=dict)
    sent: dict[int, Array] = field(default_factory=dict)
    chosen: dict[int, tuple[int, ...]] = field(default_factory=dict)
    loss: float = 0.0
    said: set[str] = field(default_factory=set)
    cells: dict[Any, tuple[tuple[int, ...], ...]] = field(default_factory=dict)

    def first_time(self, topic: str) -> bool:
        """Whether this is asked for the first time: what was explained once is not repeated."""
        is_new = topic not in self.said
        self.said.add(topic)
        return is_new

    @property
    def cases(self) -> int:
        """The number of cases of the minibatch."""
        return len(self.x)

    @property
    def order(self) -> tuple[int, ...]:
        """The indices of the layers in the order of the forward pass."""
        return self.network.graph.order

    @property
    def last(self) -> int:
        """The index of the layer whose output is the network's."""
        return self.order[-1]

    def place(self, k: int) -> Place:
        """The layer of index ``k`` and the names of its numbers."""
        return Place(self, k)

    def places(self) -> Iterator[Place]:
        """All layers, in the order of the forward pass."""
        return map(self.place, self.order)

    def consumers(self, k: int) -> list[tuple[int, int]]:
        """The layers that the output of layer ``k`` feeds: index, and which of its sources."""
        sources = self.network.graph.sources
        return [(c, j) for c in self.order for j, s in enumerate(sources[c]) if s == k]

    def number(self, vector: Parameters, k: int) -> Variable:
        """Number k of θ, or of its gradient, by its name."""
        segment = next(s for s in vector.layout if s.start <= k < s.stop)
        index = tuple(int(n) for n in np.unravel_index(k - segment.start, segment.shape))
        names = [layer.name for layer in self.network.layers]
        place = self.place(names.index(segment.layer))
        if vector is self.network.gradients:
            return place.gradient(segment.name, *index)
        return place.parameter(segment.name, *index)

    def input(self, i: int) -> Variable:
        """Number i of the network's input."""
        return Variable(float(self.x[self.case, i]), Name("x", at=at(i, self.network.input_shape)))

    def run(self) -> None:
        """Make both passes, store what each layer saw, and choose what is worked out."""
        network = self.network
        passed = zip(self.order, network.walk(self.x, network.theta), strict=True)
        for k, (_, fed, z, out) in passed:
            self.fed[k], self.z[k], self.out[k] = fed.copy(), z.copy(), out.copy()
        network.propagate(self.x.copy())
        self.loss = float(network.loss_of_pass(self.t, self.weights))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            self.received[self.last] = network.loss_jacobian(self.t, self.weights)
        network.backpropagate(self.t, to_input=True, weights=self.weights)
        for k in reversed(self.order):
            self._send(k)
        for k in reversed(self.order):
            self.chosen[k] = self._choose(k)

    @cached_property
    def looked_at(self) -> Weight:
        """The weight that is looked at more closely: the asked one, else one that matters.

        That is the one of the largest gradient in the first layer that has weights.
        """
        if self.weight is not None:
            return self.weight
        trained = self.network.parameters.layout.trained
        layers = {segment.layer for segment in trained}
        first = next(place.layer.name for place in self.places() if place.layer.name in layers)
        segment = next(one for one in trained if one.layer == first)
        gradient = np.abs(self.network.gradients[segment.full_name])
        place = np.unravel_index(int(np.argmax(gradient)), segment.shape)
        return Weight(segment.full_name, tuple(int(k) for k in place))

    def _send(self, k: int) -> None:
        """Store what layer k sends back: δ ∂z/∂x, split among its sources."""
        layer: Any = self.network.layers[k]
        is_softmax = layer.gives_distribution
        sent = layer.delta if is_softmax else layer.jacobians()["x"].vjp(layer.delta)
        self.sent[k] = sent.copy()
        sources = self.network.graph.sources[k]
        for source, part in zip(sources, layer.part(self.sent[k]), strict=True):
            before = self.received.get(source)
            self.received[source] = part.copy() if before is None else before + part

    def _choose(self, k: int) -> tuple[int, ...]:
        """The outputs of layer k that are worked out: all of a few, else those that matter.

        They are one that the weight looked at leads to, and those for which ∂L/∂output times the
        output is largest; with a weight that is asked for fewer than else.
        """
        out, J = self.out[k][self.case], self.received[k][self.case]
        own = self.place(k).explainer.choose(self.place(k))
        if own is not None:
            return own
        real = np.flatnonzero(~np.isnan(out))  # without the padding of a sequence
        if len(real) <= MOST_UNITS:
            return tuple(int(j) for j in real)
        effect = np.nan_to_num(np.abs(J * out)) + 1e-9 * np.nan_to_num(np.abs(out))
        effect[np.isnan(out)] = -1
        led_to = list(self.place(k).led_to())
        if led_to:
            effect[max(led_to, key=lambda j: effect[j])] = np.inf
        most = MOST_UNITS if self.weight is None else MOST_UNITS_ASKED
        return tuple(sorted(int(j) for j in np.argsort(-effect, kind="stable")[:most]))


def largest(
    lesson: Lesson, values: Array, make: Callable[[Variable], Expression], vector: Parameters
) -> Expression:
    """A sum with a term for each number of θ that counts, those of the largest written out.

    Args:
        lesson: the passes.
        values: the terms' values, of θ's length; NaN for a number that has no term.
        make: from a variable to its term.
        vector: what the variables are: θ, or the gradient.
    """
    real = np.flatnonzero(~np.isnan(values))
    order = real[np.argsort(-np.abs(values[real]), kind="stable")]
    chosen = sorted(order if len(order) <= MOST_TERMS + 1 else order[:MOST_TERMS])
    terms = [make(lesson.number(vector, int(k))) for k in chosen]
    if len(chosen) < len(order):
        rest = float(values[real].sum() - values[chosen].sum())
        terms.append(Others(rest, len(order) - len(chosen)))
    return Sum(tuple(terms)) if len(terms) > 1 else terms[0]


def at(i: int, shape: Sequence[int]) -> tuple[int, ...]:
    """The place of a flat index in an array of a shape, counted from 1.

    Example:
        >>> at(5, (4, 3))
        (2, 3)
    """
    return tuple(int(k) + 1 for k in np.unravel_index(i, shape))


@dataclass(frozen=True)
class Place:
    """A layer in a lesson: its numbers as variables, with names and values.

    Indices are flat and counted from 0; names count from 1 on each axis. All numbers are those of
    the case that is worked out.

    Attributes:
        lesson: the passes.
        k: the index of the layer in the network.
    """

    lesson: Lesson
    k: int

    @property
    def layer(self) -> Any:
        """The layer itself."""
        return self.lesson.network.layers[self.k]

    @property
    def number(self) -> int:
        """The layer's number on the board, counted from 1 in the order of the forward pass."""
        return self.lesson.order.index(self.k) + 1

    @property
    def explainer(self) -> Explains:
        """What explains layers of this kind."""
        return self.lesson.explainer_of(self.layer)

    @property
    def is_last(self) -> bool:
        """Whether its output is the network's."""
        return self.k == self.lesson.last

    @property
    def chosen(self) -> tuple[int, ...]:
        """The outputs that are worked out."""
        return self.lesson.chosen[self.k]

    def once(self, text: str, topic: str = "") -> str:
        """The text where its topic, else the text itself, is new to the lesson; else nothing."""
        return text if self.lesson.first_time(topic or text) else ""

    # The forward pass

    def _of_case(self, arrays: dict[int, Array], j: int) -> float:
        return float(arrays[self.k][self.lesson.case, j])

    def _name(self, letter: str, j: int, shape: Sequence[int]) -> Name:
        return Name(letter, self.number, at(j, shape))

    def input(self, i: int) -> Variable:
        """Input i, by the name that it has as an output of its source."""
        source, i = self._source(i)
        if source == INPUT:
            return self.lesson.input(i)
        return self.lesson.place(source).output(i)

    def _source(self, i: int) -> tuple[int, int]:
        """Which layer input i comes from, and which output of that layer it is."""
        for source in self.lesson.network.graph.sources[self.k]:
            width = self.lesson.x.shape[1] if source == INPUT else self.lesson.out[source].shape[1]
            if i < width:
                return source, i
            i -= width
        raise AssertionError(f"{self.layer.name} has no input of this index")

    def z(self, j: int) -> Variable:
        """Number j before the activation."""
        return Variable(self._of_case(self.lesson.z, j), self._name("z", j, self.layer.z_shape))

    def output(self, j: int) -> Variable:
        """Output j: y of the last layer, else the letter that the explainer gives."""
        if self.is_last:
            name = Name("y", at=at(j, self.layer.output_shape))
        else:
            name = self._name(self.explainer.letter(self.layer), j, self.layer.output_shape)
        return Variable(self._of_case(self.lesson.out, j), name)

    @property
    def fed(self) -> Array:
        """The values of all inputs."""
        return self.lesson.fed[self.k][self.lesson.case]

    @property
    def deltas(self) -> Array:
        """The values of all δ."""
        found: Array = self.layer.delta[self.lesson.case]
        return found

    @property
    def inputs(self) -> range:
        """The indices of all inputs."""
        return range(self.lesson.fed[self.k].shape[1])

    @property
    def outputs(self) -> range:
        """The indices of all outputs."""
        return range(self.lesson.out[self.k].shape[1])

    def parameter(self, name: str, *index: int) -> Variable:
        """A number of a parameter, such as ``parameter("W", 0, 1)``."""
        value = self.lesson.network.parameters[f"{self.layer.name}.{name}"][index]
        return Variable(float(value), self.parameter_name(name, *index))

    def parameter_name(self, name: str, *index: int) -> Name:
        """The name of a parameter, or of one of its numbers."""
        letter = {"gamma": "γ", "beta": "β", "b_hn": "bʰ", "h0": "h⁰", "c0": "c⁰"}.get(name, name)
        return Name(letter, self.number, tuple(k + 1 for k in index))

    # The backward pass

    def received(self, j: int) -> Variable:
        """∂L/∂output j, which the layers above, or the loss, have worked out.

        It is called δ where the output is z itself.
        """
        value = self._of_case(self.lesson.received, j)
        return Variable(value, self._gradient_name(self.output(j).name, j))

    def _gradient_name(self, name: Name | Ratio, j: int) -> Name | Ratio:
        assert isinstance(name, Name), "an output has a simple name"
        return Name("δ", name.layer, name.at) if name.letter == "z" else by(name)

    def delta(self, j: int) -> Variable:
        """δ = ∂L/∂z of number j."""
        value = float(self.layer.delta[self.lesson.case, j])
        return Variable(value, self._name("δ", j, self.layer.z_shape))

    def sent(self, i: int) -> Variable:
        """∂L/∂input i as this layer finds it: what its source receives from it.

        Where several layers use that input, it is the part that goes through this layer.
        """
        source, index = self._source(i)
        name = self.input(i).name
        value = float(self.lesson.sent[self.k][self.lesson.case, i])
        if source == INPUT:
            assert isinstance(name, Name), "an input has a simple name"
            return Variable(value, by(name))
        if len(self.lesson.consumers(source)) == 1:
            return Variable(value, self._gradient_name(name, index))
        assert isinstance(name, Name), "an output has a simple name"
        through = f"through layer {self.number}"
        return Variable(value, by(Name(name.letter, name.layer, name.at, through)))

    def sent_to(self, source: int, j: int) -> Variable:
        """What this layer sends back for output j of one of its sources, counted from 0."""
        sources = self.lesson.network.graph.sources[self.k][:source]
        widths = (
            self.lesson.x.shape[1] if one == INPUT else self.lesson.out[one].shape[1]
            for one in sources
        )
        return self.sent(sum(widths) + j)

    @property
    def chosen_inputs(self) -> tuple[int, ...]:
        """The inputs whose ∂L/∂input is worked out: the chosen outputs of the layers before."""
        found: list[int] = []
        start = 0
        for source in self.lesson.network.graph.sources[self.k]:
            if source == INPUT:
                start += self.lesson.x.shape[1]
                continue
            found += [start + j for j in self.lesson.chosen[source]]
            start += self.lesson.out[source].shape[1]
        return tuple(found)

    # Parameters and their gradients

    def gradient(self, name: str, *index: int) -> Variable:
        """∂L/∂ a number of a parameter, penalty included."""
        value = self.lesson.network.gradients[f"{self.layer.name}.{name}"][index]
        return Variable(float(value), by(self.parameter_name(name, *index)))

    def rates(self, name: str) -> dict[str, float]:
        """The rates of the penalties on a parameter, by ``L1`` and ``L2``."""
        return dict(self.lesson.network.penalty_rates(f"{self.layer.name}.{name}"))

    def led_to(self) -> tuple[int, ...]:
        """The outputs that the weight looked at leads to directly, if it is one of this layer."""
        layer, _, name = self.lesson.looked_at.array.rpartition(".")
        if layer != self.layer.name:
            return ()
        return tuple(self.explainer.outputs_of(self, name, self.lesson.looked_at.index))

    def cells(self, name: str) -> tuple[tuple[int, ...], ...]:
        """The numbers of a parameter whose gradient is worked out: all of a few, else some.

        If a weight is asked for, it alone.
        """
        full_name = f"{self.layer.name}.{name}"
        shape = self.lesson.network.parameters.layout[full_name].shape
        asked = self.lesson.weight
        if asked is not None:
            return (asked.index,) if asked.array == full_name else ()
        key = full_name, self.chosen
        if key not in self.lesson.cells:
            self.lesson.cells[key] = self._cells(name, shape)
        return self.lesson.cells[key]

    def _cells(self, name: str, shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
        """The same where no weight is asked for; it takes a while where weights are shared."""
        full_name, worked_out = f"{self.layer.name}.{name}", set(self.chosen)

        def leads_elsewhere(index: tuple[int, ...]) -> bool:
            return worked_out.isdisjoint(self.explainer.outputs_of(self, name, index))

        if prod(shape) <= MOST_CELLS:
            every = tuple(product(*map(range, shape)))
            return tuple(index for index in every if not leads_elsewhere(index)) or every
        found = np.abs(self.lesson.network.gradients[full_name])
        order = np.argsort(-found, axis=None, kind="stable")[:MOST_LOOKED_AT]
        places = [tuple(int(k) for k in np.unravel_index(n, shape)) for n in order]
        return tuple(sorted(sorted(places, key=leads_elsewhere)[:MOST_UNITS]))


def in_float64(network: Network) -> Network:
    """A copy of the network in float64, for which nothing has been computed yet."""
    made = deepcopy(network)
    made.dtype = np.dtype("float64")
    layout = made.parameters.layout
    made.parameters = Parameters(layout, made.theta.astype("float64"))
    made.gradients = Parameters(layout)
    made._bind()
    return made


def weight_named(network: Network, text: str) -> Weight:
    """The weight that a text such as ``dense_1.W[0,2]`` names.

    Raises:
        ShapeError: there is no such array, or no such place in it.
    """
    if not isinstance(text, str):
        raise ShapeError(f"a weight is named by a text such as 'dense_1.W[0,2]', found {text!r}")
    array, bracket, inner = text.replace(" ", "").partition("[")
    segment = network.parameters.layout[array]
    sizes = sizes_text(segment.shape)
    example = f"{array}[{','.join('0' * len(segment.shape))}]"
    try:
        index = tuple(int(part) for part in inner.removesuffix("]").split(","))
    except ValueError:
        index = ()
    if not bracket or not inner.endswith("]") or len(index) != len(segment.shape):
        raise ShapeError(f"a weight is written as {example}: {array} is {sizes}; found {text!r}")
    return Weight(array, place_of(network, array, index))
