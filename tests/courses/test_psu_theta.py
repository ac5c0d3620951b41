"""Penn State's homework 2: the functions on θ, against formulas written out here."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from course_folders import on_path
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chainrule import Dense, Network, Softmax
from chainrule.core.errors import ConfigError, ShapeError

with on_path("psu_ist597_hw2"):
    import checking
    import descent
    import prob1a
    import prob1b
    import prob1c
    import prob1d
    import prob2a
    import prob2b
    import theta as course

MODULES = [prob1a, prob1b, prob1c, prob1d, prob2a, prob2b]
FUNCTIONS = [
    "computeCost",
    "computeGrad",
    "computeNumGrad",
    "predict",
    "create_mini_batch",
    "shuffle",
]
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


def everything(X, y, theta, reg):
    """All that the three functions return, as one list of arrays."""
    cost, gradient = course.computeCost(X, y, theta, reg), course.computeGrad(X, y, theta, reg)
    return [*course.predict(X, theta), np.array(cost), *gradient]


@settings(max_examples=60)
@given(
    st.lists(st.integers(1, 6), min_size=2, max_size=5),
    st.sampled_from([0.0, 1e-3, 0.5]),
    st.sampled_from([0.1, 1.0, 30.0]),
    st.integers(0, 10**6),
)
def test_the_same_as_the_librarys_network(sizes, reg, spread, seed):
    theta, (X, y) = start(sizes, seed, spread=spread), cases(sizes, seed)
    layers = [*(Dense(size, "relu") for size in sizes[1:-1]), Dense(sizes[-1], "linear")]
    network = Network([*layers, Softmax()], input=sizes[0], penalty={"type": "L2", "rate": reg})
    network.theta = np.concatenate([array.ravel() for array in theta])
    outputs, cost = network.forward_pass(X), network.loss(X, y)
    found = everything(X, y, theta, reg)
    np.testing.assert_allclose(found[1], outputs, rtol=1e-13)
    assert found[2] == pytest.approx(cost, rel=1e-13)
    gradient = np.concatenate([array.ravel() for array in found[3:]])
    np.testing.assert_allclose(gradient, network.backward_pass(y).vector, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("form", ["float32", "lists", "columns", "every_second", "tuples"])
def test_arrays_in_every_form(sizes, form):
    theta, (X, y) = start(sizes, 3), cases(sizes)
    if form == "float32":
        theta, X = [a.astype(np.float32) for a in theta], X.astype(np.float32)
    forms = {
        "float32": lambda a: a,
        "lists": np.ndarray.tolist,
        "columns": np.asfortranarray,
        "every_second": lambda a: np.repeat(np.repeat(a, 2, axis=0), 2, axis=1)[::2, ::2],
        "tuples": lambda a: tuple(map(tuple, a.tolist())),
    }
    given_form = forms[form]
    found = everything(given_form(X), y, [given_form(a) for a in theta], 0.1)
    exact = everything(np.array(X, float), y, [np.array(a, float) for a in theta], 0.1)
    for a, b in zip(found, exact, strict=True):
        assert a.dtype == float
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15)


def test_a_theta_changed_in_place_counts_as_it_is_now():
    theta, (X, y) = start((4, 5, 3)), cases((4, 3))
    before = everything(X, y, theta, 0.1)
    for array in theta:
        array *= -0.5
    after = everything(X, y, theta, 0.1)
    fresh = everything(X, y, [array.copy() for array in theta], 0.1)
    for a, b, c in zip(before, after, fresh, strict=True):
        assert not np.array_equal(a, b)
        np.testing.assert_array_equal(b, c)


def test_other_shapes_in_between_change_nothing():
    problems = [(cases(sizes), start(sizes, 4), reg) for sizes in SIZES for reg in (0.0, 0.1)]
    first = [everything(*data, theta, reg) for data, theta, reg in problems]
    again = [everything(*data, theta, reg) for data, theta, reg in reversed(problems)][::-1]
    for one, other in zip(first, again, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_four_threads_at_once_get_their_own_numbers():
    """Two of them with networks of the same shapes, and other numbers."""
    sizes = [(4, 30, 3), (4, 30, 3), (2, 6, 2), (4, 3)]
    problems = [(cases(s, k, count=50), start(s, k)) for k, s in enumerate(sizes)]

    def often(problem):
        (X, y), theta = problem
        return [everything(X, y, theta, 0.1) for _ in range(100)]

    alone = [everything(X, y, theta, 0.1) for (X, y), theta in problems]
    with ThreadPoolExecutor(len(problems)) as pool:
        for expected, found in zip(alone, pool.map(often, problems), strict=True):
            for result in found:
                for a, b in zip(expected, result, strict=True):
                    np.testing.assert_array_equal(a, b)


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


@settings(max_examples=50)
@given(st.integers(0, 30), st.sampled_from([(), (1,), (2,)]), st.integers(0, 99))
def test_shuffled_cases_keep_their_labels(count, tail, seed):
    X = np.arange(3.0 * count).reshape(count, 3)
    y = np.arange(count * (tail or (1,))[0]).reshape(count, *tail)
    X.setflags(write=False)
    y.setflags(write=False)
    X_rand, y_rand = course.shuffle(X, y, np.random.default_rng(seed))
    assert (X_rand.shape, y_rand.shape) == (X.shape, y.shape)
    order = (X_rand[:, 0] / 3).astype(int)
    assert sorted(order) == list(range(count))
    np.testing.assert_array_equal(X_rand, X[order])
    np.testing.assert_array_equal(y_rand, y[order])
    X_rand += 1  # a copy, which may be written to


def test_shuffle_gives_another_order_each_time_and_the_same_from_the_same_seed():
    X, y = np.arange(40.0).reshape(20, 2), np.arange(20)
    rng = np.random.default_rng(0)
    orders = [course.shuffle(X, y, rng)[1].tolist() for _ in range(3)]
    assert len({tuple(order) for order in [*orders, y]}) == 4
    np.random.seed(0)  # noqa: NPY002  # as the starting code does
    first = [course.shuffle(X, y)[1].tolist() for _ in range(2)]
    np.random.seed(0)  # noqa: NPY002
    assert [course.shuffle(X, y)[1].tolist() for _ in range(2)] == first
    assert first[0] != first[1]
    assert course.shuffle([[1.0], [2.0]], ["a", "a"])[1].tolist() == ["a", "a"]


@pytest.mark.parametrize(("X", "y"), [([[1.0], [2.0]], [0]), (3.0, [0]), ([[1.0]], 0)])
def test_shuffle_needs_a_label_for_each_case(X, y):
    with pytest.raises(ShapeError, match="a label for each case"):
        course.shuffle(X, y)


@pytest.mark.parametrize(
    ("theta", "message"),
    [
        ((), "pairs of W and b, found 0"),
        ((np.ones((2, 3)),), "pairs of W and b, found 1"),
        ((np.ones((2, 3)), np.ones((3, 1))), r"found \(2, 3\) and b of \(3, 1\)"),
        ((np.ones(3), np.ones((1, 3))), r"a W has shape \(inputs, units\)"),
        ((np.ones((2, 0)), np.ones((1, 0))), r"found \(2, 0\) and b of \(1, 0\)"),
        ((np.ones((2, 3)), [[1.0], [2.0, 3.0]]), "the values of b are numbers in rows"),
        (
            (np.ones((2, 3)), np.ones((1, 3)), np.ones((4, 2)), np.ones((1, 2))),
            r"3 units is followed by weights of shape \(3, units\), found \(4, 2\)",
        ),
        ((np.array([["a"]]), np.ones((1, 1))), "the values of W are numbers, found <U1"),
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
    with pytest.raises(ShapeError, match="real numbers, found complex"):
        course.computeGrad(XOR.astype(complex), SIDES, theta, 0.0)
    with pytest.raises(ShapeError, match="the values of b are real numbers"):
        course.predict(XOR, (theta[0], 1j * theta[1]))
    with pytest.raises(ShapeError, match="at least one case"):
        course.computeCost(np.empty((0, 2)), [], theta, 0.0)
    for call in (course.computeCost, course.computeGrad, course.computeNumGrad):
        for reg in (-1.0, np.inf, np.nan, "much"):
            with pytest.raises(ConfigError, match="rate"):
                call(XOR, SIDES, theta, reg)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"patience": 2}, "patience needs validation cases"),
        ({"batch_size": 0}, "batch_size"),
        ({"every": 0}, "every"),
        ({"every": 1.5}, "every"),
    ],
)
def test_wrong_settings_of_the_descent_are_told_before_it_begins(options, named):
    theta = descent.first_theta([2, 2])
    with pytest.raises(ConfigError, match=named):
        descent.fit(theta, [[0.0, 1.0]], [1], reg=0, step_size=1, epochs=1, **options)


def test_masked_cases_are_refused():
    X = np.ma.masked_array([[0.0, 1.0], [2.0, 3.0]], mask=[[True, False], [False, False]])
    for call in (course.shuffle, lambda X, y: course.create_mini_batch(X, y, 0, 2)):
        with pytest.raises(ShapeError, match="masked"):
            call(X, [0, 1])
