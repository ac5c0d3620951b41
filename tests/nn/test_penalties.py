"""Penalties against their formulas, and on what of θ they are placed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chainrule.core.errors import ConfigError, unknown
from chainrule.gradients import complex_step, relative_error
from chainrule.nn.parameters import Layout
from chainrule.nn.penalties import DEFAULT_RATE, PENALTIES, PenaltySetting, penalty_setting, placed

vectors = arrays(float, st.integers(0, 6), elements=st.floats(-1e3, 1e3, allow_subnormal=False))
every_penalty = pytest.mark.parametrize("name", PENALTIES)


@given(vectors)
def test_totals_are_half_the_squares_or_the_magnitudes(w):
    assert PENALTIES["L2"].total(w) == pytest.approx(sum(0.5 * v * v for v in w))
    assert PENALTIES["L1"].total(w) == pytest.approx(sum(abs(v) for v in w))


@every_penalty
@given(w=vectors)
def test_the_derivative_is_that_of_the_total(name, w):
    penalty = PENALTIES[name]
    numeric = complex_step(penalty.total, w, step=1.0)  # exact with any step: Ω has no third power
    assert relative_error(penalty.derivative(w), numeric) <= 1e-15


def test_derivatives_are_w_and_its_sign_and_0_at_the_kink():
    w = np.array([-2.0, 0.0, 3.0])
    assert PENALTIES["L2"].derivative(w).tolist() == [-2, 0, 3]
    assert PENALTIES["L1"].derivative(w).tolist() == [-1, 0, 1]


@every_penalty
def test_the_type_is_kept_and_w_is_left_alone(name):
    w = np.array([-2.0, 3.0], "float32")
    w.setflags(write=False)
    assert PENALTIES[name].total(w).dtype == PENALTIES[name].derivative(w).dtype == "float32"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("none", None),
        ({"type": "None"}, None),
        ({"type": None, "rate": 0.1}, None),
        ("L1", PenaltySetting({"L1": DEFAULT_RATE}, False)),
        ({"rate": 0.5}, PenaltySetting({"L2": 0.5}, False)),
        ({"type": "L1", "rate": 0, "biases": True}, PenaltySetting({"L1": 0}, True)),
        ({"L1": 0.1, "L2": 0.2}, PenaltySetting({"L2": 0.2, "L1": 0.1})),
        ({"L2": 0.2, "biases": True}, PenaltySetting({"L2": 0.2}, True)),
        (PenaltySetting({"L1": 0.5}), PenaltySetting({"L1": 0.5})),
    ],
)
def test_how_a_penalty_may_be_described(value, expected):
    assert penalty_setting(value) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("l2", "unknown penalty 'l2'; did you mean 'L2'?"),
        ({"type": "L2", "weight_decay": 1}, "'weight_decay'; did you mean 'rate'?"),
        ({"rate": -0.1}, "a penalty's rate is finite and at least 0, found -0.1"),
        ({"rate": float("nan")}, "found nan"),
        ({"rate": "0.1"}, "found '0.1'"),
        ({"biases": "no"}, "a penalty's biases is true or false, found 'no'"),
        (0.1, "penalty is a name, or a mapping"),
        ({"L1": 0.1, "rate": 0.1}, "a penalty is written with a type and its rate, or with the"),
        ({"L1": 0.1, "type": "none"}, "this mixes the two"),
        ({"L1": 0.1, "l2": 0.1}, "unknown key of penalty 'l2'; did you mean 'L2'?"),
        ({"L1": -1}, "a penalty's rate is finite and at least 0, found -1"),
    ],
)
def test_what_describes_no_penalty_is_refused(value, message):
    with pytest.raises(ConfigError) as caught:
        penalty_setting(value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "nearest"), [("typ", "type"), ("rat", "rate"), ("bias", "biases")]
)
def test_a_misspelt_key_is_named_with_the_nearest(wrong, nearest):
    with pytest.raises(ConfigError) as caught:
        penalty_setting({"type": "L2", wrong: 0.1})
    known = ("type", "rate", "biases", "L1", "L2")
    assert str(caught.value) == unknown("key of penalty", wrong, known)
    assert f"'{nearest}'" in str(caught.value)


LAYOUT = Layout({"a": {"W": (1, 2), "b": (2,)}, "c": {"W": (2, 1), "b": (1,)}})
THETA = np.array([1.0, -2.0, 30.0, 40.0, 3.0, -4.0, 50.0])


@pytest.mark.parametrize(
    ("setting", "loss", "gradient"),
    [
        (PenaltySetting({"L2": 0.1}), 1.5, [0.1, -0.2, 0, 0, 0.3, -0.4, 0]),
        (PenaltySetting({"L1": 0.5}), 5.0, [0.5, -0.5, 0, 0, 0.5, -0.5, 0]),
        (PenaltySetting({"L2": 0.1}, True), 251.5, [0.1, -0.2, 3, 4, 0.3, -0.4, 5]),
        (PenaltySetting({"L1": 0.0}), 0.0, [0, 0, 0, 0, 0, 0, 0]),
        (PenaltySetting({"L1": 0.5, "L2": 0.1}), 6.5, [0.6, -0.7, 0, 0, 0.8, -0.9, 0]),
        (None, 0.0, [0, 0, 0, 0, 0, 0, 0]),
    ],
)
def test_it_is_on_the_weights_and_on_biases_where_asked(setting, loss, gradient):
    found = placed(setting, LAYOUT)
    assert found.loss(THETA) == pytest.approx(loss, rel=1e-15)
    vector = np.ones(7)
    found.add_gradient(THETA, vector)
    assert vector - 1 == pytest.approx(np.array(gradient), abs=1e-15)


@every_penalty
def test_where_it_is_placed_the_gradient_is_that_of_the_loss(name):
    found = placed(PenaltySetting({name: 0.3}), LAYOUT)
    vector = np.zeros(7)
    found.add_gradient(THETA, vector)
    assert relative_error(vector, complex_step(found.loss, THETA)) <= 1e-15
