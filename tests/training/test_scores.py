"""Loss, accuracy, R² and confusion of a network on a set of cases."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import ChainruleError, Dense, Network, Softmax
from chainrule.core.errors import ShapeError
from chainrule.training import Part, Settings, Trainer
from chainrule.training import scores as module
from chainrule.training.metrics import predicted_classes, true_classes
from chainrule.training.scores import confusion_matrix, count_correct, evaluate, outputs

RNG = np.random.default_rng(5)


def classifier(**options) -> Network:
    return Network([Dense(4, "tanh"), Dense(3), Softmax()], input=2, seed=3, **options)


def linear(weights: list[list[float]]) -> Network:
    """y = x W, so that every score can be worked out by hand."""
    inputs, outputs = np.shape(weights)
    network = Network([Dense(outputs, "linear")], input=inputs, loss="mse")
    network.layers[0].W = weights
    return network


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([[0.2, 0.7, 0.1], [0.5, 0.1, 0.4]], [1, 0]),
        ([[0.5, 0.5]], [0]),
        ([[0.5], [0.51], [-3.0]], [0, 1, 0]),
    ],
)
def test_the_largest_output_is_the_class_and_one_output_decides_at_a_half(y, expected):
    assert predicted_classes(np.array(y)).tolist() == expected


@pytest.mark.parametrize("t", [[2, 0], [[0, 0, 1], [1, 0, 0]]])
def test_targets_name_their_class_as_numbers_or_as_rows(t):
    assert true_classes(np.array(t)).tolist() == [2, 0]


def test_count_correct_counts_the_rows_that_agree():
    y = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
    assert count_correct(y, np.array([0, 1, 1])) == 2


def test_loss_and_r2_of_a_regression_are_those_worked_out_by_hand():
    score = evaluate(linear([[2.0]]), [[1.0], [2.0], [3.0]], [1.0, 5.0, 6.0], classes=False)
    assert score.loss == pytest.approx((1 + 1 + 0) / 3)
    assert score.r2 == pytest.approx(1 - 2 / (9 + 1 + 4))
    assert (score.accuracy, score.cases) == (None, 3)


def test_r2_of_several_outputs_has_a_mean_for_each():
    network = linear([[1.0, 0.0]])
    score = evaluate(network, [[1.0], [3.0]], [[1.0, 10.0], [3.0, 10.0]], classes=False)
    spread, residual = 1 + 1 + 0 + 0, 2 * 10.0**2
    assert score.r2 == pytest.approx(1 - residual / spread)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_r2_of_a_million_cases_far_from_0_loses_no_digit(dtype):
    """Outputs of one deviation of noise: 1 − 0.2 of the targets' spread."""
    rng, noise = np.random.default_rng(8), np.sqrt(0.2) * 1.1
    t = rng.normal(1e4, 1.1, (1_000_000, 2)).astype(np.float32)
    x = (t + rng.normal(0, noise, t.shape)).astype(np.float32)
    network = Network([Dense(2, "linear")], input=2, loss="mse", dtype=dtype)
    network.layers[0].W = np.eye(2)
    score = evaluate(network, x, t, classes=False)
    wide, y = t.astype(np.float64), x.astype(np.float64)
    expected = 1 - np.sum((y - wide) ** 2) / np.sum((wide - wide.mean(axis=0)) ** 2)
    assert score.r2 == pytest.approx(expected, rel=1e-9)
    assert score.r2 == pytest.approx(0.8, abs=0.01)
    assert score.loss == pytest.approx(np.mean((y - wide) ** 2), rel=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_targets_that_are_all_one_number_do_not_vary(dtype):
    """The mean of a thousand times 0.1 need not be 0.1."""
    network = Network([Dense(1, "linear")], input=1, loss="mse", dtype=dtype)
    assert evaluate(network, np.ones((1000, 1)), np.full(1000, 0.1), classes=False).r2 is None


def test_r2_is_left_out_where_the_targets_do_not_vary():
    assert evaluate(linear([[1.0]]), [[1.0], [2.0]], [4.0, 4.0], classes=False).r2 is None


def test_accuracy_is_the_fraction_of_the_rightly_named():
    network = linear([[1.0, 0.0], [0.0, 1.0]])
    x = [[1.0, 0.0], [0.0, 1.0], [2.0, 1.0], [0.0, 3.0]]
    score = evaluate(network, x, [0, 1, 1, 1], classes=True)
    assert (score.accuracy, score.r2) == (0.75, None)
    assert evaluate(network, x[:1], [0], classes=True).accuracy == 1


@pytest.mark.parametrize("penalty", [None, {"type": "L1", "rate": 0.3}, {"rate": 2.0}])
@pytest.mark.parametrize("cases", [1, 7, 23])
def test_pieces_give_the_loss_of_the_whole(monkeypatch, cases, penalty):
    network = classifier(penalty=penalty)
    x, t = RNG.normal(size=(cases, 2)), RNG.integers(0, 3, cases)
    monkeypatch.setattr(module, "CASES_AT_A_TIME", 7)
    score = evaluate(network, x, t, classes=True)
    assert score.loss == pytest.approx(network.loss(x, t), rel=1e-13)
    assert score.accuracy == np.mean(network.forward_pass(x).argmax(axis=1) == t)


def test_a_wide_network_is_evaluated_in_small_pieces(monkeypatch):
    network = classifier()
    seen = []
    whole = Network.evaluate
    monkeypatch.setattr(Network, "evaluate", lambda self, x: seen.append(len(x)) or whole(self, x))
    monkeypatch.setattr(module, "NUMBERS_AT_A_TIME", 12)
    evaluate(network, np.zeros((8, 2)), np.zeros(8, int), classes=True)
    assert seen == [3, 3, 2]


def test_outputs_in_pieces_are_those_of_the_whole(monkeypatch):
    network, x = classifier(), RNG.normal(size=(8, 1, 2))
    whole = network.forward_pass(x)
    monkeypatch.setattr(module, "CASES_AT_A_TIME", 3)
    assert outputs(network, x) == pytest.approx(whole, rel=1e-14)
    assert outputs(network, x[:0]).shape == (0, 3)


def test_no_case_has_no_score():
    assert evaluate(classifier(), np.empty((0, 2)), [], classes=True) is None


def test_evaluation_disturbs_no_pass_in_progress():
    network = classifier()
    x, t = RNG.normal(size=(5, 2)), [0, 1, 2, 0, 1]
    network.forward_pass(x)
    expected = network.backward_pass(t).vector.copy()
    network.forward_pass(x)
    evaluate(network, RNG.normal(size=(9, 2)), np.zeros(9, int), classes=True)
    assert np.array_equal(network.backward_pass(t).vector, expected)


def test_images_are_flattened():
    network = classifier()
    x = RNG.normal(size=(4, 1, 2))
    assert evaluate(network, x, [0, 1, 2, 0], classes=True) == evaluate(
        network, x.reshape(4, 2), [0, 1, 2, 0], classes=True
    )


def test_a_loss_beyond_the_numbers_is_infinite_and_warns_of_nothing():
    score = evaluate(linear([[1e300]]), [[1e300], [1.0]], [1.0, 2.0], classes=False)
    assert score.loss == np.inf


@pytest.mark.parametrize("t", [[0, 3, 0], [0, 1], [0.5, 1.0, 2.0]])
def test_targets_that_do_not_fit_are_refused(t):
    with pytest.raises(ChainruleError):
        evaluate(classifier(), np.zeros((3, 2)), t, classes=True)


def test_the_confusion_matrix_has_a_row_for_each_true_class():
    y = np.eye(3)[[0, 2, 2, 1]]
    matrix = confusion_matrix(y, np.array([0, 1, 1, 1]), 3)
    assert matrix.tolist() == [[1, 0, 0], [0, 1, 2], [0, 0, 0]]


def test_classes_and_counts_are_whole_numbers():
    assert predicted_classes(np.array([[0.2], [0.7]])).dtype == np.intp
    assert confusion_matrix(np.eye(2), np.array([0, 1]), 2).dtype.kind == "i"


def test_no_case_has_no_outputs_of_the_type_of_the_network():
    found = outputs(classifier(dtype="float32"), np.empty((0, 2)))
    assert found.shape == (0, 3)
    assert found.dtype == np.float32


def test_outputs_beyond_the_numbers_warn_of_nothing():
    network = linear([[1e308]])
    assert np.isinf(outputs(network, np.array([[1e10]]))).all()


def test_a_network_wider_than_a_piece_may_be_takes_one_case_at_a_time(monkeypatch):
    monkeypatch.setattr(module, "NUMBERS_AT_A_TIME", 2)
    seen = []
    network = classifier()
    evaluate_piece = network.evaluate
    monkeypatch.setattr(network, "evaluate", lambda x: seen.append(len(x)) or evaluate_piece(x))
    outputs(network, np.ones((3, 2)))
    assert seen == [1, 1, 1]


def test_targets_that_vary_little_have_an_r2():
    score = evaluate(linear([[1.0]]), np.array([[0.0], [0.1]]), [0.0, 0.1], classes=False)
    assert score.r2 == 1


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (3.5, "inputs are rows of numbers, one a case, found the number 3.5"),
        ("ab", "inputs are numbers, found 'ab'"),
        ([[1j, 2.0]], "inputs are real numbers, found complex128"),
    ],
)
def test_inputs_are_rows_of_numbers(x, message):
    network = Network([Dense(1)], input=2)
    for call in (lambda: outputs(network, x), lambda: evaluate(network, x, [0.0], classes=False)):
        with pytest.raises(ShapeError) as error:
            call()
        assert str(error.value) == message


def test_lists_of_numbers_do_as_well_as_arrays():
    network = Network([Dense(1)], input=2, seed=1)
    x, t = [[1.0, 2.0], [3.0, 4.0]], [[0.5], [1.5]]
    assert np.array_equal(outputs(network, x), outputs(network, np.array(x)))
    found = evaluate(network, x, t, classes=False)
    assert found == evaluate(network, np.array(x), np.array(t), classes=False)
    assert evaluate(network, [], [], classes=False) is None


@pytest.mark.parametrize("loss", ["cross_entropy", "hinge"])
@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_an_only_class_is_always_named(loss, engine, batch_size):
    last = [Softmax()] if loss == "cross_entropy" else []
    network = Network([Dense(1), *last], input=2, loss=loss, seed=1)
    part = Part(RNG.normal(size=(9, 2)), np.zeros(9, int))
    options = Settings(epochs=1, batch_size=batch_size, engine=engine)
    trainer = Trainer(network, part, part, options, classes=True)
    trainer.run()
    assert trainer.history["train_accuracy"] == trainer.history["validation_accuracy"] == [1.0]
    y = network.forward_pass(part.x)
    assert confusion_matrix(y, network.prepare_targets(part.t), 1).tolist() == [[9]]
