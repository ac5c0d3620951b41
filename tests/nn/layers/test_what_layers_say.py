"""What a layer says of itself, its class attributes, is what it does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import Dense, Network
from chainrule.core.errors import ConfigError
from chainrule.nn.building import network_problems, nodes_of
from chainrule.nn.graph import graph_problems
from chainrule.nn.layer_types import LAYERS
from chainrule.nn.losses import loss_function
from chainrule.nn.sequences.each_step import connected_to

OPTIONS: dict[str, dict[str, Any]] = {
    "dense": {"size": 3},
    "embedding": {"size": 3, "classes": 4},
    "recurrent": {"size": 3},
    "lstm": {"size": 3},
    "gru": {"size": 3},
    "conv2d": {"filters": 2, "size": 2},
    "locally_connected2d": {"filters": 2, "size": 2},
    "dropout": {"rate": 0.5},
}
SHAPES = {"row": (6,), "sequence": (3, 2), "image": (2, 3, 4)}
every_layer = pytest.mark.parametrize("word", LAYERS)


def made(word):
    layer = LAYERS[word](name=word, **OPTIONS.get(word, {}))
    if hasattr(layer, "activation"):
        layer.activation = "tanh"
    return layer


def connected(word, shape):
    """A layer alone, its parameters drawn; a join is fed twice the same."""
    layer, rng = made(word), np.random.default_rng(4)
    layer.sources = ("a", "b") if layer.joins else ()
    layer = connected_to(layer, [shape] * (2 if layer.joins else 1))
    values = {name: rng.normal(size=size) for name, size in layer.shapes().items()}
    values |= {name: abs(value) for name, value in values.items() if name == "variance"}
    layer.bind(values, {name: np.zeros_like(value) for name, value in values.items()})
    return layer


def taken(word):
    """The kinds of cases that a layer takes."""
    found = []
    for kind, shape in SHAPES.items():
        try:
            connected(word, shape)
        except ConfigError:
            continue
        found.append(kind)
    return found


@every_layer
def test_what_it_takes(word):
    layer, found = LAYERS[word], taken(word)
    assert (found == ["image"]) is layer.takes_images
    assert (found == ["sequence"]) is layer.takes_sequences
    assert found


def fed_by(word, *sources):
    """A layer with its sources, and a dense one behind it."""
    layer = made(word)
    layer.sources = sources
    return [layer, Dense(2, "tanh", name="behind")]


@every_layer
def test_how_many_inputs_it_takes(word):
    none, two = (
        " ".join(fault.message for fault in graph_problems(nodes_of(layers)))
        for layers in (fed_by(word), fed_by(word, "input", "input"))
    )
    assert ("at least two inputs" in none) is LAYERS[word].joins
    assert ("takes one input" in two) is not LAYERS[word].joins


@every_layer
def test_whether_another_may_follow(word):
    layers = fed_by(word, *["input"] * (2 if LAYERS[word].joins else 1))
    asked = [f"{word} must be the last layer"] if LAYERS[word].must_be_last else []
    assert [fault.message for fault in network_problems(layers, loss_function("mse"))] == asked


@every_layer
def test_whether_it_has_weights(word):
    layer = connected(word, SHAPES[taken(word)[0]])
    assert bool(layer.shapes()) is layer.has_weights
    first, _ = fed_by(word, *["input"] * (2 if layer.joins else 1))
    alone = [fault.message for fault in network_problems([first], loss_function("mse"))]
    assert any("needs at least one dense layer" in text for text in alone) is not layer.has_weights


@every_layer
def test_what_it_gives(word):
    """On every kind of case that it takes, whatever the numbers are."""
    rng, kind = np.random.default_rng(5), LAYERS[word]
    same, wide, sums = [], [], []
    for shape in (SHAPES[name] for name in taken(word)):
        layer = connected(word, shape)
        x = rng.normal(size=(2, layer.inputs))
        if layer.takes_class_numbers:
            x = rng.integers(0, layer.classes, x.shape).astype(float)
        y = layer.forward_pass(x)
        same.append(np.array_equal(x, y))
        wide.append(layer.outputs == np.prod(shape))
        rows = y.reshape(-1, layer.output_shape[-1])
        sums.append((rows >= 0).all() and np.allclose(rows.sum(axis=1), 1))
        stated = OPTIONS.get(word, {}).get("size")
        assert (layer.output_shape[-1] == stated) is kind.size_is_outputs
        local = layer.jacobians()
        assert ("x" not in local) is kind.must_be_last  # its δ is what goes upstream
        for name, jacobian in local.items():
            sizes, entries = jacobian.magnitudes(), np.abs(jacobian.dense())
            assert (sizes.dense() >= entries * (1 - 1e-15)).all()
            # Those of softmax and of a normalisation are of terms that cancel within an entry.
            adds_up = name in ("a", "z") or (word, name) == ("layer_norm", "x")
            assert adds_up or np.array_equal(sizes.dense(), entries)
            g = rng.normal(size=entries.shape[:2])
            by_dense = np.einsum("nm,nm...->n...", g, sizes.dense())
            by_dense = by_dense.sum(axis=0) if name in layer.shapes() else by_dense
            assert sizes.vjp(g) == pytest.approx(by_dense, rel=1e-12, abs=1e-12)
        if kind.loss_from_z:
            assert layer.z.shape == y.shape
    assert all(same) is kind.passes_on
    assert all(wide) is kind.keeps_width or kind.passes_on
    assert all(sums) is kind.gives_distribution


def test_a_recurrent_layer_may_give_less_than_its_z():
    layer = LAYERS["recurrent"](3, "tanh", outputs="last", name="r")
    network = Network([layer], input=[4, 2], loss="mse")
    y = network.forward_pass(np.ones((2, 4, 2)))
    assert not layer.loss_from_z
    assert layer.z.shape != y.shape


def test_what_conv2d_and_local_filters_leave_to_numpy():
    words = ("conv2d", "locally_connected2d", "flatten")
    conv, local, flat = (connected(word, SHAPES["image"]) for word in words)
    places, under = 2 * 3, 2 * 2 * 2
    assert (conv.largest_product, conv.in_loops) == (0, 2 * places * under)
    assert (local.largest_product, local.in_loops) == (2 * under, 0)
    assert (flat.largest_product, flat.in_loops) == (0, 0)
