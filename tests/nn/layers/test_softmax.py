"""The softmax output."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from chainrule import Dense, Network, Softmax
from chainrule.core.errors import ConfigError, ShapeError
from chainrule.gradients import COMPLEX_STEP
from chainrule.nn.layers.softmax import softmax
from chainrule.nn.sequences.each_step import EachStep
from networks import difference

logits = arrays(float, array_shapes(min_dims=2, max_dims=2), elements=st.floats(-1e3, 1e3))


def exact(z):
    with mpmath.workdps(50):
        e = [mpmath.exp(mpmath.mpf(float(v))) for v in z]
        return [float(v / mpmath.fsum(e)) for v in e]


@settings(max_examples=60, deadline=None)
@given(logits)
def test_each_row_is_the_distribution_of_its_logits(z):
    before = z.copy()
    assert softmax(z) == pytest.approx(np.array([exact(row) for row in z]), rel=1e-12, abs=1e-307)
    assert np.array_equal(z, before)


@settings(deadline=None)
@given(logits, st.floats(-1e3, 1e3))
def test_a_shift_of_all_logits_changes_nothing(z, shift):
    assert difference(softmax(z), softmax(z + shift)) <= 1e-12


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_the_type_is_kept(dtype):
    assert softmax(np.ones((2, 3), dtype)).dtype == dtype


def layer_for(size=4, cases=3, seed=0):
    layer = Softmax()
    Network([Dense(size), layer], input=2, loss="cross_entropy")
    z = np.random.default_rng(seed).normal(size=(cases, size))
    layer.forward_pass(z)
    return layer, z


def test_the_jacobian_is_the_derivative_of_softmax():
    layer, z = layer_for()
    dense = layer.jacobians()["z"].dense()
    for n, i in np.ndindex(z.shape):
        moved = z.astype(complex)
        moved[n, i] += 1j * COMPLEX_STEP
        assert difference(dense[n, :, i], softmax(moved)[n].imag / COMPLEX_STEP) <= 1e-14


@pytest.mark.parametrize("explicit", [False, True])
def test_the_backward_pass_multiplies_by_it(explicit):
    layer, _ = layer_for()
    layer.explicit = explicit
    J = np.random.default_rng(1).normal(size=(3, 4))
    s = layer.s
    expected = [J[n] @ (np.diag(s[n]) - np.outer(s[n], s[n])) for n in range(3)]
    found = layer.backward_pass(J)
    assert difference(np.array(expected), found) <= 1e-14
    assert layer.delta is found


def test_only_explicit_is_the_jacobian_built():
    """As a matrix of 3,000 x 3,000 a case it is refused."""
    layer, _ = layer_for(size=3000, cases=2)
    J = np.ones((2, 3000))
    assert layer.backward_pass(J).shape == J.shape
    layer.explicit = True
    with pytest.raises(ShapeError, match="more than the limit"):
        layer.backward_pass(J)


def test_delta_is_what_goes_upstream():
    layer, z = layer_for()
    delta = np.ones_like(z)
    assert layer.backward_from_delta(delta) is delta
    assert layer.delta is delta


def test_it_takes_its_size_from_upstream_and_has_no_parameters():
    layer, _ = layer_for(size=5)
    assert (layer.inputs, layer.size, layer.shapes()) == (5, 5, {})


@pytest.mark.parametrize("size", [3, 0, "4", 4.5])
def test_a_size_that_is_not_that_of_the_layer_before_is_refused(size):
    with pytest.raises(ConfigError, match=f"softmax of size {size} stands on a layer of size 4"):
        Network([Dense(4), Softmax(size=size)], input=2)


def test_the_size_of_the_layer_before_may_be_stated():
    assert Network([Dense(4), Softmax(size=4)], input=2).outputs == 4


def test_it_has_a_name_and_an_input_as_any_layer():
    layer = Softmax(name="p", inputs="scores")
    assert (layer.name, layer.sources) == ("p", ("scores",))


def test_it_takes_no_images():
    with pytest.raises(ConfigError) as caught:
        Softmax(name="p").connect((3, 4, 5))
    assert str(caught.value) == (
        "p takes a row of numbers, but what feeds it has the shape 3 x 4 x 5; put a flatten layer "
        "before it"
    )


def test_there_is_no_jacobian_before_a_forward_pass():
    with pytest.raises(ShapeError, match="there was no forward pass through softmax"):
        Network([Dense(4), Softmax()], input=2).layers[1].jacobians()


def test_a_size_that_does_not_fit_is_told_with_what_to_do():
    with pytest.raises(ConfigError, match=r"size 3; leave its size out, or state the same$"):
        Network([Dense(3), Softmax(size=2)], input=2)


def test_of_a_sequence_each_step_has_its_jacobian_and_padding_has_none():
    layer, z = EachStep(Softmax()), np.array([[0.5, -1.0, 2.0, 0.0, np.nan, np.nan]])
    layer.connect((3, 2))
    s = layer.forward_pass(z)
    assert np.isnan(s[0, 4:]).all()
    J = layer.jacobians()["z"]
    expected = np.zeros((1, 6, 6))
    for step in (slice(0, 2), slice(2, 4)):
        expected[0, step, step] = np.diag(s[0, step]) - np.outer(s[0, step], s[0, step])
    assert J.dense() == pytest.approx(expected, abs=1e-15)
    assert J.vjp(np.arange(6.0)[None])[0, 4:].tolist() == [0, 0]
    by_hand = np.array([[1.0, 2.0, 3.0, 4.0, np.nan, np.nan]])  # as y − t is, where y is padding
    assert J.vjp(by_hand)[0, :4] == pytest.approx(J.vjp(np.arange(1.0, 7.0)[None])[0, :4])
    assert J.vjp(by_hand)[0, 4:].tolist() == [0, 0]
