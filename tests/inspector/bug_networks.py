"""Networks in which every bug of the inspector changes something, with data."""

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule import Dense, Network, Softmax
from chainrule.nn.layer_types import (
    GRU,
    LSTM,
    Add,
    BatchNorm,
    Conv2D,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePool2D,
    LayerNorm,
    LocallyConnected2D,
    MaxPool2D,
    Recurrent,
)

Case = tuple[Network, Any, Any]
"""A network with its inputs and targets."""


def _moved(network: Network, seed: int = 0) -> Network:
    """The same with all parameters drawn, so that no bias or γ is where it starts."""
    rng = np.random.default_rng(seed)
    drawn = rng.normal(scale=0.6, size=network.theta.size)
    for segment in network.parameters.layout.trained:
        network.theta[segment.slice] += drawn[segment.slice]
    return network


def regression() -> Case:
    """Tanh and sigmoid units, a bent output, square weights, penalties."""
    rng = np.random.default_rng(1)
    layers = [Dense(4, "tanh"), Dense(4, "sigmoid"), Dense(3, "tanh")]
    network = Network(layers, input=3, loss="mse", penalty={"L2": 0.1, "L1": 0.02})
    return _moved(network), rng.normal(size=(5, 3)), rng.uniform(-1, 1, size=(5, 3))


def one_case() -> Case:
    """The same with one case, whose mean is its sum."""
    network, x, t = regression()
    return network, x[:1], t[:1]


def classes() -> Case:
    """Relu units, dropout and softmax."""
    rng = np.random.default_rng(2)
    layers = [Dense(6, "relu"), Dropout(0.4), Dense(4, "relu"), Dense(3), Softmax()]
    network = Network(layers, input=4, penalty={"L2": 0.05})
    return _moved(network), rng.normal(size=(7, 4)), rng.integers(0, 3, 7)


def yes_or_no() -> Case:
    """One sigmoid output with the loss that belongs to it."""
    rng = np.random.default_rng(3)
    layers = [Dense(3, "silu"), Dense(1, "sigmoid")]
    network = Network(layers, input=2, loss="binary_cross_entropy")
    return _moved(network), rng.normal(size=(6, 2)), rng.integers(0, 2, (6, 1)).astype(float)


def residual() -> Case:
    """An output that several layers read."""
    rng = np.random.default_rng(4)
    layers = [
        Dense(3, "tanh", name="f", inputs="input"),
        Dense(3, "tanh", name="g", inputs="f"),
        Add(inputs=["f", "g"], name="sum"),
        Dense(2, name="y", inputs="sum"),
    ]
    network = Network(layers, input=3, loss="mse")
    return _moved(network), rng.normal(size=(4, 3)), rng.normal(size=(4, 2))


def images() -> Case:
    """Filters, windows that overlap and numbers that are equal, means and variances."""
    x = np.random.default_rng(5).normal(size=(3, 2, 6, 6))
    x[:, :, :4, :4] = 1.5  # a flat corner: equal numbers that move together
    layers = [
        Conv2D(3, 3, activation="relu"),
        MaxPool2D(2, stride=1),
        BatchNorm(activation="tanh"),
        LocallyConnected2D(2, 2, activation="tanh"),
        Flatten(),
        Dense(3),
        Softmax(),
    ]
    return _moved(Network(layers, input=[2, 6, 6])), x, np.arange(3)


def means() -> Case:
    """Layer normalisation and the mean of each channel."""
    x = np.random.default_rng(6).normal(size=(4, 1, 5, 5))
    layers = [Conv2D(2, 2, activation="tanh"), LayerNorm(), GlobalAveragePool2D(), Dense(1)]
    network = Network(layers, input=[1, 5, 5], loss="mse")
    return _moved(network), x, np.random.default_rng(6).normal(size=(4, 1))


def words() -> Case:
    """An embedding and a recurrent layer that puts out its last state; some end early."""
    rng = np.random.default_rng(7)
    x = rng.integers(0, 4, size=(4, 5, 1)).astype(float)
    x[1, 3:] = x[2, 2:] = np.nan
    layers = [Embedding(3, classes=4), Recurrent(3, outputs="last"), Dense(2), Softmax()]
    return _moved(Network(layers, input=[5, 1])), x, rng.integers(0, 2, 4)


def _sequences(layer: Callable[..., Any], seed: int) -> Case:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(3, 4, 2))
    x[1, 2:] = np.nan
    t = np.where(np.isnan(x[..., :1]), np.nan, rng.normal(size=(3, 4, 2)))
    network = Network([layer(2, start="learnt"), layer(2), Dense(2)], input=[4, 2], loss="mse")
    return _moved(network), x, t


def long_memory() -> Case:
    """Two LSTM layers and a dense one at each step; some sequences end early."""
    return _sequences(LSTM, 8)


def gated() -> Case:
    """The same of GRU layers."""
    return _sequences(GRU, 9)


NETWORKS: dict[str, Callable[[], Case]] = {
    made.__name__: made
    for made in (
        regression,
        one_case,
        classes,
        yes_or_no,
        residual,
        images,
        means,
        words,
        long_memory,
        gated,
    )
}
"""By name, functions that make them."""
