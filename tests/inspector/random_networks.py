"""Random networks of all kinds with data for them, by which the page's engine is tried."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import Network
from chainrule.explain.lesson import in_float64
from chainrule.inspector.passes import recorded
from chainrule.inspector.record import FirstStep, Record
from chainrule.inspector.scene import Told, scene
from chainrule.nn import (
    GRU,
    LSTM,
    Add,
    AveragePool2D,
    BatchNorm,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePool2D,
    LayerNorm,
    LocallyConnected2D,
    MaxPool2D,
    Recurrent,
    Softmax,
)
from chainrule.nn.activations import ACTIVATIONS
from chainrule.training.optimizers import OPTIMIZERS, Optimizer, optimizer

Rng = np.random.Generator


@dataclass(frozen=True)
class Drawn:
    """A network with its data, its update and the seed of its masks."""

    network: Network
    x: Any
    t: Any
    weights: Any
    rule: Optimizer
    scale: float
    most: float | None


def phi(rng: Rng) -> dict[str, Any] | str:
    """An activation, sometimes with options."""
    name = str(rng.choice(sorted(ACTIVATIONS)))
    options = {"leaky_relu": {"slope": 0.2}, "elu": {"alpha": 0.7}}.get(name)
    return {"type": name, **options} if options and rng.random() < 0.5 else name


def dense(rng: Rng, **options: Any) -> Dense:
    """A dense layer."""
    return Dense(int(rng.integers(1, 6)), phi(rng), bias=bool(rng.random() < 0.8), **options)


def rows(rng: Rng) -> tuple[list[Any], Any]:
    """A chain of layers of rows, on an input of one to three axes."""
    shape: Any = int(rng.integers(1, 6))
    layers = [dense(rng) for _ in range(rng.integers(1, 4))]
    if rng.random() < 0.4:
        layers.insert(int(rng.integers(0, len(layers) + 1)), Dropout(0.3))
    if rng.random() < 0.3:
        shape = [2, 3, 2]
        layers.insert(0, Flatten())
    return layers, shape


def joins(rng: Rng) -> tuple[list[Any], Any]:
    """A graph with a sum and a concatenation, in which outputs have several uses."""
    width = int(rng.integers(1, 5))
    twice = ["f", "f"] if rng.random() < 0.3 else ["f", "input"]
    return [
        Dense(width, phi(rng), name="f", inputs="input"),
        Dense(3, phi(rng), name="g", inputs="f"),
        Add(inputs=twice, name="sum"),
        Dense(3, phi(rng), name="h", inputs="sum"),
        Concatenate(inputs=["h", "g", "f", "h"], name="all"),
    ], width


def at_each_step(rng: Rng) -> tuple[list[Any], Any]:
    """Layers of rows on sequences, some of which end early."""
    layers: list[Any] = [dense(rng) for _ in range(rng.integers(1, 3))]
    if rng.random() < 0.5:
        layers.append(Dropout(0.4))
    if rng.random() < 0.5:
        layers = [Dense(3, phi(rng), name="f"), Dense(3, name="g"), Add(inputs=["f", "g"])]
        if rng.random() < 0.5:
            layers.append(Concatenate(inputs=["add_1", "f"]))
    return layers, [int(rng.integers(2, 5)), int(rng.integers(1, 4))]


def embedded(rng: Rng) -> tuple[list[Any], Any]:
    """An embedding of rows or of sequences of class numbers."""
    shape: Any = [3, 1] if rng.random() < 0.5 else int(rng.integers(1, 4))
    return [Embedding(int(rng.integers(1, 4)), classes=4), dense(rng)], shape


def side(rng: Rng, least: int, most: int) -> Any:
    """A number for both directions, or one for each."""
    both = [int(one) for one in rng.integers(least, most + 1, 2)]
    return both if rng.random() < 0.5 else both[0]


def padding(rng: Rng, *, most: int) -> Any:
    """Padding of filters or of windows."""
    return rng.choice(["same", "valid"]) if rng.random() < 0.4 else side(rng, 0, most)


def filters(rng: Rng, around: Any = None) -> Any:
    """Filters that all places share, or those of each place."""
    kind = Conv2D if rng.random() < 0.6 else LocallyConnected2D
    return kind(
        int(rng.integers(1, 4)),
        side(rng, 1, 3),
        stride=side(rng, 1, 3),
        padding=padding(rng, most=2) if around is None else around,
        activation=phi(rng),
        bias=bool(rng.random() < 0.7),
    )


def pool(rng: Rng) -> Any:
    """The largest or the mean of windows."""
    kind = MaxPool2D if rng.random() < 0.6 else AveragePool2D
    size = side(rng, 2, 3)
    around = padding(rng, most=1) if rng.random() < 0.5 else "same"
    return kind(size, stride=side(rng, 1, 2), padding=around)


def normalised(rng: Rng) -> Any:
    """Batch or layer normalisation."""
    own = {"weights": {"range": [0.5, 2]}, "biases": {"range": [-1, 1]}}
    options: dict[str, Any] = {"activation": phi(rng), "epsilon": float(rng.choice([0.001, 0.1]))}
    if rng.random() < 0.5:
        return LayerNorm(**options, **own)
    return BatchNorm(float(rng.choice([0.1, 1.0])), **options, **own)


def images(rng: Rng) -> tuple[list[Any], Any]:
    """Layers on images, of which the last one makes a row."""
    made = [filters(rng), pool(rng), normalised(rng), filters(rng, "same")]
    layers = [one for one in made if rng.random() < 0.75]
    layers.append(GlobalAveragePool2D() if rng.random() < 0.4 else Flatten())
    return layers, [int(rng.integers(1, 4)), int(rng.integers(7, 10)), int(rng.integers(7, 10))]


def normalised_rows(rng: Rng) -> tuple[list[Any], Any]:
    """Normalisation of rows, or of sequences of which some end early."""
    shape: Any = int(rng.integers(2, 6)) if rng.random() < 0.5 else [4, int(rng.integers(1, 4))]
    return [normalised(rng), dense(rng), normalised(rng)], shape


def layer_with_states(rng: Rng, **options: Any) -> Any:
    """A layer with states."""
    kind = (Recurrent, LSTM, GRU)[int(rng.integers(3))]
    size = int(rng.integers(1, 4))
    if kind is Recurrent:
        options["activation"] = phi(rng)
    if rng.random() < 0.4:
        options["truncate"] = int(rng.integers(1, 4))
    if rng.random() < 0.6:
        given = rng.normal(size=size * (2 if kind is LSTM else 1)).tolist()
        options["start"] = "learnt" if rng.random() < 0.6 else given
    return kind(size, bias=bool(rng.random() < 0.8), **options)


def with_states(rng: Rng) -> tuple[list[Any], Any]:
    """Layers with states, of which the last may put out its last state alone."""
    layers = [layer_with_states(rng) for _ in range(rng.integers(0, 2))]
    last = layer_with_states(rng, outputs=str(rng.choice(["all", "last"])))
    return [*layers, last], [int(rng.integers(1, 6)), int(rng.integers(1, 4))]


Part = Callable[[Rng], tuple[list[Any], Any]]

PARTS: Sequence[Part] = (
    rows,
    joins,
    at_each_step,
    embedded,
    images,
    normalised_rows,
    with_states,
)
"""The beginnings of networks, a function a kind; each gives layers and the shape of a case."""

LOSSES = ("cross_entropy", "binary_cross_entropy", "mse", "mae", "huber", "log_cosh", "hinge")


def ending(rng: Rng, loss: str) -> list[Any]:
    """The last layers, as the loss needs them."""
    if loss == "cross_entropy":
        return [Dense(3, "linear"), Softmax()]
    if loss == "binary_cross_entropy":
        return [Dense(2, "sigmoid")]
    if rng.random() < 0.2:
        return [Dense(3, "tanh"), Softmax()]
    return [Dense(3, phi(rng))]


def options_of(rng: Rng, loss: str) -> dict[str, Any] | str:
    """The loss, sometimes with options."""
    if "cross_entropy" in loss and rng.random() < 0.4:
        return {"type": loss, "label_smoothing": 0.1}
    return {"type": loss, "delta": 0.4} if loss == "huber" else loss


def penalty(rng: Rng) -> dict[str, Any] | None:
    """A penalty, or none."""
    choices: Sequence[dict[str, Any] | None] = (
        None,
        {"L2": 0.1},
        {"L1": 0.05},
        {"L1": 0.02, "L2": 0.3, "biases": True},
    )
    return choices[int(rng.integers(len(choices)))]


RULES: Sequence[dict[str, Any]] = (
    *({"type": name} for name in OPTIMIZERS),
    {"type": "momentum", "nesterov": True},
    {"type": "adagrad", "initial": 0.3},
    {"type": "rmsprop", "centered": True, "momentum": 0.5},
    {"type": "adamw", "weight_decay": 0.3, "biases": True},
)


def drawn(seed: int, parts: Sequence[Part] = PARTS) -> Drawn:
    """The random network of a seed."""
    rng = np.random.default_rng(seed)
    layers, shape = parts[seed % len(parts)](rng)
    loss = LOSSES[int(rng.integers(len(LOSSES)))]
    network = Network(
        [*layers, *ending(rng, loss)],
        input=shape,
        loss=options_of(rng, loss),
        penalty=penalty(rng),
        learning_rate=0.2 if rng.random() < 0.5 else None,
        bias_learning_rate=0.05 if rng.random() < 0.3 else None,
        seed=seed,
    )
    network.theta = rng.normal(scale=0.7, size=network.theta.size)
    rule = optimizer(RULES[int(rng.integers(len(RULES)))])
    if rule.takes_all_cases and any(isinstance(layer, Dropout) for layer in layers):
        rule = optimizer("adam")
    cases = int(rng.integers(1, 5))
    x = inputs(rng, network, cases)
    return Drawn(
        network,
        x,
        targets(rng, network, loss, x),
        rng.uniform(0.2, 2.0, cases) if rng.random() < 0.3 else None,
        rule,
        float(rng.choice([1.0, 0.5])),
        0.1 if rng.random() < 0.3 and not rule.takes_all_cases else None,
    )


LOSSES_WITH_OPTIONS: Sequence[dict[str, Any]] = (
    *({"type": name} for name in LOSSES),
    {"type": "cross_entropy", "label_smoothing": 0.1},
    {"type": "binary_cross_entropy", "label_smoothing": 0.1},
    {"type": "huber", "delta": 0.4},
)


def of_every_loss_and_rule() -> list[Drawn]:
    """Small networks with every loss, on rows and on sequences, and every update rule."""
    found = []
    for n, loss in enumerate((*LOSSES_WITH_OPTIONS, *LOSSES_WITH_OPTIONS)):
        rng, is_sequence = np.random.default_rng(n), n >= len(LOSSES_WITH_OPTIONS)
        layers = [Dense(3, "tanh"), *ending(rng, loss["type"])]
        shape = [4, 2] if is_sequence else 2
        network = Network(layers, input=shape, loss=loss, penalty={"L1": 0.1, "L2": 0.2}, seed=n)
        network.theta = rng.normal(size=network.theta.size)
        x = rng.normal(size=(3, *network.input_shape))
        if is_sequence:
            x[1, 2:] = np.nan
        t = targets(rng, network, loss["type"], x)
        weights = rng.uniform(0.5, 2, 3) if n % 2 else None
        rule = optimizer(RULES[n % len(RULES)])
        found.append(Drawn(network, x, t, weights, rule, 0.5, None))
    return found


def inputs(rng: Rng, network: Network, cases: int) -> Any:
    """Inputs, of which some sequences end early."""
    shape = (cases, *network.input_shape)
    x = rng.normal(size=shape)
    if any(layer.takes_class_numbers for layer in network.layers):
        x = rng.integers(-1, 4, size=shape).astype(float)
    if network.reads_sequences and rng.random() < 0.6:
        for case in range(1, cases):
            x[case, int(rng.integers(1, shape[1] + 1)) :] = np.nan
    return x


def targets(rng: Rng, network: Network, loss: str, x: Any) -> Any:
    """Targets of the outputs, of which some steps of sequences have none."""
    shape = network.layers[network.graph.order[-1]].output_shape
    lead = (len(x), *shape[:-1])
    if loss in ("cross_entropy", "hinge"):
        t = rng.integers(0, shape[-1], size=lead)
        if loss == "cross_entropy" and rng.random() < 0.3:
            t = rng.dirichlet(np.ones(shape[-1]), size=lead)
    elif loss == "binary_cross_entropy":
        t = rng.integers(0, 2, size=(*lead, shape[-1])).astype(float)
    else:
        t = rng.normal(size=(*lead, shape[-1]))
    if len(shape) < 2:
        return t
    missing = np.isnan(x).all(axis=2)
    missing[:, 0] |= rng.random(len(x)) < 0.3
    t = t.copy() if t.ndim == 3 else np.where(missing, -1, t)
    if t.ndim == 3:
        t[missing] = np.nan
    return t


def told(seed: int, parts: Sequence[Part] = PARTS) -> dict[str, Any]:
    """The scene and the recorded arrays of the random network of a seed, as JSON takes them."""
    return told_of(drawn(seed, parts), seed)


def told_of(made: Drawn, seed: int) -> dict[str, Any]:
    """The same of a network that is there."""
    network = in_float64(made.network)
    weights = network.prepare_weights(made.weights, len(made.x))
    step = FirstStep(made.rule, made.scale, made.most)
    record = recorded(network, *network.prepare(made.x, made.t), weights, step=step, seed=seed)
    return as_json(record)


def as_json(record: Record) -> dict[str, Any]:
    """The scene and the arrays of a record, as JSON takes them."""
    arrays = {
        key: [
            one if math.isfinite(one) else js_number(one) for one in entry.values.ravel().tolist()
        ]
        for key, entry in record.entries.items()
    }
    return {"scene": scene(record, Told("a test")), "arrays": arrays}


def js_number(one: float) -> str:
    """A number that JSON lacks, as JavaScript writes it."""
    return "NaN" if math.isnan(one) else "Infinity" if one > 0 else "-Infinity"
