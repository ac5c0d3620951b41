"""All ways from any number of a network to its loss: numbers as nodes, local derivatives as edges.

The graph is built backwards from the loss. A layer with an activation has two kinds of numbers, z
and the output; one without has its output alone. What a layer computes in several moves gets nodes
for what lies between: the states of every step of a recurrent layer, and the mean and the variance
of a normalisation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from chainrule.core.arrays import Array
from chainrule.explain.links import (
    MOST_COUNTED,
    WAYS,
    Edges,
    Elementwise,
    FromOne,
    How,
    Link,
    Moved,
    Named,
    ToOne,
    link_of,
    weighed,
)
from chainrule.nn.activations import Linear
from chainrule.nn.graph import INPUT
from chainrule.nn.jacobians import Jacobian
from chainrule.nn.layers.base import Layer, Shape
from chainrule.nn.layers.flatten import Flatten
from chainrule.nn.layers.standardized import Normalising
from chainrule.nn.network import Network
from chainrule.nn.sequences.each_step import BlockDiagonal
from chainrule.nn.sequences.through_time import States, ThroughTime


@dataclass(frozen=True)
class Stop:
    """A number that a path passes.

    Attributes:
        layer: the layer's name; empty for the loss.
        letter: what it is, such as ``z``, ``a``, ``h``, ``mean``, or ``L``.
        index: its place in the arrays of one case, counted from 0; of sequences the step first.
        case: the case, counted from 0; None where it belongs to no single case.
    """

    layer: str
    letter: str
    index: tuple[int, ...] = ()
    case: int | None = None


@dataclass
class Nodes:
    """All numbers of one kind, in one flat array, and what leaves them.

    Attributes:
        layer: the layer's name.
        letter: the symbol.
        shape: of one case, or of all where the numbers belong to no single case.
        shared: whether they belong to no single case.
        links: the edges that leave them, by what they lead to.
        values: what is carried back to them, by the way of carrying; see `links`.
    """

    layer: str
    letter: str
    shape: Shape
    shared: bool = False
    links: list[tuple[Link, Nodes]] = field(default_factory=list)
    values: dict[How, Array] = field(default_factory=dict)

    def finish(self) -> Nodes:
        """Carry everything back from the nodes behind, which are finished."""
        for how in WAYS:
            parts = [link.back(nodes.entered(how), how) for link, nodes in self.links]
            self.values[how] = np.max(parts, axis=0) if how == "best" else np.sum(parts, axis=0)
        np.minimum(self.values["count"], MOST_COUNTED, out=self.values["count"])
        return self

    def entered(self, how: How) -> Array:
        """The values of the numbers that edges from other layers lead to."""
        return self.values[how]

    def leaving(self, i: int) -> Iterable[tuple[Link, Nodes, Edges]]:
        """The edges that leave number i, in bundles."""
        for link, nodes in self.links:
            yield link, nodes, link.leaving(i)

    def stop(self, i: int) -> Stop:
        """The name of number i."""
        if self.shared:
            return Stop(self.layer, self.letter, _index(i, self.shape))
        case, *index = _index(i, (-1, *self.shape))
        return Stop(self.layer, self.letter, tuple(index), case)


def _index(i: int, shape: Shape) -> tuple[int, ...]:
    """The place of number i in an array of this shape, whose first size may be open (−1)."""
    found = []
    for size in reversed(shape):
        i, rest = divmod(i, size) if size > 0 else (0, i)
        found.append(rest)
    return tuple(reversed(found))


# A layer whose steps depend on earlier ones

SLOPE, CARRIED, HANDED_ON = Named("slope"), Named("weight"), Named("", silent=True)


class Unrolled:
    """The nodes of a layer with states, step by step.

    z has the axes (age, case, step, width) and the states (age, case, step, state, size). The age
    counts the steps that a path has gone in this layer: truncated to k steps it goes no further
    than k. Without truncation there is one age, for paths of any length.

    Args:
        layer: the layer.
        through_time: its Jacobian by the z of all steps.
        out: the nodes of its output, finished.
    """

    def __init__(self, layer: Layer, through_time: ThroughTime, out: Nodes) -> None:
        slopes, U = States.of(through_time.slopes, through_time.U)
        self.slopes = np.asarray(slopes, float).transpose(0, 2, 1, 3)
        self.U, self.out, self.last = np.asarray(U, float), out, through_time.last
        self.count, self.cases, self.steps, self.width = self.slopes.shape
        self.size = U.shape[1]
        depth = through_time.depth
        self.depth = None if depth is None or depth >= self.steps else depth
        self.beside = np.arange(self.width) % self.size  # the number of a state beside each of z
        blocks, letters = getattr(layer, "blocks", ("",)), getattr(layer, "state_names", ("h",))
        self.carried = self.width - self.size * (len(blocks) > 1)  # where the last block begins
        names = [f"z_{block}" if block else "z" for block in blocks]
        self.z = StepNodes(self, layer.name, names, (self.steps, self.width))
        self.states = StepNodes(self, layer.name, letters, (self.steps, self.count, self.size))
        for how in WAYS:
            self._carry_back(how)

    @property
    def ages(self) -> int:
        """How many ages are told apart."""
        return self.depth or 1

    def older(self, age: int) -> int | None:
        """The age one step later; None where truncation ends the path."""
        if self.depth is None:
            return age
        return age + 1 if age + 1 < self.depth else None

    def _carry_back(self, how: How) -> None:
        z = np.zeros((self.ages, self.cases, self.steps, self.width))
        states = np.zeros((self.ages, self.cases, self.steps, self.count, self.size))
        put_out = self._put_out(how)
        slopes = weighed(self.slopes, how)
        for step in reversed(range(self.steps)):
            for age in reversed(range(self.ages)):
                here, older = states[age, :, step], self.older(age)
                if older is not None and step + 1 < self.steps:
                    here[...] = self._through_U(z[older, :, step + 1], how)
                own = here[:, 0]
                own[...] = self._either(own, put_out[:, step], how)
                for d, state in zip(slopes[:, :, step], here.swapaxes(0, 1), strict=True):
                    part = d * state[:, self.beside]
                    z[age, :, step] = self._either(z[age, :, step], part, how)
        self.z.values[how], self.states.values[how] = z.ravel(), states.ravel()

    def _either(self, a: Array, b: Array, how: How) -> Array:
        found = np.maximum(a, b) if how == "best" else a + b
        return np.minimum(found, MOST_COUNTED) if how == "count" else found

    def _put_out(self, how: How) -> Array:
        """What the layer's output carries back to the state h of each step."""
        behind = self.out.values[how]
        if self.last is None:
            return behind.reshape(self.cases, self.steps, self.size)
        found = np.zeros((self.cases, self.steps, self.size))
        found[np.arange(self.cases), self.last] = behind.reshape(self.cases, self.size)
        return found

    def _through_U(self, z: Array, how: How) -> Array:
        """What z of the next step, (cases, width), carries back to the states."""
        U = weighed(self.U, how)
        if how != "best":
            return np.einsum("nw,ksw->nks", z, U)
        return np.array([(U * row).max(axis=2) for row in z])

    def from_z(self, place: tuple[int, ...]) -> Iterable[tuple[Link, Nodes, Edges]]:
        """The edges from a number of z to the states of its step."""
        age, case, step, column = place
        shape = (self.ages, self.cases, self.steps, self.count, self.size)
        at = [(age, case, step, k, self.beside[column]) for k in range(self.count)]
        targets = np.array([np.ravel_multi_index(one, shape) for one in at])
        yield SLOPE, self.states, (targets, self.slopes[:, case, step, column])

    def from_state(self, place: tuple[int, ...]) -> Iterable[tuple[Link, Nodes, Edges]]:
        """The edges from a number of a state: to the output, and to z of the next step."""
        age, case, step, state, unit = place
        is_last = self.last is not None and step == self.last[case]
        if state == 0 and (self.last is None or is_last):
            row = case * (1 if is_last else self.steps) + (0 if is_last else step)
            yield HANDED_ON, self.out, (np.array([row * self.size + unit]), np.ones(1))
        older = self.older(age)
        if older is not None and step + 1 < self.steps:
            first = ((older * self.cases + case) * self.steps + step + 1) * self.width
            columns, U = np.arange(self.width), self.U[state, unit]
            for link, part in (
                (CARRIED, columns[: self.carried]),
                (HANDED_ON, columns[self.carried :]),
            ):
                yield link, self.z, (first + part, U[part])


class StepNodes(Nodes):
    """z or the states of an `Unrolled` layer."""

    def __init__(
        self, unrolled: Unrolled, layer: str, letters: Sequence[str], shape: Shape
    ) -> None:
        super().__init__(layer, letters[0], shape)
        self.unrolled, self.letters = unrolled, letters

    def entered(self, how: How) -> Array:
        """See `Nodes.entered`: z of age 0."""
        return self.values[how][: self.unrolled.cases * int(np.prod(self.shape))]

    def leaving(self, i: int) -> Iterable[tuple[Link, Nodes, Edges]]:
        """See `Nodes.leaving`."""
        place = _index(i, (self.unrolled.ages, self.unrolled.cases, *self.shape))
        return self.unrolled.from_z(place) if len(place) == 4 else self.unrolled.from_state(place)

    def stop(self, i: int) -> Stop:
        """See `Nodes.stop`."""
        blocks = (self.unrolled.steps, len(self.letters), self.unrolled.size)
        _, case, step, block, unit = _index(i, (-1, self.unrolled.cases, *blocks))
        return Stop(self.layer, self.letters[block], (step, unit), case)


# The graph


class Ways:
    """The graph from the numbers of one layer to the loss, at the last forward pass.

    Args:
        network: after a forward pass.
        t: prepared targets.
        weights: prepared weights of the cases, or None.
        first: the name of the layer from whose z, or output, the ways lead on.

    Attributes:
        start: the nodes of that layer's z, or of its output where it has no z of its own.
        cases: the number of cases.

    Raises:
        ShapeError: a layer's matrices have no known structure and are too large to write out.
    """

    def __init__(self, network: Network, t: Array, weights: Array | None, first: str) -> None:
        self.network, self.cases = network, len(t)
        self.loss = Nodes("", "L", (1,), shared=True)
        self.loss.values = {how: np.ones(1) for how in WAYS}
        self._fed: dict[int, list[tuple[Link, Nodes]]] = {}
        for k in reversed(network.graph.order):
            layer = network.layers[k]
            entry = self._entry(layer, self._fed.pop(k, []), t, weights)
            if layer.name == first:
                break
            self._feed(k, layer, entry)
        self.start = entry

    def _entry(
        self, layer: Layer, fed: list[tuple[Link, Nodes]], t: Array, weights: Array | None
    ) -> Nodes:
        """The nodes of a layer that its input and its parameters move, finished."""
        network, local = self.network, layer.jacobians()
        out = Nodes(layer.name, layer.output_letter, layer.output_shape, links=fed)
        if layer is network.layers[-1]:
            if network.from_logits is not None:
                return self._before_loss(layer, "z", network.loss_delta(t, weights))
            return self._from_out(
                layer,
                local,
                self._before_loss(layer, out.letter, network.loss_jacobian(t, weights)),
            )
        return self._from_out(layer, local, out.finish())

    def _before_loss(self, layer: Layer, letter: str, derivative: Array) -> Nodes:
        """The nodes that the loss is computed from."""
        found = Nodes(layer.name, letter, layer.output_shape)
        group = np.zeros(derivative.size, int)
        slope = ToOne(group, np.asarray(derivative, float).ravel(), f"∂L/∂{letter}")
        found.links.append((slope, self.loss))
        return found.finish()

    def _from_out(self, layer: Layer, local: Mapping[str, Jacobian], out: Nodes) -> Nodes:
        """The nodes of z of a layer that has a z of its own, else those of its output."""
        by_z = local.get("a", local.get("z"))
        if by_z is None:
            return out
        if isinstance(by_z, ThroughTime):
            return Unrolled(layer, by_z, out).z
        link = link_of(by_z)
        if isinstance(link, Elementwise):
            link.silent = type(getattr(layer, "activation", None)) is Linear
        return Nodes(layer.name, "z", layer.z_shape, links=[(link, out)]).finish()

    def _feed(self, k: int, layer: Layer, entry: Nodes) -> None:
        """Let the outputs that the layer takes lead to its entry."""
        sources, links = self.network.graph.sources[k], self._by_input(layer, entry)
        if len(sources) == 1:
            self._fed.setdefault(sources[0], []).extend(links)
            return
        joined = Nodes(layer.name, "x", layer.input_shape, links=links).finish()
        start = 0
        for source in sources:
            if source != INPUT:
                width = self.network.layers[source].outputs
                places = np.arange(start, start + width)
                link = Moved(places, self.cases, layer.inputs)
                self._fed.setdefault(source, []).append((link, joined))
            start += self.network.input if source == INPUT else width

    def _by_input(self, layer: Layer, entry: Nodes) -> list[tuple[Link, Nodes]]:
        """What leads from the layer's input to its entry."""
        if layer.gives_distribution:  # its z is its input
            return [(Moved(np.arange(layer.inputs), self.cases, layer.inputs), entry)]
        by_x = layer.jacobians()["x"]
        rows = by_x.inner if isinstance(by_x, BlockDiagonal) else by_x
        if isinstance(rows, Normalising):
            return normalised(layer.name, rows, entry)
        link = link_of(by_x)
        link.silent = isinstance(layer, Flatten)  # joins are shown, though they hand on as well
        return [(link, entry)]


def normalised(layer: str, by_x: Normalising, entry: Nodes) -> list[tuple[Link, Nodes]]:
    """The three ways from x to z = γ ⊙ x̂ + β: directly, through the mean, through the variance.

    With σ = √(variance + ε) and the n numbers that share a mean:

        directly               ∂z_i/∂x_i = γ_i / σ
        through the mean       ∂mean/∂x_i = 1/n,               ∂z_j/∂mean = −γ_j / σ
        through the variance   ∂variance/∂x_i = 2 (x_i − mean)/n,  ∂z_j/∂variance = −γ_j x̂_j/(2 σ²)

    Their sum is γ_j / σ ([i = j] − 1/n − x̂_i x̂_j / n).
    """
    at, groups = by_x.at, by_x.groups
    values = np.asarray(at.values, float)
    real = np.ones(values.shape) if at.real is None else np.broadcast_to(at.real, values.shape)
    inverse = np.broadcast_to(np.asarray(at.inverse, float), values.shape)
    slope = (np.broadcast_to(by_x.gain, values.shape) * inverse * real).ravel()
    x_hat, inverse, real = values.ravel(), inverse.ravel(), real.ravel()
    if groups.by_column:
        count, group = groups.form[0], np.tile(groups.labels, len(x_hat) // groups.width)
    else:
        count = len(x_hat) // groups.width
        group = np.repeat(np.arange(count), groups.width)
    to_mean = ToOne(group, real / at.n, "∂mean/∂x")
    to_variance = ToOne(group, 2 * x_hat / (inverse * at.n), "∂variance/∂x")
    from_mean = FromOne(group, -slope, count, "∂z/∂mean")
    from_variance = FromOne(group, -slope * x_hat * inverse / 2, count, "∂z/∂variance")
    mean = Nodes(layer, "mean", (count,), shared=True, links=[(from_mean, entry)])
    variance = Nodes(layer, "variance", (count,), shared=True, links=[(from_variance, entry)])
    return [
        (Elementwise(slope, "γ/σ"), entry),
        (to_mean, mean.finish()),
        (to_variance, variance.finish()),
    ]
