"""Losses against their formulas, against 60 digits, and at the edge of the numbers."""

from __future__ import annotations

from math import cosh, log

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf

from chainrule.core.errors import ConfigError, ShapeError
from chainrule.gradients import complex_step, relative_error
from chainrule.nn.layers.softmax import softmax
from chainrule.nn.losses import (
    FROM_LOGITS,
    LOSSES,
    Huber,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    loss_function,
)

RESIDUALS = {
    "mse": lambda d: d * d,
    "mae": abs,
    "huber": lambda d: 0.5 * d * d if abs(d) <= 1 else abs(d) - 0.5,
    "log_cosh": lambda d: log(cosh(d)),
}
every_loss = pytest.mark.parametrize("name", LOSSES)
every_residual = pytest.mark.parametrize("name", RESIDUALS)


def case(name, cases, outputs, rng):
    """Outputs and prepared targets of the kind that a loss takes, away from its kinks."""
    loss = loss_function(name)
    y = rng.normal(size=(cases, outputs))
    if name == "cross_entropy":
        return loss, softmax(y), loss.prepare(rng.integers(0, outputs, cases), outputs, y.dtype)
    if name == "binary_cross_entropy":
        return loss, 1 / (1 + np.exp(-y)), rng.integers(0, 2, y.shape).astype(float)
    if name == "hinge":
        return loss, y, loss.prepare(rng.integers(0, outputs, cases), outputs, y.dtype)
    return loss, y, y + rng.choice([-2.5, -0.5, 0.25, 3.0], y.shape)


def by_hand(name, y, t):
    """The loss of one case, in plain Python; class numbers in t."""
    if name in RESIDUALS:
        return sum(map(RESIDUALS[name], y - t)) / len(y)
    if name == "cross_entropy":
        return -log(y[t])
    if name == "hinge":
        return sum(max(0.0, 1 + y[j] - y[t]) for j in range(len(y)) if j != t)
    terms = [t_j * log(y_j) + (1 - t_j) * log(1 - y_j) for y_j, t_j in zip(y, t, strict=True)]
    return -sum(terms) / len(y)


sizes = {
    "cases": st.integers(1, 5),
    "outputs": st.integers(1, 5),
    "seed": st.integers(0, 10**6),
}


@every_loss
@settings(max_examples=25, deadline=None)
@given(**sizes)
def test_a_loss_is_the_mean_over_the_cases_of_its_formula(name, cases, outputs, seed):
    loss, y, t = case(name, cases, outputs, np.random.default_rng(seed))
    expected = sum(by_hand(name, y[n], t[n]) for n in range(cases)) / cases
    assert loss.value(y, t) == pytest.approx(expected, rel=1e-12, abs=1e-15)


@every_loss
@settings(max_examples=25, deadline=None)
@given(**sizes)
def test_the_jacobian_is_the_derivative_of_the_value(name, cases, outputs, seed):
    loss, y, t = case(name, cases, outputs, np.random.default_rng(seed))
    numeric = complex_step(lambda v: loss.value(v.reshape(y.shape), t), y.ravel())
    assert relative_error(loss.jacobian(y, t).ravel(), numeric) <= 1e-13


@every_loss
def test_twice_the_same_batch_has_the_same_loss_and_half_the_jacobian_a_case(name):
    loss, y, t = case(name, 3, 4, np.random.default_rng(0))
    y2, t2 = np.concatenate([y, y]), np.concatenate([t, t])
    assert loss.value(y2, t2) == pytest.approx(loss.value(y, t), rel=1e-14)
    assert loss.jacobian(y2, t2)[:3] == pytest.approx(loss.jacobian(y, t) / 2, rel=1e-14)


@every_loss
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_type_is_kept_and_nothing_is_changed(name, dtype):
    loss, y, t = case(name, 3, 4, np.random.default_rng(1))
    y, t = y.astype(dtype), t.astype(dtype) if t.ndim == 2 else t
    copies = y.copy(), t.copy()
    y.setflags(write=False)
    t.setflags(write=False)
    assert loss.value(y, t).dtype == dtype
    assert loss.jacobian(y, t).dtype == dtype
    assert np.array_equal(y, copies[0])
    assert np.array_equal(t, copies[1])


@every_residual
def test_no_residual_no_loss_and_no_gradient(name):
    y = np.array([[1.0, -2.0]])
    assert loss_function(name).value(y, y) == 0
    assert not loss_function(name).jacobian(y, y).any()


@every_residual
def test_the_gradient_points_from_the_target_to_the_output(name):
    J = loss_function(name).jacobian(np.array([[3.0, -3.0]]), np.array([[0.0, 0.0]]))
    assert J[0, 0] > 0 > J[0, 1]


def test_mse_is_the_mean_over_cases_and_outputs():
    y, t = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[0.0, 0.0], [3.0, 1.0]])
    loss = loss_function("mse")
    assert loss.value(y, t) == (1 + 4 + 0 + 16) / 4
    assert loss.jacobian(y, t).tolist() == [[0.5, 1], [0, 2]]


@pytest.mark.parametrize("delta", [0.5, 2.0])
def test_huber_turns_straight_at_delta(delta):
    d = np.array([[0.9 * delta, 1.1 * delta, -3 * delta]])
    loss, zero = Huber(delta), np.zeros((1, 3))
    expected = delta**2 * (0.5 * 0.81 + (1.1 - 0.5) + (3 - 0.5)) / 3
    assert loss.value(d, zero) == pytest.approx(expected, rel=1e-14)
    assert loss.jacobian(d, zero) * 3 == pytest.approx(
        np.array([[0.9 * delta, delta, -delta]]), rel=1e-14
    )


@pytest.mark.parametrize("d", [1e-9, 1e-3, 0.999999, 1.000001, 30.0, 1e3])
def test_log_cosh_is_exact_near_and_far(d):
    with mpmath.workdps(40):
        true = float(mpmath.log(mpmath.cosh(mpf(d))))
    loss = loss_function("log_cosh")
    assert loss.value(np.array([[d]]), np.array([[0.0]])) == pytest.approx(true, rel=1e-14)


def test_hinge_counts_the_classes_within_the_margin():
    y, t = np.array([[2.0, 1.5, 0.0, 3.0], [0.0, 0.0, 5.0, 0.0]]), np.array([0, 2])
    loss = loss_function("hinge")
    assert loss.value(y, t) == (0.5 + 2.0) / 2
    assert loss.jacobian(y, t).tolist() == [[-1, 0.5, 0, 0.5], [0, 0, 0, 0]]


# From the logits


def exact_softmax_cross_entropy(z, t):
    """The loss of one case and its δ, with 60 digits; t is a class number."""
    with mpmath.workdps(1000):  # p_t − 1 may be 1e-869
        e = [mpmath.exp(mpf(float(v))) for v in z]
        p = [v / mpmath.fsum(e) for v in e]
        loss = -mpmath.log(p[t])
        return float(loss), [float(v - (j == t)) for j, v in enumerate(p)]


logits = st.lists(
    st.floats(-1e3, 1e3, allow_subnormal=False) | st.integers(-40, 40).map(float),
    min_size=1,
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(logits, st.data())
def test_softmax_with_cross_entropy_is_exact_from_the_logits(z, data):
    t = data.draw(st.integers(0, len(z) - 1))
    loss, delta = exact_softmax_cross_entropy(z, t)
    batch, pair = np.array([z]), SoftmaxCrossEntropy()
    assert pair.value(batch, np.array([t])) == pytest.approx(loss, rel=1e-12, abs=1e-307)
    found = pair.delta(batch, softmax(batch), np.array([t]))[0]
    assert found == pytest.approx(delta, rel=1e-12, abs=1e-307)


@pytest.mark.parametrize("gap", [0, 1e-9, 1, 36, 37, 40, 100, 700, 1000])
@pytest.mark.parametrize("t", [0, 1])
@pytest.mark.parametrize("as_rows", [False, True])
def test_a_confident_answer_has_its_own_loss_right_or_wrong(gap, t, as_rows):
    z = np.array([[0.0, -gap]])
    loss, delta = exact_softmax_cross_entropy(z[0], t)
    targets = np.eye(2)[[t]] if as_rows else np.array([t])
    pair = SoftmaxCrossEntropy()
    assert pair.value(z, targets) == pytest.approx(loss, rel=1e-12, abs=1e-307)
    assert pair.delta(z, softmax(z), targets)[0] == pytest.approx(delta, rel=1e-12, abs=1e-307)


def test_a_right_answer_ahead_by_40_has_a_loss_of_4e_18():
    pair = SoftmaxCrossEntropy()
    assert pair.value(np.array([[0.0, -40.0]]), np.array([0])) == pytest.approx(4.248354255e-18)
    assert pair.value(np.array([[0.0, -40.0]]), np.array([1])) == pytest.approx(40, rel=1e-15)


@settings(max_examples=100, deadline=None)
@given(st.floats(-1e3, 1e3), st.sampled_from([0.0, 1.0, 0.25]))
def test_sigmoid_with_cross_entropy_is_exact_from_the_logits(z, t):
    with mpmath.workdps(1000):
        s = 1 / (1 + mpmath.exp(-mpf(z)))
        loss = float(-mpf(t) * mpmath.log(s) - (1 - mpf(t)) * mpmath.log(1 - s))
        delta = float(s - mpf(t))
    pair, batch, targets = SigmoidCrossEntropy(), np.array([[z]]), np.array([[t]])
    y = np.array([[float(s)]])
    assert pair.value(batch, targets) == pytest.approx(loss, rel=1e-12, abs=1e-307)
    found = pair.delta(batch, y, targets)[0, 0]
    # With a target inside (0, 1) the gradient has a zero, around which digits cancel.
    assert found == pytest.approx(delta, rel=1e-12, abs=1e-307 if t in (0, 1) else 1e-16)


def logit_pair(function, cases, outputs, rng, *, rows):
    z = rng.normal(size=(cases, outputs))
    if function == "sigmoid":
        return z, 1 / (1 + np.exp(-z)), rng.random(z.shape)
    return z, softmax(z), rng.random(z.shape) if rows else rng.integers(0, outputs, cases)


@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("key", FROM_LOGITS, ids=lambda key: key[0])
@settings(max_examples=25, deadline=None)
@given(**sizes)
def test_from_the_logits_is_the_loss_of_the_outputs(key, rows, cases, outputs, seed):
    """Also for targets that are no distribution."""
    function, kind = key
    pair, loss = FROM_LOGITS[key], kind()
    z, y, t = logit_pair(function, cases, outputs, np.random.default_rng(seed), rows=rows)
    assert pair.value(z, t) == pytest.approx(loss.value(y, t), rel=1e-12, abs=1e-13)
    numeric = complex_step(lambda v: pair.value(v.reshape(z.shape), t), z.ravel())
    assert relative_error(pair.delta(z, y, t).ravel(), numeric) <= 1e-13


EDGES = [
    [1e300, -1e300, 0.0],
    [-1e300, -1e300, -1e300],
    [1e300, 1e300, 1e300],
    [-np.inf, 5.0, -np.inf],
    [800.0, -800.0, 0.0],
]


@pytest.mark.parametrize("z", EDGES, ids=str)
@pytest.mark.parametrize("as_rows", [False, True])
def test_no_logit_is_too_large_for_softmax(z, as_rows):
    batch, pair = np.array([z]), SoftmaxCrossEntropy()
    true = int(np.argmax(z))
    t = np.eye(3)[[true]] if as_rows else np.array([true])
    with np.errstate(all="raise", under="ignore"):
        s = softmax(batch)
        value, delta = pair.value(batch, t), pair.delta(batch, s, t)
    assert s.sum() == pytest.approx(1, rel=1e-15)
    assert value == pytest.approx(0 if np.ptp(z) else log(3))
    assert np.isfinite(delta).all()


def test_a_true_class_with_no_probability_at_all_has_infinite_loss():
    assert SoftmaxCrossEntropy().value(np.array([[-np.inf, 0.0]]), np.array([0])) == np.inf


@pytest.mark.parametrize("t", [0.0, 1.0])
def test_no_logit_is_too_large_for_sigmoid(t):
    z, pair = np.array([[1e300, -1e300, 800, -800]]), SigmoidCrossEntropy()
    with np.errstate(all="raise", under="ignore"):
        y = 1.0 * (z > 0)
        value, delta = pair.value(z, np.full_like(z, t)), pair.delta(z, y, np.full_like(z, t))
    assert value == pytest.approx(1e300 / 4)
    assert np.isfinite(delta).all()


def test_without_softmax_a_zero_that_is_not_asked_for_is_harmless():
    loss, y, t = loss_function("cross_entropy"), np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]])
    with np.errstate(all="raise"):
        assert loss.value(y, t) == 0
        assert loss.jacobian(y, t).tolist() == [[-1, 0]]
    binary = loss_function("binary_cross_entropy")
    with np.errstate(all="raise"):
        assert binary.value(y, t) == 0
        assert binary.jacobian(y, t).tolist() == [[-0.5, 0.5]]


# Targets


@pytest.mark.parametrize("name", ["cross_entropy", "hinge"])
def test_class_numbers_and_one_hot_rows_are_the_same_targets(name):
    loss, y, t = case(name, 5, 3, np.random.default_rng(2))
    rows = loss.prepare(np.eye(3)[t], 3, y.dtype)
    assert loss.value(y, rows) == pytest.approx(loss.value(y, t), rel=1e-15)
    assert loss.jacobian(y, rows) == pytest.approx(loss.jacobian(y, t), rel=1e-15)


def test_rows_that_are_one_hot_are_computed_as_class_numbers_and_others_as_rows():
    loss = loss_function("cross_entropy")
    assert loss.prepare([[0, 1, 0], [1, 0, 0]], 3, "float64").tolist() == [1, 0]
    assert loss.prepare([[2], [0]], 3, "float64").tolist() == [2, 0]
    soft = [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    assert loss.prepare(soft, 3, "float64").tolist() == soft


@pytest.mark.parametrize(
    "row", [[0.5, 0.6, 0.0], [1, 1, 0], [0, 0, 0], [1.5, -0.5, 0], [np.nan, 0, 1], [0.5, 0.4, 0]]
)
def test_rows_for_cross_entropy_are_distributions(row):
    with pytest.raises(ShapeError, match=r"are distributions, .* in case 1"):
        loss_function("cross_entropy").prepare([[1, 0, 0], row], 3, "float64")


@pytest.mark.parametrize(
    "row",
    [[0.5, 0.5, 0], [1, 1, 0], [0, 0, 0], [2, 0, -1], [np.nan, 0, 1], [-1, 1, -1], [3, 2, 1]],
)
def test_rows_for_hinge_are_one_hot(row):
    with pytest.raises(ShapeError, match=r"for hinge are one-hot, .* found \[.*\] in case 1"):
        loss_function("hinge").prepare([[1, 0, 0], row], 3, "float64")


@pytest.mark.parametrize("name", ["cross_entropy", "hinge"])
@pytest.mark.parametrize(
    ("t", "told"),
    [
        ([0, 3], "class 3 of case 1 is outside the 3 classes 0 to 2"),
        ([[0], [-1]], "class -1 of case 1 is outside the 3 classes 0 to 2"),
        ([0.5, 1], "class numbers are whole numbers from 0 to 2"),
        (np.zeros((2, 2)), r"class numbers \(cases,\) or rows \(cases, 3\), found \(2, 2\)"),
        (np.zeros((2, 3, 1)), r"found \(2, 3, 1\)"),
    ],
)
def test_both_losses_of_classes_refuse_the_same_class_numbers(name, t, told):
    with pytest.raises(ShapeError, match=told):
        loss_function(name).prepare(t, 3, "float64")


@given(st.lists(st.lists(st.sampled_from([0, 1, -1, 2, 0.5]), min_size=3, max_size=3), min_size=1))
def test_hinge_takes_rows_where_cross_entropy_finds_a_single_class(rows):
    """What one of them makes class numbers of, so does the other; what is no class is refused."""
    found = []
    for name in ("cross_entropy", "hinge"):
        try:
            prepared = loss_function(name).prepare(rows, 3, "float64")
        except ShapeError:
            prepared = np.empty((0, 0))
        found.append(prepared.tolist() if prepared.ndim == 1 else None)
    assert found[0] == found[1]


@pytest.mark.parametrize("off", [0.9e-5, -0.9e-5])
def test_rows_for_cross_entropy_may_be_rounded(off):
    loss, whole = loss_function("cross_entropy"), [0.25, 0.75, 0.0]
    row = [0.25, 0.5, 0.25 + off]
    assert loss.prepare([whole, row], 3, "float64").tolist() == [whole, row]
    with pytest.raises(ShapeError, match=r"sum 1; found \[.*\] in case 1$"):
        loss.prepare([whole, [0.25, 0.5, 0.25 + 1.2 * off]], 3, "float64")


def test_no_rows_are_no_fault_of_the_rows():
    assert loss_function("cross_entropy").prepare(np.empty((0, 3)), 3, "float64").shape == (0,)


def test_class_numbers_count_from_0():
    y = np.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])
    t = loss_function("cross_entropy").prepare([0, 2], 3, "float64")
    assert loss_function("cross_entropy").value(y, t) == pytest.approx(-log(0.5 * 0.8) / 2)


@every_residual
def test_values_and_a_column_of_them_are_the_same_targets(name):
    """(n,) against (n, 1) must not become (n, n)."""
    loss, y, t = case(name, 4, 1, np.random.default_rng(3))
    column, flat = loss.prepare(t, 1, "float64"), loss.prepare(t[:, 0], 1, "float64")
    assert column.shape == flat.shape == (4, 1)
    assert loss.value(y, flat) == loss.value(y, column)


@every_loss
@pytest.mark.parametrize("t", [[0, 3], [-1, 0], [[0, 1]], [0.5, 1], ["a", "b"], 0])
def test_targets_that_do_not_fit_three_outputs_are_refused(name, t):
    with pytest.raises(ShapeError):
        loss_function(name).prepare(t, 3, "float64")


@pytest.mark.parametrize("t", [[0, 1, 2], [0, -1, 1], [0.5, np.nan, 1]])
def test_binary_targets_are_from_0_to_1(t):
    with pytest.raises(ShapeError, match=r"targets from 0 to 1, found .* in case [12]"):
        loss_function("binary_cross_entropy").prepare(t, 1, "float64")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("crossentropy", "unknown loss 'crossentropy'; did you mean 'cross_entropy'?"),
        ("mean_squared_error", "did you mean 'mse'?"),
        ({"type": "huber", "delt": 1}, "option of huber 'delt'; did you mean 'delta'?"),
        ({"type": "huber", "delta": 0}, "delta of huber must be above 0, found 0"),
        ({"type": "huber", "delta": -1.0}, "must be above 0"),
        ({"type": "huber", "delta": float("inf")}, "must be a finite number"),
        (None, "loss is a name, or a mapping"),
    ],
)
def test_what_describes_no_loss_is_refused(value, message):
    with pytest.raises(ConfigError) as caught:
        loss_function(value)
    assert message in str(caught.value)


def test_a_loss_object_is_taken_as_it_is():
    loss = Huber(3.0)
    assert loss_function(loss) is loss
    assert loss_function({"type": "huber", "delta": 3}) == loss


@pytest.mark.parametrize("d", [1e-9, -1e-4])
def test_log_cosh_of_small_residuals_keeps_its_digits(d):
    expected = 0.5 * d * d - d**4 / 12
    found = LOSSES["log_cosh"]().rho(np.array([d]))
    np.testing.assert_allclose(found, [expected], rtol=1e-14, atol=0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_soft_targets_take_the_type_of_the_network(dtype):
    for given_type in ("float32", "float64"):
        soft = np.array([[0.25, 0.75]], given_type)
        assert LOSSES["cross_entropy"]().prepare(soft, 2, np.dtype(dtype)).dtype == dtype


@pytest.mark.parametrize("key", FROM_LOGITS, ids=lambda key: key[0])
def test_delta_from_the_logits_keeps_the_type_with_rows_too(key):
    z, t = np.array([[1.0, -2.0]], "float32"), np.array([[0.25, 0.75]], "float32")
    assert FROM_LOGITS[key].delta(z, softmax(z), t).dtype == "float32"


@pytest.mark.parametrize("row", [[1.0, 1e-6], [0.999999, 0.0]])
def test_a_row_that_is_nearly_one_hot_stays_a_row(row):
    """Alone, and beside one that is."""
    loss = loss_function("cross_entropy")
    for t in ([row], [[0.0, 1.0], row]):
        assert loss.prepare(t, 2, "float64").tolist() == t


# Where the derivative jumps


@pytest.mark.parametrize("name", ["mse", "log_cosh", "cross_entropy", "binary_cross_entropy"])
def test_a_smooth_loss_has_no_kinks(name):
    loss, y, t = case(name, 4, 3, np.random.default_rng(0))
    assert loss.from_kinks(y, t).shape == (4, 0)


def test_the_distances_from_the_kinks_of_residual_losses():
    y, t = np.array([[3.0, -1.0], [0.5, 2.0]]), np.array([[1.0, 1.0], [0.5, -4.0]])
    assert loss_function("mae").from_kinks(y, t).tolist() == [[2, -2], [0, 6]]
    assert Huber(2.0).from_kinks(y, t).tolist() == [[0, 0], [-2, 4]]


def test_the_distances_from_the_kinks_of_hinge_are_the_margins_of_the_wrong_classes():
    y, t = np.array([[2.0, 1.5, 0.0], [0.0, 5.0, 4.0]]), np.array([0, 1])
    assert loss_function("hinge").from_kinks(y, t).tolist() == [[1, 0.5, -1], [-4, 1, 0]]


@pytest.mark.parametrize("name", ["mae", "hinge"])
def test_the_derivative_jumps_where_a_distance_changes_its_sign(name):
    loss, y, t = case(name, 1, 3, np.random.default_rng(1))
    direction = np.array([[0.3, -0.7, 1.0]])
    steps = np.linspace(-8, 8, 1601)
    signs = np.array([np.sign(loss.from_kinks(y + s * direction, t)) for s in steps])
    slopes = np.array([loss.jacobian(y + s * direction, t) for s in steps])
    moved = (np.diff(signs, axis=0) != 0).any(axis=(1, 2))
    assert np.array_equal(moved, (np.diff(slopes, axis=0) != 0).any(axis=(1, 2)))
    assert 2 <= moved.sum() <= 3


@pytest.mark.parametrize(
    ("name", "t"), [("cross_entropy", [[0.5, 0.6]]), ("binary_cross_entropy", [[2, 0]])]
)
def test_refused_targets_are_told_by_the_name_of_the_loss_first(name, t):
    beginning = {"cross_entropy": "rows of targets for", "binary_cross_entropy": ""}[name]
    with pytest.raises(ShapeError, match=f"^{beginning} ?{name}"):
        LOSSES[name]().prepare(t, 2, np.dtype("float64"))
