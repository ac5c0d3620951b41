"""Penn State's homework 2: the functions on θ, against formulas written out here."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from course_folders import on_path
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chainrule.errors import ConfigError, ShapeError

with on_path("psu_ist597_hw2"):
    import checking
    import prob1a
    import prob1b
    import prob1c
    import prob2a
    import prob2b
    import theta as course

MODULES = [prob1a, prob1b, prob1c, prob2a, prob2b]
FUNCTIONS = ["computeCost", "computeGrad", "computeNumGrad", "predict", "create_mini_batch"]
XOR = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
SIDES = np.array([0, 1, 1, 0])
SIZES = [(4, 3), (2, 6, 2), (4, 5, 6, 3), (3, 4, 4, 4, 2)]


def start(sizes, seed=0, flat_biases=False, spread=1.0):
    rng = np.random.default_rng(seed)
    theta = []
    for n, k in pairwise(sizes):
        theta += [spread * rng.normal(size=(n, k)), rng.normal(size=k if flat_biases else (1, k))]
    return tuple(theta)


def cases(sizes, seed=0, count=9):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, sizes[0])), rng.integers(sizes[-1], size=count)


def scores_of(X, theta):
    """relu(… relu(X W + b) …) W + b."""
    h = X
    for k in range(0, len(theta), 2):
        z = h @ theta[k] + theta[k + 1]
        h = np.maximum(z, 0)
    return z


def cost_of(X, y, theta, reg):
    z = scores_of(X, theta)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    weights = sum((W**2).sum() for W in theta[::2])
    return -np.log(p[np.arange(len(y)), y]).mean() + 0.5 * reg * weights


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_script_offers_all_functions(module):
    for name in FUNCTIONS:
        assert getattr(module, name) is getattr(course, name)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("reg", [0, 0.001, 1.0])
@pytest.mark.parametrize("flat", [False, True])
def test_cost_scores_and_probabilities(sizes, reg, flat):
    theta, (X, y) = start(sizes, 1, flat), cases(sizes)
    assert course.computeCost(X, y, theta, reg) == pytest.approx(cost_of(X, y, theta, reg), 1e-13)
    scores, probs = course.predict(X, theta)
    np.testing.assert_allclose(scores, scores_of(X, theta), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(probs, np.exp(scores) / np.exp(scores).sum(1, keepdims=True), 1e-12)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("flat", [False, True])
def test_gradients_in_the_order_and_shapes_of_theta(sizes, flat):
    theta, (X, y) = start(sizes, 2, flat), cases(sizes)
    gradients = course.computeGrad(X, y, theta, 0.1)
    numbers = course.computeNumGrad(X, y, theta, 0.1)
    assert isinstance(gradients, tuple)
    assert isinstance(numbers, tuple)
    h = 1e-4
    for k, array in enumerate(theta):
        assert gradients[k].shape == numbers[k].shape == array.shape
        for place in np.ndindex(array.shape):
            sides = []
            for step in (h, -h):
                moved = [a.copy() for a in theta]
                moved[k][place] += step
                sides.append(cost_of(X, y, moved, 0.1))
            assert gradients[k][place] == pytest.approx((sides[0] - sides[1]) / (2 * h), abs=1e-6)
        np.testing.assert_allclose(numbers[k], gradients[k], rtol=0, atol=1e-9)


def test_the_penalty_has_the_derivative_that_the_homework_states():
    theta, (X, y) = start((4, 3)), cases((4, 3))
    with_it, without = course.computeGrad(X, y, theta, 0.5), course.computeGrad(X, y, theta, 0)
    np.testing.assert_allclose(with_it[0] - without[0], 0.5 * theta[0], rtol=1e-12)
    np.testing.assert_array_equal(with_it[1], without[1])
    difference = course.computeCost(X, y, theta, 0.5) - course.computeCost(X, y, theta, 0.0)
    assert difference == pytest.approx(0.25 * (theta[0] ** 2).sum(), 1e-12)


@pytest.mark.parametrize(
    ("sizes", "weights"),
    [((2, 2), 1.0), ((2, 2), 0.1), ((2, 6, 2), 1.0), ((2, 6, 2), 0.1), ((2, 6, 5, 2), 1.0)],
)
@pytest.mark.parametrize("seed", range(5))
def test_the_homeworks_check_passes_on_xor_with_biases_at_one(sizes, weights, seed, capsys):
    if weights < 1 and np.finfo(np.longdouble).nmant == np.finfo(float).nmant:
        pytest.skip("gradients so small need NumPy's extended precision, which is not there")
    theta = checking.starting_theta(sizes, seed=seed)
    assert all((b == 1).all() for b in theta[1::2])
    scaled = [weights * a if k % 2 == 0 else a for k, a in enumerate(theta)]
    assert checking.check_gradient(XOR, SIDES, scaled, 1e-3)
    out = capsys.readouterr().out
    assert out.count(" CORRECT") == len(theta)
    assert "INCORRECT" not in out


def test_a_gradient_wrong_by_a_millionth_is_incorrect(monkeypatch, capsys):
    right = course.computeGrad

    def wrong(*args):
        first, *rest = right(*args)
        return (first * 1.000001, *rest)

    monkeypatch.setattr(checking, "computeGrad", wrong)
    theta = checking.starting_theta([2, 2], seed=1)
    assert not checking.check_gradient(XOR, SIDES, theta, 1e-3)
    out = capsys.readouterr().out
    assert "W  INCORRECT  error 5.0e-07" in out
    assert "b  CORRECT" in out


def test_the_error_of_two_zero_gradients_is_zero():
    assert checking.error_of(np.zeros(3), np.zeros(3)) == 0
    assert checking.error_of(np.ones(3), -np.ones(3)) == np.inf


def test_the_kink_at_xors_first_case_is_why_biases_start_at_one():
    """At biases 0 the case (0, 0) lies on every relu's kink, where both sides differ."""
    theta = [np.where(np.arange(a.size).reshape(a.shape) % 2, 0.3, -0.2) for a in start((2, 4, 2))]
    theta[1] = np.zeros((1, 4))
    numeric = course.computeNumGrad(XOR, SIDES, theta, 0.0)[1]
    analytic = course.computeGrad(XOR, SIDES, theta, 0.0)[1]
    assert checking.error_of(numeric, analytic) > 1e-3


@pytest.mark.parametrize("form", ["column", "list", "floats", "one_hot"])
def test_labels_in_every_form(form):
    theta, (X, y) = start((4, 5, 3)), cases((4, 3))
    forms = {
        "column": y[:, None],
        "list": y.tolist(),
        "floats": y.astype(float),
        "one_hot": np.eye(3)[y],
    }
    assert course.computeCost(X, forms[form], theta, 0.1) == course.computeCost(X, y, theta, 0.1)
    for a, b in zip(
        course.computeGrad(X, forms[form], theta, 0.1),
        course.computeGrad(X, y, theta, 0.1),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


@given(
    W=arrays(float, (2, 2), elements=st.floats(-1e3, 1e3)),
    b=arrays(float, (1, 2), elements=st.floats(-1e3, 1e3)),
)
def test_no_softmax_regression_has_more_than_three_quarters_of_xor_right(W, b):
    p = course.predict(XOR, (W, b))[1]
    # A case is right where its class is likelier, which no rounding may decide.
    right = p[np.arange(4), SIDES] > 0.5 + 1e-9
    assert right.mean() <= 0.75


@settings(max_examples=25)
@given(st.lists(st.integers(1, 5), min_size=2, max_size=5), st.integers(0, 99))
def test_nothing_given_is_changed(sizes, seed):
    theta, (X, y) = start(sizes, seed), cases(sizes, seed, count=3)
    given_arrays = [X, y, *theta]
    before = [a.copy() for a in given_arrays]
    for array in given_arrays:
        array.setflags(write=False)
    first = course.computeGrad(X, y, theta, 0.1)
    course.computeNumGrad(X, y, theta, 0.1)
    course.computeCost(X, y, theta, 0.1)
    for result in (*first, *course.predict(X, theta), *course.create_mini_batch(X, y, 0, 2)):
        result += 1  # its own array, which may be written to
    for a, b in zip(given_arrays, before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_students_own_descent_learns_xor():
    """The loop that the homework has its students write, on a θ of their own."""
    theta = list(start((2, 8, 2), seed=3, spread=0.5))
    for _ in range(500):
        for array, gradient in zip(
            theta, course.computeGrad(XOR, SIDES[:, None], tuple(theta), 1e-3), strict=True
        ):
            array -= 0.5 * gradient
    assert (course.predict(XOR, theta)[1].argmax(axis=1) == SIDES).all()


def test_minibatches_are_rows_without_the_end():
    X, y = np.arange(20.0).reshape(10, 2), np.arange(10)[:, None]
    mb_x, mb_y = course.create_mini_batch(X, y, 8, 12)
    assert mb_x.tolist() == [[16, 17], [18, 19]]
    assert mb_y.tolist() == [[8], [9]]
    parts = [course.create_mini_batch(X, y, k, k + 4)[0] for k in range(0, 10, 4)]
    np.testing.assert_array_equal(np.concatenate(parts), X)


@pytest.mark.parametrize(
    ("theta", "message"),
    [
        ((), "pairs of W and b, found 0"),
        ((np.ones((2, 3)),), "pairs of W and b, found 1"),
        ((np.ones((2, 3)), np.ones((3, 1))), r"found \(2, 3\) and b of \(3, 1\)"),
        ((np.ones(3), np.ones((1, 3))), r"a W has shape \(inputs, units\)"),
        (
            (np.ones((2, 3)), np.ones((1, 3)), np.ones((4, 2)), np.ones((1, 2))),
            r"3 units is followed by weights of shape \(3, units\), found \(4, 2\)",
        ),
        ((np.array([["a"]]), np.ones((1, 1))), "W holds real numbers"),
    ],
)
def test_a_theta_that_is_none(theta, message):
    with pytest.raises(ShapeError, match=message):
        course.computeCost(XOR, SIDES, theta, 0.1)


def test_data_and_rates_that_do_not_fit():
    theta = start((2, 2))
    with pytest.raises(ShapeError):
        course.computeGrad(np.ones((4, 3)), SIDES, theta, 0.0)
    with pytest.raises(ShapeError):
        course.computeCost(XOR, [0, 1, 2, 0], theta, 0.0)
    with pytest.raises(ShapeError):
        course.computeCost(XOR, SIDES[:3], theta, 0.0)
    with pytest.raises(ConfigError, match="rate"):
        course.computeCost(XOR, SIDES, theta, -1.0)
