"""Every path by which one weight moves the loss, and the sum of their products: its gradient.

A weight moves numbers z of its layer, each z moves an output, an output moves the numbers of the
next layer, and so on to the loss L. Each such move is a factor, a local derivative. The product of
the factors along a path is what the weight does to L that way, and the sum of the products of all
paths is ∂L/∂w: that is the chain rule. There may be very many paths. The ones of greatest
|product| are found best-first, and the others are told by their number and their sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count, islice
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.errors import ShapeError
from chainrule.explain.links import MOST_COUNTED, Edges, Link, Named
from chainrule.explain.ways import Nodes, Stop, Ways
from chainrule.nn.network import Network

MOST_PATHS = 10
"""How many paths are listed if nothing else is asked for."""


@dataclass(frozen=True)
class Factor:
    """One move along a path.

    Attributes:
        value: the local derivative.
        what: what it is, such as ``∂z/∂w``, ``slope``, ``weight``, ``∂L/∂a``.
        to: the number that is moved.
    """

    value: float
    what: str
    to: Stop


@dataclass(frozen=True)
class Path:
    """One way from a weight to the loss.

    Attributes:
        factors: the moves from the weight to L; factors that merely hand a number on are left out.
        product: of all factors.
    """

    factors: tuple[Factor, ...]
    product: float


@dataclass(frozen=True)
class Paths:
    """All ways from one weight to the loss.

    Attributes:
        weight: the parameter's full name, such as ``dense_1.W``.
        index: the place of the weight in it.
        listed: the paths of greatest |product|, in falling order.
        count: how many paths have a product that is not 0, those not listed included; rounded
            beyond 2⁵³, and counted no further than `links.MOST_COUNTED`.
        total: the sum of the products of all of them, which is the gradient.
    """

    weight: str
    index: tuple[int, ...]
    listed: tuple[Path, ...]
    count: float
    total: float

    @property
    def rest(self) -> float:
        """The sum of the products of the paths that are not listed."""
        if self.count <= len(self.listed):
            return 0.0
        return self.total - sum(path.product for path in self.listed)


def paths_of(
    network: Network,
    x: Any,
    t: Any,
    weight: str,
    index: Sequence[int],
    *,
    most: int = MOST_PATHS,
    weights: Any = None,
) -> Paths:
    """The paths from one weight to the loss of some cases.

    Runs a forward pass, in the mode that the network is in.

    Args:
        network: any network.
        x: inputs, (cases, input).
        t: their targets.
        weight: the full name of a parameter, such as ``dense_1.W``.
        index: the place of the weight in it.
        most: how many paths are listed.
        weights: of the cases, as `Network.loss` takes them.

    Raises:
        ShapeError: x or t do not fit, there is no such place, or a layer of the user's own has a
            Jacobian without a known structure that is too large to write out.
        UnknownNameError: there is no such parameter.

    Example:
        One unit behind one: L = (w₂ w₁ x − t)², ∂L/∂w₁ = x · w₂ · 2 (y − t) = 2 · 5 · 18.

        >>> from chainrule.nn import Dense
        >>> network = Network([Dense(1, "linear"), Dense(1, "linear")], input=1, loss="mse")
        >>> network.layers[0].W, network.layers[1].W = [[1.0]], [[5.0]]
        >>> found = paths_of(network, [[2.0]], [[1.0]], "dense_1.W", (0, 0))
        >>> [factor.value for factor in found.listed[0].factors], found.total
        ([2.0, 5.0, 18.0], 180.0)
    """
    x, t = network.prepare(x, t)
    of_cases = network.prepare_weights(weights, len(x))
    place = place_of(network, weight, index)
    layer = weight.rpartition(".")[0]
    with network.lock:
        network.propagate(x)
        first = _first_edges(network, layer, weight, place)
        ways = Ways(network, t, of_cases, layer)
    penalty = _penalty(network, weight, place)
    by_sum, paths = (ways.start.entered(how)[first[0]] for how in ("sum", "count"))
    found = islice(_best_first(ways, first, penalty), most)
    number = min(float(paths.sum()) + (penalty != 0), MOST_COUNTED)
    return Paths(weight, place, tuple(found), number, float(first[1] @ by_sum) + penalty)


def place_of(network: Network, weight: str, index: Sequence[int]) -> tuple[int, ...]:
    """The place of a weight, checked.

    Raises:
        ShapeError: the parameter has no such place, or is not trained.
        UnknownNameError: there is no such parameter.
    """
    segment, place = network.parameters.layout[weight], tuple(map(int, index))
    fits = len(place) == len(segment.shape) and all(
        0 <= k < size for k, size in zip(place, segment.shape, strict=True)
    )
    if not fits:
        last = ", ".join(str(size - 1) for size in segment.shape)
        raise ShapeError(
            f"{weight} has the shape {segment.shape}, so its weights are {weight}"
            f"[{', '.join('0' for _ in segment.shape)}] to {weight}[{last}], found "
            f"[{', '.join(map(str, place))}]"
        )
    if not segment.trained:
        raise ShapeError(f"{weight} has no gradient: it is not trained")
    return place


def number_in_theta(network: Network, weight: str, place: tuple[int, ...]) -> int:
    """The index in θ of one weight."""
    segment = network.parameters.layout[weight]
    return segment.start + int(np.ravel_multi_index(place, segment.shape))


def _penalty(network: Network, weight: str, place: tuple[int, ...]) -> float:
    """The derivative of the penalty by one weight: a path of its own."""
    return float(network.penalty_gradient()[number_in_theta(network, weight, place)])


def _first_edges(network: Network, layer: str, weight: str, place: tuple[int, ...]) -> Edges:
    """The numbers that a weight moves by itself, and its derivative of each that is not 0."""
    own = next(one for one in network.layers if one.name == layer)
    unit = np.zeros(network.parameters.layout[weight].shape, network.dtype)
    unit[place] = 1
    moved = own.jacobians()[weight.rpartition(".")[2]].jvp(unit).astype(float).ravel()
    targets = np.flatnonzero(moved)
    return targets, moved[targets]


class _Begun(NamedTuple):
    """A path that has been begun; ``before`` is the one that it extends."""

    product: float
    factor: float
    link: Link
    nodes: Nodes
    number: int
    before: _Begun | None


def _best_first(ways: Ways, first: Edges, penalty: float) -> Iterator[Path]:
    """The paths in falling order of |product|.

    Of every path that has been begun, the greatest |product| with which it can end is known: what
    the nodes carry as ``best``. So the path begun with the greatest of these is always extended
    next, and no path is finished before a greater one.
    """
    heap: list[tuple[float, int, _Begun]] = []
    order, loss = count(), ways.loss

    def begin(bundle: tuple[Link, Nodes, Edges], before: _Begun | None) -> None:
        link, nodes, (targets, factors) = bundle
        product = before.product if before else 1.0
        bounds = np.abs(product * factors) * nodes.values["best"][targets]
        for k in np.flatnonzero(bounds):
            factor, number = float(factors[k]), int(targets[k])
            begun = _Begun(product * factor, factor, link, nodes, number, before)
            heappush(heap, (-float(bounds[k]), next(order), begun))

    begin((Named("∂z/∂w"), ways.start, first), None)
    if penalty:
        directly = _Begun(penalty, penalty, Named("the penalty's slope"), loss, 0, None)
        heappush(heap, (-abs(penalty), next(order), directly))
    while heap:
        _, _, begun = heappop(heap)
        if begun.nodes is loss:
            yield _finished(begun)
        else:
            for bundle in begun.nodes.leaving(begun.number):
                begin(bundle, begun)


def _finished(begun: _Begun) -> Path:
    factors = []
    one: _Begun | None = begun
    while one is not None:
        if not one.link.silent:
            factors.append(Factor(one.factor, one.link.what, one.nodes.stop(one.number)))
        one = one.before
    return Path(tuple(reversed(factors)), begun.product)
