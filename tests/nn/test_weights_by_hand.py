"""Weights by hand: the initial values themselves, in every layer that has parameters."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Regressor
from chainrule.core.errors import ConfigError
from chainrule.nn import (
    GRU,
    LSTM,
    BatchNorm,
    Conv2D,
    Dense,
    Embedding,
    LayerNorm,
    LocallyConnected2D,
    Network,
    Recurrent,
)
from chainrule.nn.initializers import Given, Range, initializer, initializer_of_row
from chainrule.nn.layer_types import LAYERS

ROW, SEQUENCE, IMAGE = [3], [4, 3], [2, 4, 3]

LAYERS_WITH_PARAMETERS = {
    "dense": (Dense, {"size": 2}, ROW),
    "dense at each step": (Dense, {"size": 2}, SEQUENCE),
    "conv2d": (Conv2D, {"filters": 2, "size": [2, 1]}, IMAGE),
    "locally_connected2d": (LocallyConnected2D, {"filters": 2, "size": 2}, IMAGE),
    "recurrent": (Recurrent, {"size": 2}, SEQUENCE),
    "lstm": (LSTM, {"size": 2}, SEQUENCE),
    "gru": (GRU, {"size": 2}, SEQUENCE),
    "embedding": (Embedding, {"size": 2, "classes": 5}, ROW),
    "batch_norm": (BatchNorm, {}, IMAGE),
    "layer_norm": (LayerNorm, {}, ROW),
}


def numbers(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def built(layer, shape, **options):
    return Network([layer], input=shape, loss="mse", **options)


def given_for(kind):
    """The layer's class and options, its input, and numbers for each argument that starts one."""
    layer, options, shape = LAYERS_WITH_PARAMETERS[kind]
    drawn = built(layer(**options), shape).layers[0]
    shapes = drawn.shapes()
    starts = {
        argument: numbers(shapes[name], k)
        for k, (name, argument) in enumerate(drawn.starts.items())
        if name in shapes
    }
    return layer, options, shape, starts


def test_every_layer_with_weights_is_in_the_table_here():
    kinds = {layer.type for layer, _, _ in LAYERS_WITH_PARAMETERS.values()}
    assert kinds == {kind for kind, layer in LAYERS.items() if layer.has_weights}


@pytest.mark.parametrize("as_lists", [False, True], ids=["arrays", "lists"])
@pytest.mark.parametrize("kind", LAYERS_WITH_PARAMETERS)
def test_the_numbers_are_the_parameters(kind, as_lists):
    layer, options, shape, starts = given_for(kind)
    written = {k: v.tolist() if as_lists else v for k, v in starts.items()}
    for seed in (0, 1):
        network = built(layer(**options, **deepcopy(written)), shape, seed=seed)
        (made,) = network.layers
        for name, argument in made.starts.items():
            if argument in starts:
                assert np.array_equal(network.parameters[f"{made.name}.{name}"], starts[argument])


@pytest.mark.parametrize("kind", LAYERS_WITH_PARAMETERS)
def test_another_shape_is_told_with_the_one_that_is_expected(kind):
    layer, options, shape, starts = given_for(kind)
    for argument, right in starts.items():
        wrong = np.ones((*right.shape[:-1], right.shape[-1] + 1))
        with pytest.raises(ConfigError) as caught:
            built(layer(**options, **{**starts, argument: wrong}), shape)
        message = str(caught.value)
        assert f"{argument} of {layer.type}_1 have the shape {right.shape}" in message
        assert f"found {wrong.shape}" in message


def test_a_matrix_that_lies_on_its_side_is_recognised():
    with pytest.raises(ConfigError, match="fits if rows and columns are exchanged"):
        built(Dense(2, weights=np.ones((2, 3))), ROW)


def test_the_callers_array_is_copied_and_not_changed():
    W = numbers((3, 2))
    kept = W.copy()
    network = built(Dense(2, weights=W), ROW)
    network.theta += 1
    W *= 0
    assert np.array_equal(network.layers[0].W, kept + 1)
    assert np.array_equal(built(Dense(2, weights=kept), ROW).layers[0].W, kept)


def test_two_numbers_are_a_range_beside_drawn_weights_and_values_beside_given_ones():
    assert Dense(2, biases=[0.1, 0.2]).biases == Range(0.1, 0.2)
    assert Dense(2, biases=[0.1, 0.2, 0.3]).biases == Given([0.1, 0.2, 0.3])
    assert Dense(2, weights=[[1.0]], biases=[0.2, 0.1]).biases == Given([0.2, 0.1])
    assert Dense(2, weights=[[1.0]], biases={"range": [0.1, 0.2]}).biases == Range(0.1, 0.2)
    assert Dense(2, biases={"values": [0.2, 0.1]}).biases == Given([0.2, 0.1])
    assert BatchNorm(weights=[2.0, 1.0]).weights == Given([2.0, 1.0])


def test_biases_of_an_lstm_by_hand_are_not_moved_by_its_forget_bias():
    values = numbers(8)
    network = built(LSTM(2, biases=values), SEQUENCE)
    assert np.array_equal(network.layers[0].b, values)
    with pytest.raises(ConfigError, match="leave forget_bias out"):
        LSTM(2, biases=values, forget_bias=1.0)


def test_the_second_biases_of_a_gru_follow_the_first_unless_they_are_given():
    def second(**options):
        return built(GRU(2, **options), SEQUENCE).layers[0].b_hn

    assert np.array_equal(second(), [0, 0])
    assert np.array_equal(second(biases="ones"), [1, 1])
    assert np.array_equal(second(biases=numbers(6)), [0, 0])
    assert np.array_equal(second(biases=numbers(6), recurrent_biases=[3.0, 3.0]), [3, 3])
    with pytest.raises(ConfigError, match="no biases to start"):
        GRU(2, bias=False, recurrent_biases=[1.0, 2.0, 3.0])


def test_a_learnt_start_may_begin_with_numbers():
    network = built(LSTM(2, start={"learnt": [1, 2, 3, 4]}), SEQUENCE)
    assert network.parameters["lstm_1.h0"].tolist() == [1, 2]
    assert network.parameters["lstm_1.c0"].tolist() == [3, 4]
    fixed = built(LSTM(2, start=[1, 2, 3, 4]), SEQUENCE).layers[0]
    assert "h0" not in fixed.shapes()
    with pytest.raises(ConfigError, match="2 finite numbers, one a unit"):
        Recurrent(2, start={"learnt": [1]})
    with pytest.raises(ConfigError, match=r"is \{learnt: \[...\]\}"):
        Recurrent(2, start={"learned": [1, 2]})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[1.0, 2.0], [3.0]], "rows of one length; found 2 in row 0, 1 in row 1"),
        ([[1.0, "a"]], "found 'a' at [0][1]"),
        ([[1.0, float("nan")]], "found nan at [0][1]"),
        (np.array([[0.0, np.inf]]), "found inf at [0][1]"),
        (np.array([["a"]]), "initial values are numbers, found <U1"),
        ([[True]], "found True at [0][0]"),
        ([[1j]], "found 1j at [0][0]"),
        ([[]], "numbers in a list, found [[]]"),
        ({"values": 3}, "numbers in a list, found 3"),
        ({"values": [1], "range": [0, 1]}, "a start is said outright as {values: [...]}"),
        ({"file": "W.npy"}, "in Python pass the array itself"),
        ([[10**400]], "found 1000"),
    ],
)
def test_what_is_no_array_is_refused_with_its_place(value, message):
    with pytest.raises(ConfigError) as caught:
        initializer(value)
    assert message in str(caught.value)


def test_lists_nested_too_deeply_are_no_array():
    value = 1.0
    for _ in range(500):
        value = [value]
    with pytest.raises(ConfigError, match="at most 8 axes"):
        initializer(value)


def test_a_rule_cannot_start_a_normalisation():
    with pytest.raises(ConfigError, match="count inputs and outputs"):
        LayerNorm(weights="glorot")
    with pytest.raises(ConfigError, match="none can be given"):
        Dense(2, bias=False, biases=[1.0, 2.0, 3.0])


@settings(max_examples=25)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6))
def test_a_row_is_its_numbers_unless_it_is_a_range(row):
    found = initializer_of_row(sorted(row))
    assert found == (Range(*sorted(row)) if len(row) == 2 else Given(sorted(row)))
    outright = initializer({"values": row})
    assert outright.draw((len(row),), np.random.default_rng()).tolist() == row


@pytest.mark.exhaustive
def test_estimators_take_arrays_and_are_cloned_with_them():
    sklearn = pytest.importorskip("sklearn.base", reason="scikit-learn is not installed")
    layers = [{"size": 2, "weights": numbers((3, 2)), "biases": [0.2, 0.1]}, 1]
    model = Regressor(layers=layers, epochs=0)
    x, y = numbers((4, 3)), numbers(4)
    for each in (model, sklearn.clone(model), Regressor([Dense(2, weights=numbers((3, 2)))])):
        each.set_params(epochs=0).fit(x, y)
        assert np.array_equal(each.network_.layers[0].W, numbers((3, 2)))
    assert model.network_.layers[0].b.tolist() == [0.2, 0.1]
    with pytest.raises(ConfigError, match="have the shape"):
        Regressor([{"size": 3, "weights": numbers((3, 2))}]).fit(x, y)
