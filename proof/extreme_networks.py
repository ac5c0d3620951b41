"""Networks of every kind with numbers far from 1: scales from 1e-8 to 1e8, saturated outputs.

Their values may lie at kinks, at z = 0, and where a function is flat.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

import numpy as np

from chainrule import Dense, Network, Softmax
from chainrule.core.arrays import Array
from chainrule.nn import Add, Concatenate, Layer
from chainrule.nn.activations import ACTIVATIONS, LeakyReLU
from chainrule.nn.losses import LOSSES
from chainrule.nn.penalties import PENALTIES
from chainrule.nn.sequences.unrolled import Unrolled
from proof import sequences
from proof.image_networks import image_kinds, image_network

FAMILIES = ("dense", "image", "recurrent", "graph")
WAYS = ("everything", "one thing", "saturated", "as it comes")
"""How the numbers are made extreme; see `_extreme`."""

DECADES = 8.0
"""Scales lie between 10^(−DECADES) and 10^DECADES."""

PLANTS = ("slope", "entry", "array", "upstream")
"""The derivative that is multiplied by a factor; see `planted`."""


@dataclass(frozen=True)
class Extreme:
    """A network with a batch for it.

    Attributes:
        family: dense, image, recurrent or graph.
        number: the seed from which everything is drawn.
        way: how its numbers are extreme, one of `WAYS`.
        network: in float64.
        x: inputs.
        t: targets.
    """

    family: str
    number: int
    way: str
    network: Network
    x: Array
    t: Array

    def __str__(self) -> str:
        return f"{self.family} {self.number}, {self.way}"


def extreme(number: int) -> Extreme:
    """The network of that number, drawn again until its loss is finite."""
    for attempt in range(100):
        rng = np.random.default_rng([number, attempt, 5])
        family = FAMILIES[number % len(FAMILIES)]
        network = _MAKERS[family](number, rng)
        x, t = _batch(network, rng)
        way = str(rng.choice(WAYS))
        with np.errstate(all="ignore"):
            x, t = _extreme(network, x, t, way, rng)
            if rng.random() < 0.25:  # values that float32 can hold
                network.theta = network.theta.astype("float32")
                x = x.astype("float32").astype(float)
            if np.isfinite(network.loss(x, t)):
                return Extreme(family, number, way, network, x, t)
    raise AssertionError(f"no network with a finite loss was found for {number}")


# The kinds of networks


def _dense(number: int, rng: np.random.Generator) -> Network:
    phi, loss = _parts(number)
    layers: list[Layer] = [Dense(n, phi) for n in _sizes(rng, int(rng.integers(0, 4)))]
    layers += _end(loss, phi, rng)
    return Network(layers, input=int(rng.integers(1, 5)), loss=loss, penalty=_penalty(rng))


def _graph(number: int, rng: np.random.Generator) -> Network:
    phi, loss = _parts(number)
    a, b = _sizes(rng, 2)
    b = a if rng.random() < 0.5 else b
    layers: list[Layer] = [
        Dense(a, phi, name="left", inputs="input"),
        Dense(b, str(rng.choice([*ACTIVATIONS])), name="right", inputs="input"),
    ]
    join = Add if a == b and rng.random() < 0.7 else Concatenate
    layers += [join(name="both", inputs=["left", "right"]), *_end(loss, phi, rng)]
    return Network(layers, input=int(rng.integers(1, 5)), loss=loss, penalty=_penalty(rng))


def _image(number: int, rng: np.random.Generator) -> Network:
    kinds = image_kinds()
    return image_network(kinds[number // len(FAMILIES) % len(kinds)], number)


def _recurrent(number: int, rng: np.random.Generator) -> Network:
    phi, loss = _parts(number)
    word = (phi, *sequences.GATED)[number // len(FAMILIES) % 3]
    kind, steps = sequences.Kind(word, loss, number), int(rng.integers(1, 5))
    network = sequences.network_of(kind, steps, embeds=False)  # class numbers are never extreme
    for layer in network.layers:
        if isinstance(layer, Unrolled) and rng.random() < 0.3:
            layer.truncate = int(rng.integers(1, layer.steps + 1))
    return network


_MAKERS = {"dense": _dense, "image": _image, "recurrent": _recurrent, "graph": _graph}


def _parts(number: int) -> tuple[str, str]:
    """Every activation with every loss in turn."""
    k = number // len(FAMILIES)
    return [*ACTIVATIONS][k % len(ACTIVATIONS)], [*LOSSES][k // len(ACTIVATIONS) % len(LOSSES)]


def _sizes(rng: np.random.Generator, count: int) -> list[int]:
    return [int(n) for n in rng.integers(1, 5, count)]


def _end(loss: str, phi: str, rng: np.random.Generator) -> list[Layer]:
    outputs = int(rng.integers(1, 5))
    last = {"cross_entropy": "linear", "binary_cross_entropy": "sigmoid"}.get(loss, phi)
    soft = loss == "cross_entropy" or (loss != "binary_cross_entropy" and rng.random() < 0.3)
    return [Dense(outputs, last), *([Softmax()] if soft else [])]


def _penalty(rng: np.random.Generator) -> dict[str, object] | None:
    if rng.random() < 0.5:
        return None
    rate = 10 ** rng.uniform(-4, 0)
    return {"type": str(rng.choice([*PENALTIES])), "rate": rate, "biases": rng.random() < 0.5}


# Their numbers


def _batch(network: Network, rng: np.random.Generator) -> tuple[Array, Array]:
    """Random parameters, inputs, and targets of the kind that the loss takes."""
    cases = int(rng.integers(1, 6))
    x = rng.normal(size=(cases, *network.input_shape))
    size = len(network.theta)
    network.theta = rng.uniform(0.1, 1, size) * rng.choice([-1.0, 1.0], size)
    shape = network.layers[-1].output_shape
    loss = getattr(network.loss_function, "each", network.loss_function)
    by_step = (cases, *shape[:-1]) if len(shape) == 2 else (cases,)
    outputs = shape[-1] if len(shape) < 3 else network.outputs
    are_hard = type(loss) is LOSSES["hinge"] or outputs == 1 or rng.random() < 0.7
    if loss.for_classes and are_hard:
        t = rng.integers(0, outputs, by_step)
    elif loss.for_classes:
        t = rng.dirichlet(np.ones(outputs), by_step)
    elif type(loss) is LOSSES["binary_cross_entropy"]:
        t = rng.uniform(size=(*by_step, outputs))
        t = t if rng.random() < 0.3 else np.round(t)
    else:
        t = rng.normal(size=(*by_step, outputs))
    return x, t


def _extreme(
    network: Network, x: Array, t: Array, way: str, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Scale every array; or one array or feature; or saturate the outputs; or leave all near 1."""
    arrays = [*network.parameters]
    columns = x.reshape(len(x), -1).shape[1]
    if way == "everything":
        for name in arrays:
            network.parameters[name][...] *= _scale(rng)
        x = x * _scale(rng)
    elif way == "one thing":
        place = int(rng.integers(len(arrays) + 2))
        if place < len(arrays):
            network.parameters[arrays[place]][...] *= _scale(rng)
        else:  # one feature of another scale, as income beside age
            factors = np.ones(columns)
            factors[rng.integers(columns)] = _scale(rng)
            x = x * factors.reshape(x.shape[1:])
    elif way == "saturated":
        _saturate(network, x, 10 ** rng.uniform(0.5, 4.5))
    if network.loss_function.for_classes or t.min(initial=0) >= 0:
        return x, t
    return x, t * (_scale(rng) if rng.random() < 0.3 else 1.0)


def _scale(rng: np.random.Generator) -> float:
    return float(10 ** rng.uniform(-DECADES, DECADES))


def _saturate(network: Network, x: Array, size: float) -> None:
    """Multiply the last weights so that the largest |z| is ``size``."""
    network.forward_pass(x)
    last = [layer for layer in network.layers if layer.has_weights][-1]
    largest = np.nanmax(np.abs(last.z))  # type: ignore[attr-defined]
    if largest > 0:
        for name in last.shapes():
            network.parameters[f"{last.name}.{name}"][...] *= size / largest


# Wrong derivatives


@contextmanager
def planted(case: Extreme, what: str, factor: float = 1.001) -> Iterator[None]:
    """Within this context, one derivative of the network is multiplied.

    Args:
        case: the network.
        what: ``slope``: φ' of a layer's activation; ``entry`` or ``array``: a number or an array
            of the gradient; ``upstream``: the gradient that a layer passes back. For leaky_relu,
            whose values are computed from its slope, and for a layer with gates, ``slope`` means
            ``array``.
        factor: by which it is multiplied.
    """
    rng, network = np.random.default_rng([case.number, 7]), case.network
    layers = [layer for layer in network.layers if layer.has_weights]
    layer = layers[rng.integers(len(layers))]
    phi = getattr(layer, "activation", None)
    if what == "slope" and phi is not None and not isinstance(phi, LeakyReLU):
        kind = type(phi)
        right = kind.derivative
        wrong = lambda self, z, out=None: _times(right(self, z, out), factor)  # noqa: E731
        with patch.object(kind, "derivative", wrong):
            yield
    elif what == "upstream":
        passes = {n: getattr(layer, n) for n in ("backward_pass", "backward_from_delta")}

        def sent(J: Array, *, to_input: bool = True) -> Array | None:
            """The gradient with respect to the layer's input, multiplied."""
            found = passes["backward_from_delta"](J, to_input=to_input)
            return None if found is None else _times(found, factor)

        with patch.object(layer, "backward_from_delta", sent):
            yield
    else:
        name = str(rng.choice([*network.parameters]))
        place = tuple(int(rng.integers(n)) for n in network.parameters[name].shape)
        backpropagate = type(network).backpropagate

        def wrongly(self: Network, t: Array, **options: bool) -> Array | None:
            """The backward pass, with a number or an array multiplied."""
            J = backpropagate(self, t, **options)
            self.gradients[name][place if what == "entry" else ...] *= factor
            return J

        with patch.object(type(network), "backpropagate", wrongly):
            yield


def _times(values: Array, factor: float) -> Array:
    values *= factor
    return values
