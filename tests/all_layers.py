"""A network for every layer there is, with cases of its kind, for engines and other libraries."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from chainrule.core.sequences import NO_CLASS
from chainrule.nn import layer_types as layers
from chainrule.nn.losses import BinaryCrossEntropy
from chainrule.nn.network import Network
from chainrule.nn.sequences.losses import loss_of_a_step

SPREAD = {"weights": [-0.7, 0.7], "biases": [-0.5, 0.5]}
IMAGE, SEQUENCE = [2, 6, 5], [5, 3]


def dense(size, activation="tanh", **options):
    return layers.Dense(size, activation, **SPREAD, **options)


def recurrent(size, activation="tanh", **options):
    return layers.Recurrent(size, activation, **SPREAD, recurrent_weights=[-0.7, 0.7], **options)


def lstm(size, **options):
    return layers.LSTM(size, **SPREAD, recurrent_weights=[-0.7, 0.7], **options)


def gru(size, **options):
    return layers.GRU(size, **SPREAD, recurrent_weights=[-0.7, 0.7], **options)


def conv(filters=3, size=(3, 2), **options):
    return layers.Conv2D(filters, size, activation="tanh", **SPREAD, **options)


def local(filters=2, size=(3, 2), **options):
    return layers.LocallyConnected2D(filters, size, activation="sigmoid", **SPREAD, **options)


def embedding(size, classes=6):
    return layers.Embedding(size, classes=classes, weights=[-0.7, 0.7])


def classifier(*before):
    return [*before, layers.Flatten(), dense(3, "linear"), layers.Softmax()]


def batch_norm(activation="tanh", **options):
    return layers.BatchNorm(activation=activation, **options)


def layer_norm(activation="tanh", **options):
    return layers.LayerNorm(activation=activation, **options)


def branches():
    """Residual blocks on rows, with a source that feeds three layers."""
    return [
        dense(4, name="a"),
        dense(4, "relu", name="b"),
        layers.Add(inputs=["a", "b", "a"], name="sum"),
        layers.Concatenate(inputs=["sum", "input", "b"]),
        dense(2, "linear"),
    ]


def image_branches():
    """Joins of images, and of rows behind them."""
    return [
        conv(2, padding="same", name="left"),
        conv(2, padding="same", inputs="input", name="forward"),
        layers.Add(inputs=["left", "forward"], name="sum"),
        layers.Concatenate(inputs=["sum", "input"]),
        *classifier(),
    ]


def sequence_branches():
    """Joins of sequences."""
    return [
        recurrent(3, name="a"),
        layers.Add(inputs=["a", "input"], name="sum"),
        layers.Concatenate(inputs=["sum", "a"]),
        dense(2, "linear"),
    ]


CASES: dict[str, tuple[Callable[[], list], list[int], str]] = {
    "dense": (lambda: [dense(4), dense(3, "relu"), dense(2, "linear")], [3], "mse"),
    "dense without biases": (lambda: [dense(4, bias=False), dense(2, bias=False)], [3], "mse"),
    "softmax": (lambda: [dense(4), dense(3, "linear"), layers.Softmax()], [3], "cross_entropy"),
    "softmax before mse": (lambda: [dense(3), layers.Softmax()], [3], "mse"),
    "sigmoid": (lambda: [dense(4), dense(3, "sigmoid")], [3], "binary_cross_entropy"),
    "conv2d": (lambda: classifier(conv(), conv(2, 2)), IMAGE, "cross_entropy"),
    "conv2d, strides": (
        lambda: classifier(conv(3, 3, stride=[2, 1], padding="same", bias=False)),
        IMAGE,
        "cross_entropy",
    ),
    "conv2d puts out images": (lambda: [conv(2, 2)], IMAGE, "mse"),
    "locally_connected2d": (
        lambda: classifier(local(padding=[1, 0], stride=2)),
        IMAGE,
        "cross_entropy",
    ),
    "locally_connected2d without biases": (
        lambda: classifier(local(bias=False)),
        IMAGE,
        "hinge",
    ),
    "max_pool2d": (
        lambda: classifier(conv(padding=1), layers.MaxPool2D(3, stride=2, padding="same")),
        IMAGE,
        "cross_entropy",
    ),
    "average_pool2d": (
        lambda: classifier(conv(padding=1), layers.AveragePool2D([3, 2], padding=1)),
        IMAGE,
        "cross_entropy",
    ),
    "recurrent": (lambda: [recurrent(4), dense(2, "linear")], SEQUENCE, "mse"),
    "recurrent, last": (
        lambda: [recurrent(4), recurrent(3, outputs="last"), dense(2, "linear")],
        SEQUENCE,
        "mse",
    ),
    "recurrent, learnt start": (
        lambda: [recurrent(3, "sigmoid", start="learnt", bias=False), dense(2, "linear")],
        SEQUENCE,
        "mae",
    ),
    "recurrent, given start": (
        lambda: [recurrent(2, start=[0.3, -0.6]), dense(3, "linear"), layers.Softmax()],
        SEQUENCE,
        "cross_entropy",
    ),
    "recurrent, truncated": (
        lambda: [recurrent(3, truncate=2, start="learnt"), recurrent(2, truncate=3)],
        SEQUENCE,
        "mse",
    ),
    "lstm": (lambda: [lstm(4), dense(2, "linear")], SEQUENCE, "mse"),
    "lstm, last": (
        lambda: [
            lstm(3),
            lstm(2, start=[0.3, -0.6, 0.5, 2.0], outputs="last"),
            dense(2, "linear"),
        ],
        SEQUENCE,
        "mse",
    ),
    "lstm, truncated": (
        lambda: [lstm(3, truncate=2, start="learnt"), lstm(2, truncate=3, bias=False)],
        SEQUENCE,
        "mse",
    ),
    "gru": (
        lambda: [gru(4), gru(3, start="learnt"), dense(3, "linear"), layers.Softmax()],
        SEQUENCE,
        "cross_entropy",
    ),
    "gru, last": (
        lambda: [gru(3, start=[0.3, -0.6, 2.0], outputs="last"), dense(2, "linear")],
        SEQUENCE,
        "mse",
    ),
    "gru, truncated": (
        lambda: [gru(3, truncate=2, start="learnt"), gru(2, truncate=3, bias=False)],
        SEQUENCE,
        "mse",
    ),
    "dense at each step": (
        lambda: [dense(4), dense(3, "sigmoid")],
        SEQUENCE,
        "binary_cross_entropy",
    ),
    "softmax at each step": (lambda: [dense(3), layers.Softmax()], SEQUENCE, "mse"),
    "dropout": (
        lambda: [layers.Dropout(0.2), dense(6), layers.Dropout(0.5), dense(2, "linear")],
        [3],
        "mse",
    ),
    "dropout of images": (
        lambda: classifier(conv(), layers.Dropout(0.3), conv(2, 2)),
        IMAGE,
        "cross_entropy",
    ),
    "dropout of sequences": (
        lambda: [recurrent(4), layers.Dropout(0.4), dense(2, "linear")],
        SEQUENCE,
        "mse",
    ),
    "batch_norm": (
        lambda: [dense(4), batch_norm("relu"), dense(3), batch_norm("linear"), dense(2, "linear")],
        [3],
        "mse",
    ),
    "batch_norm of images": (
        lambda: classifier(conv(), batch_norm(momentum=0.3, epsilon=0.01)),
        IMAGE,
        "cross_entropy",
    ),
    "batch_norm of sequences": (
        lambda: [batch_norm("linear"), recurrent(4), batch_norm(), dense(2, "linear")],
        SEQUENCE,
        "mse",
    ),
    "batch_norm gives probabilities": (
        lambda: [dense(4), dense(2, "linear"), batch_norm("sigmoid")],
        [3],
        "binary_cross_entropy",
    ),
    "layer_norm": (
        lambda: [dense(5), layer_norm("relu"), layer_norm("linear"), dense(2, "linear")],
        [3],
        "mse",
    ),
    "layer_norm of images": (
        lambda: classifier(conv(), layer_norm(epsilon=0.01)),
        IMAGE,
        "cross_entropy",
    ),
    "layer_norm of sequences": (
        lambda: [layer_norm("linear"), recurrent(4), layer_norm(), dense(2, "linear")],
        SEQUENCE,
        "mse",
    ),
    "embedding of rows": (
        lambda: [embedding(3), dense(4), dense(3, "linear"), layers.Softmax()],
        [4],
        "cross_entropy",
    ),
    "embedding of sequences": (
        lambda: [embedding(3), recurrent(4), dense(2, "linear")],
        [5, 1],
        "mse",
    ),
    "global_average_pool2d": (
        lambda: [conv(), layers.GlobalAveragePool2D(), dense(3, "linear"), layers.Softmax()],
        IMAGE,
        "cross_entropy",
    ),
    "flatten": (lambda: [layers.Flatten(), dense(2, "linear")], SEQUENCE, "mse"),
    "add, concatenate": (branches, [3], "log_cosh"),
    "joins of images": (image_branches, IMAGE, "cross_entropy"),
    "joins of sequences": (sequence_branches, SEQUENCE, "mse"),
}
"""Layers, the shape of a case, and the loss."""


def network(case, **options):
    """The network of a name of `CASES`."""
    make, shape, loss = CASES[case]
    made = Network(make(), input=shape, loss=loss, seed=1, **options)
    rng = np.random.default_rng(6)
    for segment in made.parameters.layout:  # what normalises starts as if it were not there
        if segment.name in ("gamma", "beta", "mean", "variance"):
            made.parameters[segment.full_name] += rng.uniform(-0.5, 0.5, segment.shape)
    return made


def batch(net, cases, seed=3):
    """Inputs and targets.

    Where no layer refuses padding, sequences have different lengths; where a target belongs to
    each step, some steps have none.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(cases, *net.input_shape))
    for layer in net.layers:
        if layer.takes_class_numbers:
            x = rng.integers(-1, layer.classes, x.shape).astype(float)
    lengths = np.full(cases, x.shape[1])
    refuse = [la for la in net.layers if len(la.input_shape) == 2 and not la.knows_padding]
    if len(net.input_shape) == 2 and not refuse:
        lengths = 1 + rng.permutation(cases) % x.shape[1]
        x[np.arange(x.shape[1]) >= lengths[:, None]] = np.nan
    loss, shape = loss_of_a_step(net.loss_function), net.layers[-1].output_shape
    at = shape[:-1] if len(shape) == 2 else ()
    width = net.outputs // prod(at)
    if loss.for_classes:
        t = rng.integers(0, width, (cases, *at))
    elif isinstance(loss, BinaryCrossEntropy):
        t = rng.integers(0, 2, (cases, *at, width)).astype(float)
    else:
        t = 2 * rng.normal(size=(cases, *at, width))
    if at:
        none = (np.arange(at[0]) >= lengths[:, None]) | (rng.random((cases, *at)) < 0.2)
        t[none] = NO_CLASS if loss.for_classes else np.nan
    return x, t
