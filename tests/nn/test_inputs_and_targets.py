"""What a caller may give to a network is taken as it is meant, left as it was, or refused."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from chainrule import Dense, Network, Softmax
from chainrule.core.errors import ShapeError
from chainrule.nn import Flatten, Recurrent
from chainrule.nn.losses import LOSSES
from networks import batch_for, difference, gradient, network_for
from recurrence import padded

X = np.random.default_rng(5).normal(size=(6, 3))
T = np.array([0, 1, 1, 0, 1, 0])
SYMMETRY = 1e-13
every_loss = pytest.mark.parametrize("loss", LOSSES)


def classifier():
    return Network([Dense(4, "tanh"), Dense(2), Softmax()], input=3, seed=1)


@pytest.mark.parametrize(
    "x",
    [
        (X * 4).astype(int),
        (X * 4).astype("int8"),
        X > 0,
        X.astype("float32"),
        X.tolist(),
        np.asfortranarray(X),
        np.repeat(X, 2, axis=0)[::2],
        X[::-1],
        X.reshape(6, 3, 1),
        X.reshape(6, 1, 3),
    ],
    ids=[
        "int",
        "int8",
        "bool",
        "float32",
        "list",
        "fortran",
        "strided",
        "reversed",
        "column",
        "row",
    ],
)
@pytest.mark.parametrize(
    "t",
    [T, T.tolist(), T.astype("uint8"), T.astype(float), T > 0],
    ids=["int", "list", "uint8", "float", "bool"],
)
def test_inputs_and_targets_of_any_kind_are_taken_and_left_as_they_were(x, t):
    x, t = copy.deepcopy(x), copy.deepcopy(t)
    plain = np.array(x, dtype=float).reshape(6, 3)
    expected = gradient(classifier(), plain, T)
    for array in (x, t):
        if isinstance(array, np.ndarray):
            array.setflags(write=False)
    network = classifier()
    y, loss = network.forward_pass(x), network.loss(x, t)
    assert y == pytest.approx(classifier().forward_pass(plain), rel=1e-14)
    assert loss == pytest.approx(classifier().loss(plain, T), rel=1e-14)
    assert difference(expected, network.backward_pass(t).vector) <= SYMMETRY
    assert np.array_equal(np.array(x, dtype=float).reshape(6, 3), plain)


@every_loss
@pytest.mark.parametrize("explicit", [False, True])
def test_writable_inputs_and_targets_are_left_as_they_were_too(loss, explicit):
    network = network_for("tanh", loss, explicit_jacobians=explicit)
    x, t = batch_for(network, 4, np.random.default_rng(1))
    copies = x.copy(), t.copy()
    gradient(network, x, t)
    network.loss(x, t)
    assert np.array_equal(x, copies[0])
    assert np.array_equal(t, copies[1])


@pytest.mark.parametrize(
    "x", [X[:, :2], X[0], 3.0, [["a"] * 3], np.zeros((2, 2, 2)), [[None] * 3]]
)
def test_inputs_that_do_not_fit_are_refused(x):
    with pytest.raises(ShapeError, match="inputs"):
        classifier().forward_pass(x)


@pytest.mark.parametrize("t", [T[:5], [*T, 0], [], [[0, 1]], 1, [0, 1, 2, 0, 1, 0], ["a"] * 6])
def test_targets_that_do_not_fit_are_refused(t):
    network = classifier()
    network.forward_pass(X)
    with pytest.raises(ShapeError):
        network.backward_pass(t)
    with pytest.raises(ShapeError):
        network.loss(X, t)


def test_a_loss_of_no_cases_is_refused_but_there_are_outputs_for_none():
    network = classifier()
    with pytest.raises(ShapeError, match=r"^a loss needs at least one case$"):
        network.loss(np.empty((0, 3)), [])
    assert network.forward_pass(np.empty((0, 3))).shape == (0, 2)
    assert network.forward_pass(np.empty((0, 3, 1))).shape == (0, 2)


def test_images_and_sequences_come_in_their_own_shape():
    network = Network([Flatten(), Dense(1)], input=[3, 2, 4])
    images = np.arange(48.0).reshape(2, 3, 2, 4)
    np.testing.assert_array_equal(network.prepare_inputs(images), images.reshape(2, 24))
    np.testing.assert_array_equal(
        network.prepare_inputs(images.reshape(2, 24)), images.reshape(2, 24)
    )
    with pytest.raises(ShapeError, match=r"\(cases, 3, 2, 4\), found \(2, 2, 4, 3\)"):
        network.prepare_inputs(images.transpose(0, 2, 3, 1))


def test_padding_stops_at_a_layer_that_takes_all_steps_as_one_row():
    layers = [Recurrent(2), Flatten(), Dense(1)]
    network = Network(layers, input=[3, 1], loss="mse")
    assert np.isfinite(network.forward_pass(np.ones((2, 3, 1)))).all()
    with pytest.raises(ShapeError) as caught:
        network.forward_pass(padded([np.ones((3, 1)), np.ones((2, 1))]))
    assert str(caught.value) == (
        "flatten_1 takes all steps of a case as they are and cannot pass over padding (NaN), but "
        "case 1 has 2 steps"
    )
    with pytest.raises(ShapeError, match="case 0 has 1 steps"):
        network.forward_pass(padded([np.ones((1, 1)), np.ones((3, 1)), np.ones((2, 1))]))
