"""Losses over steps: what a step without a target does, and every form targets may have."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.core.errors import ShapeError
from chainrule.core.sequences import (
    are_sequences,
    has_target,
    number_of_targets,
    output_rows,
    target_rows,
)
from chainrule.nn.losses import LOSSES, SoftmaxCrossEntropy
from chainrule.nn.sequences.losses import SequenceFromLogits, SequenceLoss, loss_of_a_step
from networks import normal

NAN, INF = np.nan, np.inf
CLASSES = np.array([[2, 0, -1], [1, -1, -1]])
ROWS = np.array([[[1.0, 2], [3, 4], [NAN, NAN]], [[5, 6], [NAN, NAN], [NAN, NAN]]])
"""Two cases of three steps, of which three have a target, at places 0, 1 and 3."""
CHOSEN = [0, 1, 3]


def mse(steps=3):
    return SequenceLoss(LOSSES["mse"](), steps)


def cross_entropy(steps=3):
    return SequenceLoss(LOSSES["cross_entropy"](), steps)


def test_three_axes_or_whole_numbers_are_sequences():
    assert are_sequences(ROWS)
    assert are_sequences(CLASSES)
    assert are_sequences(CLASSES.astype(np.uint8))
    assert not are_sequences(ROWS[:, 0])
    assert not are_sequences(CLASSES[:, 0])


def test_which_steps_have_a_target():
    expected = [[True, True, False], [True, False, False]]
    assert has_target(CLASSES).tolist() == expected
    assert has_target(ROWS).tolist() == expected


def test_rows_are_the_steps_with_a_target():
    assert target_rows(CLASSES).tolist() == [2, 0, 1]
    assert target_rows(ROWS).tolist() == [[1, 2], [3, 4], [5, 6]]
    y = normal((2, 6))
    assert np.array_equal(output_rows(y, ROWS), y.reshape(6, 2)[CHOSEN])
    assert np.array_equal(output_rows(y, CLASSES), y.reshape(6, 2)[CHOSEN])
    assert number_of_targets(CLASSES) == number_of_targets(ROWS) == 3


def test_targets_that_are_no_sequences_are_rows_already():
    y, t = normal((4, 2)), normal((4, 2), seed=1)
    assert output_rows(y, t) is y
    assert target_rows(t) is t
    assert number_of_targets(t) == 4


def test_the_loss_behind_the_sum():
    each = LOSSES["mse"]()
    assert loss_of_a_step(SequenceLoss(each, 3)) is each
    assert loss_of_a_step(each) is each
    assert cross_entropy().for_classes
    assert not mse().for_classes


def test_it_is_the_sum_over_steps_divided_by_the_cases():
    y = normal((2, 6))
    squares = ((y.reshape(6, 2)[CHOSEN] - target_rows(ROWS)) ** 2).mean(axis=1)
    assert mse().value(y, ROWS) == pytest.approx(squares.sum() / 2, rel=1e-14, abs=1e-15)


def test_its_jacobian_is_0_where_there_is_no_target():
    y = normal((2, 6))
    J = mse().jacobian(y, ROWS)
    expected = np.zeros((6, 2))
    expected[CHOSEN] = 2 * (y.reshape(6, 2)[CHOSEN] - target_rows(ROWS)) / 2 / 2
    assert J.shape == y.shape
    assert J.reshape(6, 2) == pytest.approx(expected, rel=1e-14, abs=1e-15)


def test_without_any_target_it_is_0_and_moves_nothing():
    y = normal((2, 6)).astype(np.float32)
    none = np.full((2, 3, 2), NAN, np.float32)
    for found in (mse().value(y, none), mse().jacobian(y, none)):
        assert not np.any(found)
        assert found.dtype == np.float32
    assert mse().jacobian(y, none).shape == y.shape
    z, classes = y[:, :3], np.full((2, 1), -1)
    loss = SequenceFromLogits(SoftmaxCrossEntropy())
    assert loss.value(z, classes) == 0
    assert loss.value(z, classes).dtype == np.float32
    for found in (loss.delta(z, z, classes), loss.jacobian(z, z, classes)):
        assert found.shape == z.shape
        assert not found.any()


def test_distances_have_the_type_of_the_outputs():
    loss = SequenceLoss(LOSSES["mae"](), 3)
    y = np.ones((2, 6), np.float32)
    assert loss.from_kinks(y, ROWS.astype(np.float32)).dtype == np.float32


def test_distances_of_steps_without_a_target_are_infinite():
    loss = SequenceLoss(LOSSES["mae"](), 3)
    y = np.array([[1.5, 2, 3, 4, 9, 9], [5, 5, 9, 9, 9, 9]])
    found = loss.from_kinks(y, ROWS)
    assert found.shape == (2, 6)
    at = np.abs(found.reshape(6, 2))
    assert at[CHOSEN].tolist() == [[0.5, 0], [0, 0], [0, 1]]
    assert np.isinf(np.delete(at, CHOSEN, axis=0)).all()


@pytest.mark.parametrize("way", ["value", "delta", "jacobian"])
def test_from_logits_it_is_that_of_the_rows(way):
    each = SoftmaxCrossEntropy()
    loss = SequenceFromLogits(each)
    z = normal((2, 9))
    y = np.exp(z.reshape(6, 3))
    y = (y / y.sum(axis=1, keepdims=True)).reshape(2, 9)
    rows, outputs, t = z.reshape(6, 3)[CHOSEN], y.reshape(6, 3)[CHOSEN], target_rows(CLASSES)
    if way == "value":
        assert loss.value(z, CLASSES) == pytest.approx(
            1.5 * each.value(rows, t), rel=1e-14, abs=1e-15
        )
        return
    expected = np.zeros((6, 3))
    expected[CHOSEN] = 1.5 * getattr(each, way)(rows, outputs, t)
    assert getattr(loss, way)(z, y, CLASSES).reshape(6, 3) == pytest.approx(
        expected, rel=1e-14, abs=1e-15
    )
    assert loss.formula == each.formula


class TestTargets:
    """Forms that are taken."""

    def test_class_numbers(self):
        found = cross_entropy().prepare(CLASSES, 9, np.float64)
        assert found.dtype.kind == "i"
        assert found.tolist() == CLASSES.tolist()

    def test_class_numbers_as_floats_and_none_as_nan(self):
        given = [[2.0, 0.0, NAN], [1.0, -1.0, NAN]]
        assert cross_entropy().prepare(given, 9, np.float64).tolist() == CLASSES.tolist()

    def test_one_hot_rows_of_whole_numbers(self):
        given = np.eye(3, dtype=int)[[[2, 0, 1], [1, 1, 2]]]
        found = cross_entropy().prepare(given, 9, np.float64)
        assert found.tolist() == [[2, 0, 1], [1, 1, 2]]

    def test_rows_and_flat_rows_alike(self):
        for given in (ROWS, ROWS.reshape(2, 6)):
            found = mse().prepare(given, 6, np.float32)
            assert found.dtype == np.float32
            assert np.array_equal(found, ROWS.astype(np.float32), equal_nan=True)

    def test_whole_numbers_as_rows(self):
        found = mse().prepare(np.arange(12).reshape(2, 3, 2), 6, np.float64)
        assert found.ravel().tolist() == list(range(12))

    @pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1)])
    def test_one_value_a_step(self, shape):
        given = np.array([[1.0, -1, NAN], [4, 5, 6]]).reshape(shape)
        found = mse().prepare(given, 3, np.float64)
        assert found.shape == (2, 3, 1)
        assert np.array_equal(found.ravel(), given.ravel(), equal_nan=True)

    @pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1)])
    def test_one_probability_a_step(self, shape):
        given = np.array([[1, -1, 0], [0, 1, -1]]).reshape(shape)
        found = SequenceLoss(LOSSES["binary_cross_entropy"](), 3).prepare(given, 3, np.float64)
        expected = [1, NAN, 0, 0, 1, NAN]
        assert np.array_equal(found.ravel(), expected, equal_nan=True)

    def test_nothing_but_missing_ones(self):
        found = cross_entropy().prepare(np.full((2, 3), -1), 9, np.float64)
        assert (found == -1).all()
        assert found.shape == (2, 3)
        assert np.isnan(mse().prepare(np.full((2, 3, 2), NAN), 6, np.float64)).all()

    @pytest.mark.parametrize("shape", [(2, 4), (2, 2), (2, 3, 4), (2,), (2, 3, 2, 1), (2, 4, 2)])
    def test_others_are_refused_with_both_forms(self, shape):
        with pytest.raises(ShapeError) as caught:
            mse().prepare(np.zeros(shape), 6, np.float64)
        last = "; with one target a case the last recurrent layer has outputs='last'"
        assert str(caught.value) == (
            "targets of a sequence are class numbers (cases, 3) or rows (cases, 3, 2), found "
            f"{shape}{last if shape in ((2,), (2, 2)) else ''}"
        )

    @pytest.mark.parametrize("t", [[["a", "b", "c"]], [[1j, 2, 3]], [[None, 1, 2]]])
    def test_only_real_numbers_are_targets(self, t):
        with pytest.raises(ShapeError, match=r"^targets"):
            mse().prepare(t, 3, np.float64)

    def test_class_numbers_of_two_outputs_may_be_missing(self):
        found = SequenceLoss(LOSSES["mse"](), 3).prepare([[1, -1, 0]], 6, np.float64)
        expected = [0, 1, NAN, NAN, 1, 0]
        assert np.array_equal(found.ravel(), expected, equal_nan=True)

    def test_of_a_probability_and_of_a_distribution_it_is_said_once_where_it_is_wrong(self):
        bits = SequenceLoss(LOSSES["binary_cross_entropy"](), 2)
        with pytest.raises(ShapeError) as caught:
            bits.prepare([[1.0, 0.0], [1.0, 1.5]], 2, np.float64)
        assert str(caught.value) == (
            "step 2 of case 1: binary_cross_entropy takes targets from 0 to 1, found 1.5"
        )
        rows = [[[1.0, 0.0], [0.5, 0.5]], [[0.5, 0.75], [1.0, 0.0]]]
        with pytest.raises(ShapeError) as caught:
            cross_entropy(2).prepare(rows, 4, np.float64)
        assert str(caught.value) == (
            "step 1 of case 1: rows of targets for cross_entropy are distributions, at least 0 "
            "with sum 1; found [0.5  0.75]"
        )

    def test_one_hot_rows_of_nothing_but_missing_ones(self):
        found = cross_entropy().prepare(np.full((2, 3, 3), NAN), 9, np.float64)
        assert found.dtype.kind == "i"
        assert (found == -1).all()

    @pytest.mark.parametrize(
        ("t", "message"),
        [
            ([[0, 1, 2], [0, -1, 7]], "step 3 of case 1: class 7 is outside the 3 classes"),
            ([[-1, 1, 2.5], [0, 1, 2]], "step 3 of case 0: "),
            ([[0, 1, 2], [-2, 1, 2]], "step 1 of case 1: "),
        ],
    )
    def test_a_wrong_one_is_said_with_its_place(self, t, message):
        with pytest.raises(ShapeError) as caught:
            cross_entropy().prepare(t, 9, np.float64)
        assert str(caught.value).startswith(message)
        assert "of case 0" not in str(caught.value).removeprefix(message)

    def test_a_value_that_is_partly_missing_is_refused(self):
        for value in (0, 1):
            t = ROWS.copy()
            t[0, 1, value] = NAN
            with pytest.raises(ShapeError) as caught:
                mse().prepare(t, 6, np.float64)
            assert str(caught.value) == (
                "step 2 of case 0: some values of the target are NaN; it has all of them, or NaN "
                "in each, which stands for no target"
            )
