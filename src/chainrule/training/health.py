"""What a training records of each layer's health: from it one sees why a network does not learn.

At the end of some epochs, after the update of their last minibatch, four figures are measured of
every layer that has parameters or an activation (`FIGURES`):

``gradient_norm``
    ‖∂L/∂θ_l‖₂ over all trained parameters θ_l of the layer, L being the mean loss over the sample,
    without penalty and before any clipping, at the parameters after that update, in training mode.
``update_ratio``
    ‖ΔW‖₂ / ‖W‖₂ of that last update, W being the layer's weights before it. Biases, start states,
    γ and β take part only in a layer that has nothing else. About 1e-3 is usual.
``dead``
    The share of the layer's units that are dead: of no case of the sample does anything get back
    through the activation, φ'(z) being at most `DEAD` times its largest value. Only of activations
    whose slope vanishes on one side, such as relu, elu and gelu.
``saturated``
    The share of the layer's units that are saturated: φ'(z) is below `FLAT` times its largest
    value for at least `MOST` of the cases. Only of activations that are flat on both sides, such
    as tanh and sigmoid, and of layers with gates.

A figure is left out where it means nothing, and None where it is not finite, or where ‖W‖ is 0.
A unit of an image layer is a channel, its cases are all places of all images; a unit of a sequence
is a feature, its cases are all steps that are no padding. A unit of an LSTM or GRU is saturated if
all of its gates and its candidate are at once. The last layer has no ``dead`` and ``saturated``
where the loss is computed from its z, as by softmax or sigmoid with cross-entropy: its slope takes
no part in the gradient there, and outputs near 0 and 1 are what is asked for.

The sample is a fixed number of training cases, drawn once from the seed: all up to `FEWEST`, and
of more a fiftieth, but at least `FEWEST` and at most `MOST_CASES`. Its passes run on a copy of the
network, so that nothing of the training changes. Which epochs are measured follows from the sizes
of network and data (`every`, `next_measured`): 1, 4, 16, 64, … until their distance has grown to
``every``, and then each ``every``-th, so that it takes about a hundredth of the time.

Sources: the ratio of updates to weights: Karpathy, *CS231n: Convolutional neural networks for
visual recognition*, "Babysitting the learning process". Saturation, and gradients layer by layer:
Glorot and Bengio, *Understanding the difficulty of training deep feedforward neural networks*
(2010). Dead units: Lu, Shin, Su and Karniadakis, *Dying ReLU and initialization* (2019).
"""

from __future__ import annotations

from copy import Error as CopyError
from copy import deepcopy
from math import ceil, hypot, inf, isfinite, prod
from typing import Any, Literal, NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.randomness import stream
from chainrule.nn.activations import Activation
from chainrule.nn.layer_types import Layer
from chainrule.nn.layers.base import Activated
from chainrule.nn.network import Network
from chainrule.nn.parameters import Segment
from chainrule.nn.sequences.gated import Gated
from chainrule.training.history import Health
from chainrule.training.optimizers import norm

DEAD = 1e-3
"""A slope of at most this share of an activation's largest is as good as 0."""

FLAT = 0.05
"""A slope below this share of the largest counts as flat: of tanh where |a| > 0.975."""

MOST = 0.9
"""A unit is saturated if its slope is flat in at least this share of the cases."""

FEWEST, MOST_CASES = 64, 160
"""The limits of the number of cases in a sample; a smaller training set is taken whole."""

Kind = Literal["dead", "saturated"]


def slope_of(activation: Activation) -> tuple[Kind | None, float]:
    """Which figure says how much of an activation passes nothing back, and its largest slope.

    The slope far on either side says it: ``dead`` where it vanishes on one side, ``saturated``
    where it vanishes on both, None where on neither. The largest |φ'(z)| is that of −4 ≤ z ≤ 4;
    the sigmoids have theirs at 0.

    Example:
        >>> from chainrule.nn.activations import activation
        >>> [slope_of(activation(name)) for name in ("relu", "tanh", "leaky_relu")]
        [('dead', 1.0), ('saturated', 1.0), (None, 1.0)]
    """
    with np.errstate(all="ignore"):
        slopes = np.abs(activation.derivative(np.array([-1e4, *np.arange(-4.0, 4.5, 0.5), 1e4])))
    largest = float(slopes[1:-1].max())
    kinds: tuple[Kind | None, ...] = (None, "dead", "saturated")
    return kinds[int((slopes[[0, -1]] < DEAD * largest).sum())], largest


def sample_size(cases: int) -> int:
    """How many of the training cases are in the sample."""
    return min(cases, MOST_CASES, max(FEWEST, cases // 50))


def chosen(cases: int, seed: int) -> Array:
    """The indices of the sample's cases in the training set, in order."""
    size = sample_size(cases)
    if size == cases:
        return np.arange(cases)
    return np.sort(stream(seed, "health").choice(cases, size, replace=False))


# Which epochs are measured. Seconds on one core, by the fastest engine for the training and by
# the layers themselves for the measurement.

EPOCH, MEASUREMENT, OF_LAYER = 60e-6, 250e-6, 40e-6
"""What an epoch and a measurement take however small they are, and more for each layer: little of
what a measurement needs is in the processor's caches."""

OF_CASE, OF_PRODUCT, OF_MEASURED_PRODUCT, OF_SHARED_PRODUCT = 1e-7, 3e-11, 6e-11, 1e-10
"""For each case; for each multiplication of 8 bytes, in training, in a measurement, and in both
where places or steps share the weight."""

OF_UNIT, OF_PARAMETER = 5e-9, 4e-9
"""For each unit and case that is measured; for each parameter of 8 bytes that is measured."""

SHARE = 0.01
"""The share of the time that the measurements take by this estimate, once they lie evenly."""


def every(network: Network, cases: int) -> int:
    """The distance of measured epochs once they lie evenly, for a training set of so many cases.

    It follows from the sizes alone, never from the clock, so that a resumed run measures the
    same epochs.

    Example:
        >>> from chainrule.nn import Dense
        >>> network = Network([Dense(50), Dense(2)], input=300)
        >>> every(network, cases=50_000), every(network, cases=100)
        (2, 282)
    """
    layers, size = network.layers, sample_size(cases)
    units, width = sum(layer.outputs for layer in layers), network.dtype.itemsize / 8
    epoch = EPOCH + cases * (OF_CASE + width * _seconds_of_products(network, OF_PRODUCT))
    of_case = units * OF_UNIT + width * _seconds_of_products(network, OF_MEASURED_PRODUCT)
    once = MEASUREMENT + OF_LAYER * len(layers) + size * of_case
    once += len(network.theta) * OF_PARAMETER * width
    return max(1, ceil(once / (SHARE * epoch)))


def _seconds_of_products(network: Network, each: float) -> float:
    """An estimate of the seconds that the products of both passes of one case take."""
    seconds = 0.0
    for layer in network.layers:
        weights, uses = sum(map(prod, layer.shapes().values())), layer.uses_of_weights
        seconds += 3 * weights * uses * (each if uses == 1 else OF_SHARED_PRODUCT)
    return seconds


def next_measured(epoch: int, distance: int) -> int:
    """The measured epoch after one: 1, 4, 16, … until they lie that far apart, then evenly.

    Example:
        >>> found = [1]
        >>> while len(found) < 6:
        ...     found.append(next_measured(found[-1], distance=20))
        >>> found
        [1, 4, 16, 36, 56, 76]
    """
    return epoch + min(distance, 3 * epoch)


class _Layer(NamedTuple):
    """What is measured of a layer.

    Attributes:
        layer: of the copy of the network.
        trained: its parameters that training changes.
        weights: those of them of which the update's ratio is taken.
        kind: which figure its activation has, or None.
        largest: the activation's largest slope.
    """

    layer: Any
    trained: list[Segment]
    weights: list[Segment]
    kind: Kind | None
    largest: float


class Probe:
    """Measures a network's health on a fixed sample; the network itself is not touched.

    Args:
        network: any network; later measurements are of its parameters then.
        x: prepared inputs of the sample, (cases, input).
        t: prepared targets.
        weights: those of the cases, or None.
        seed: of the random numbers that layers draw in training.

    Attributes:
        columns: the layers and the figures that every measurement has, in order.

    Example:
        >>> from chainrule.nn import Dense
        >>> network = Network([Dense(2, "relu"), Dense(1)], input=1, loss="mse")
        >>> network.layers[0].b = [-9.0, 9.0]
        >>> x, t = network.prepare([[0.0], [1.0]], [[0.0], [1.0]])
        >>> found = Probe(network, x, t).measure()
        >>> found["dense_1"]["dead"], "dead" in found["dense_2"]
        (0.5, False)
    """

    def __init__(
        self,
        network: Network,
        x: Array,
        t: Array,
        weights: Array | None = None,
        *,
        seed: int = 0,
    ) -> None:
        self._network, self._sample, self._seed = network, (x, t, weights), seed
        self._copy = deepcopy(network)
        for layer in self._copy.layers:
            layer.penalty = None
        self._copy.penalty = None
        self._copy.explicit_jacobians = False
        self._layers = {
            layer.name: each
            for layer in self._copy.layers
            if (each := self._of(layer)) is not None
        }
        self.columns = [
            (name, figure) for name, each in self._layers.items() for figure in _figures(each)
        ]

    def _of(self, layer: Layer) -> _Layer | None:
        """What is measured of a layer; None where there is nothing."""
        segments = self._copy.parameters.layout.of_layer(layer.name)
        trained = [segment for segment in segments if segment.trained]
        weights = [segment for segment in trained if not segment.is_bias] or trained
        kind: Kind | None = None
        largest = 1.0
        is_end = layer is self._copy.layers[-1] and self._copy.from_logits is not None
        if isinstance(layer, Gated):
            kind = "saturated"
        elif isinstance(layer, Activated) and layer.activation is not None and not is_end:
            kind, largest = slope_of(layer.activation)
        return _Layer(layer, trained, weights, kind, largest) if trained or kind else None

    def keep(self) -> None:
        """Remember the parameters before the update of which the ratio is measured."""
        self._copy.theta[...] = self._network.theta

    def measure(self, *, step: int = 0, updated: bool = False) -> Health:
        """The figures of every layer, see this module's docstring.

        Args:
            step: how many minibatches the network was trained on; random masks follow from it.
            updated: whether `keep` was called before the last update; otherwise there is no ratio.
        """
        copy, before = self._copy, self._copy.theta
        with np.errstate(all="ignore"):
            ratios = self._ratios() if updated else {}
            before[...] = self._network.theta
            x, t, weights = self._sample
            with copy.lock, copy.training_mode(self._seed, step):
                copy.propagate(x)
                copy.backpropagate(t, weights=weights)
            found = {name: self._measured(each) for name, each in self._layers.items()}
        for name, ratio in ratios.items():
            found[name]["update_ratio"] = ratio
        return {
            name: {figure: _finite(values.get(figure)) for figure in _figures(self._layers[name])}
            for name, values in found.items()
        }

    def _ratios(self) -> dict[str, float]:
        """‖ΔW‖ / ‖W‖ of each layer with parameters since `keep`, whose copy becomes −Δθ."""
        theta = self._copy.theta
        there = self._norms(theta)
        theta -= self._network.theta
        moved = self._norms(theta)
        return {name: moved[name] / there[name] if there[name] else inf for name in moved}

    def _norms(self, vector: Array) -> dict[str, float]:
        """The norm of each layer's weights in a vector of the shape of θ."""
        return {
            name: hypot(*(norm(vector[segment.slice]) for segment in each.weights))
            for name, each in self._layers.items()
            if each.trained
        }

    def _measured(self, each: _Layer) -> dict[str, float]:
        """The figures of a layer after the passes, without the ratio."""
        gradient, found = self._copy.gradients.vector, {}
        if each.trained:
            found["gradient_norm"] = hypot(*(norm(gradient[s.slice]) for s in each.trained))
        if each.kind is not None and getattr(each.layer, "z", None) is not None:
            is_gated = isinstance(each.layer, Gated)
            slopes = _slopes_of_gates(each.layer) if is_gated else _slopes(each)
            found[each.kind] = _share(slopes, each.kind)
        return found


class Recording:
    """Measures the layers' health at the end of some epochs of a training.

    Args:
        trainer: a `chainrule.training.Trainer` with its network, cases and settings.

    Attributes:
        is_due: whether the chunk that has begun is the last minibatch of a measured epoch.
    """

    def __init__(self, trainer: Any) -> None:
        is_on = trainer.settings.health
        self._distance = every(trainer.network, len(trainer.train)) if is_on else 1
        self._next: float = 1 if is_on else inf
        self._probe: Probe | None = None
        self.is_due = False

    def before(self, trainer: Any, last: int) -> int:
        """The end of the next chunk, planned to be ``last``: the last minibatch runs by itself."""
        if trainer.epoch < self._next:  # most epochs, some of which take a few microseconds
            return last
        while self._next < trainer.epoch:
            self._next = next_measured(int(self._next), self._distance)
        whole = trainer.engine.minibatches
        if trainer.epoch < self._next or trainer.minibatch < whole - 1:
            return last if trainer.epoch < self._next else min(last, whole - 1)
        if self._probe is None:
            self._probe = self._new_probe(trainer)
        if self._probe is not None:
            self._probe.keep()
            self.is_due = True
        return last

    def measure(self, trainer: Any) -> None:
        """Measure, if `is_due`: the last minibatch of an epoch has run."""
        assert self._probe is not None
        found = self._probe.measure(step=trainer.optimizer.steps, updated=True)
        trainer.history.health[trainer.epoch] = found
        self.is_due = False

    def _new_probe(self, trainer: Any) -> Probe | None:
        """A probe; None, and nothing is measured, where a layer of one's own resists copying."""
        network, part, seed = trainer.network, trainer.train, trainer.settings.seed
        cases, weights = chosen(len(part), seed), trainer.training_weights
        own = None if weights is None else weights[cases]
        try:
            return Probe(network, part.x[cases], part.t[cases], own, seed=seed)
        except (TypeError, NotImplementedError, CopyError):  # as of a layer that holds a file
            self._next = inf
            return None


def _figures(each: _Layer) -> list[str]:
    """The figures that a layer has."""
    return [
        *(["gradient_norm", "update_ratio"] if each.trained else []),
        *filter(None, [each.kind]),
    ]


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None


def by_unit(values: Array, shape: tuple[int, ...]) -> Array:
    """Numbers of cases, each of this shape, as rows (..., units): of images a unit is a channel.

    Example:
        >>> by_unit(np.arange(8.0), (2, 2, 2)).T
        array([[0., 1., 2., 3.],
               [4., 5., 6., 7.]])
    """
    if len(shape) == 3:
        return np.moveaxis(values.reshape(-1, *shape), 1, -1).reshape(-1, shape[0])
    return values.reshape(-1, shape[-1])


def _slopes(each: _Layer) -> Array:
    """|φ'(z)| by its largest value, (cases of a unit, units); NaN at padding."""
    layer = each.layer
    slopes = np.abs(layer.activation.derivative(layer.z)) / each.largest
    return by_unit(slopes, layer.z_shape)


def _slopes_of_gates(layer: Any) -> Array:
    """The largest of the slopes of a unit's gates, each by its largest value; NaN at padding."""
    inside = layer.inside()
    values = {gate: inside[gate][1].reshape(-1, layer.size) for gate in layer.gates}
    slopes = [1 - a * a if gate == "g" else 4 * a * (1 - a) for gate, a in values.items()]
    return np.max(slopes, axis=0)


def _share(slopes: Array, kind: Kind) -> float:
    """The share of the units, the last axis, that are dead or saturated."""
    padded = np.isnan(slopes)
    flat = slopes <= DEAD if kind == "dead" else slopes < FLAT
    least = 1.0 if kind == "dead" else MOST
    counted = len(slopes) - padded.sum(axis=0)
    return float(((flat.sum(axis=0) >= least * counted) & (counted > 0)).mean())
