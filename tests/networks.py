"""Networks and batches that numeric differentiation can judge.

A numeric step must not cross a kink, and what is judged must not be saturated: logits stay
within ±10 and every kink is further away than a step can reach.
"""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from chainrule import Dense, Network, Softmax
from chainrule.nn.losses import LOSSES, Hinge, Huber, MeanAbsoluteError

CLASS_LOSSES = [name for name, loss in LOSSES.items() if loss.for_classes]
REACH = 0.02

# Cases, inputs, hidden sizes, outputs: a batch of 1, widths of 1, never only square.
SHAPES = [
    (5, 3, (4,), 2),
    (1, 4, (3, 2), 3),
    (3, 1, (1, 1), 1),
    (2, 3, (), 4),
    (4, 2, (3, 5, 2, 4, 3), 3),
]


def normal(shape, seed=0):
    """Normally distributed numbers, the same ones whatever ran before."""
    return np.random.default_rng((seed, *shape)).normal(size=shape)


def network_for(
    activation="tanh",
    loss="mse",
    penalty=None,
    *,
    inputs=3,
    hidden=(4,),
    outputs=2,
    seed=0,
    bias=True,
    **options,
):
    """A chain of dense layers with the output that belongs to the loss."""
    last = {"cross_entropy": "linear", "binary_cross_entropy": "sigmoid"}.get(loss, activation)
    spread = {"weights": [-1, 1], "bias": bias, "biases": [-1, 1] if bias else "zeros"}
    layers = [Dense(n, activation, **spread) for n in hidden]
    layers.append(Dense(outputs, last, **spread))
    if loss == "cross_entropy":
        layers.append(Softmax())
    return Network(layers, input=inputs, loss=loss, penalty=penalty, seed=seed, **options)


def targets_for(network, cases, rng):
    """Targets of the kind that the network's loss takes."""
    name = next(n for n, kind in LOSSES.items() if type(network.loss_function) is kind)
    if name in CLASS_LOSSES:
        return rng.integers(0, network.outputs, cases)
    if name == "binary_cross_entropy":
        return rng.integers(0, 2, (cases, network.outputs)).astype(float)
    return 2 * rng.normal(size=(cases, network.outputs))


def batch_for(network, cases, rng):
    """Inputs and targets of that many cases, away from every kink of network and loss."""
    for _ in range(1000):
        x = rng.normal(size=(cases, network.input))
        t = targets_for(network, cases, rng)
        if _distance_to_kinks(network, x, t) > REACH and np.abs(network.logits).max() <= 10:
            return x, t
    raise AssertionError("no batch away from the kinks was found")


def _distance_to_kinks(network, x, t):
    y = network.forward_pass(x)
    dense = [layer for layer in network.layers if isinstance(layer, Dense)]
    places = [layer.z - kink for layer in dense for kink in layer.activation.kinks]
    places += [_loss_kinks(network.loss_function, y, t)]
    return min((np.abs(place).min() for place in places if place.size), default=np.inf)


def _loss_kinks(loss, y, t):
    """How far the outputs are from the places where the loss has a kink."""
    if isinstance(loss, MeanAbsoluteError):
        return y - t
    if isinstance(loss, Huber):
        return np.abs(y - t) - loss.delta
    if isinstance(loss, Hinge):
        margins = 1 + y - y[np.arange(len(y)), t][:, None]
        return margins[np.arange(y.shape[1]) != t[:, None]]
    return np.empty(0)


@st.composite
def networks_with_batches(draw, losses=tuple(LOSSES), activations=("tanh", "silu", "linear")):
    """A network of zero to five hidden layers, and a batch for it."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    network = network_for(
        draw(st.sampled_from(activations)),
        draw(st.sampled_from(losses)),
        draw(st.sampled_from([None, {"type": "L2", "rate": 0.1}])),
        inputs=draw(st.integers(1, 5)),
        hidden=draw(st.lists(st.integers(1, 5), max_size=5)),
        outputs=draw(st.integers(1, 5)),
        seed=draw(st.integers(0, 10**6)),
        bias=draw(st.booleans()),
    )
    return network, *batch_for(network, draw(st.integers(1, 6)), rng)


def gradient(network, x, t):
    """The whole gradient vector at one batch, as an array of its own."""
    network.forward_pass(x)
    return network.backward_pass(t).vector.copy()


def difference(a, b):
    """max|a − b| / max|a|, and 0 where both are 0."""
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape
    size = np.abs(a).max(initial=0.0)
    return np.abs(a - b).max(initial=0.0) / (size or 1.0)
