"""Jacobians of what does the same at every step: by blocks, one above the other, and padded."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.core.errors import ShapeError
from chainrule.nn.jacobians import BiasJacobian, InputJacobian, WeightJacobian
from chainrule.nn.sequences.step_jacobians import EachStep, SharedBySteps
from networks import normal

CASES, STEPS, INPUTS, OUTPUTS = 3, 2, 4, 5
ROWS = CASES * STEPS
W = normal((INPUTS, OUTPUTS))
X = normal((ROWS, INPUTS))
G = normal((CASES, STEPS * OUTPUTS))
PADDED = np.array([[False, False], [False, True], [False, True]])

either = pytest.mark.parametrize("padded", [None, PADDED], ids=["whole", "padded"])


def by_input(padded=None):
    return EachStep(InputJacobian(W, count=ROWS), STEPS, padded)


def by_weights(padded=None):
    return SharedBySteps(WeightJacobian(X, outputs=OUTPUTS), STEPS, padded)


def real_rows(padded):
    """1 at the rows of real steps, 0 at those of padding, (cases, steps, 1)."""
    return np.ones((CASES, STEPS, 1)) if padded is None else 1.0 - padded[:, :, None]


@either
def test_by_its_input_a_step_moves_that_step_alone(padded):
    dense = by_input(padded).dense()
    assert dense.shape == by_input(padded).dense_shape == (CASES, STEPS * OUTPUTS, STEPS * INPUTS)
    blocks = dense.reshape(CASES, STEPS, OUTPUTS, STEPS, INPUTS)
    for case, step, other in np.ndindex(CASES, STEPS, STEPS):
        real = step == other and (padded is None or not padded[case, step])
        block = blocks[case, step, :, other]
        assert np.array_equal(block, W.T if real else np.zeros_like(W.T))


@either
def test_by_its_input_both_products_are_those_of_the_matrix(padded):
    J = by_input(padded)
    v = normal((CASES, STEPS * INPUTS))
    dense = J.dense()
    assert J.vjp(G) == pytest.approx(np.einsum("nz,nzx->nx", G, dense), rel=1e-13, abs=1e-14)
    assert J.jvp(v) == pytest.approx(np.einsum("nzx,nx->nz", dense, v), rel=1e-13, abs=1e-14)


@either
def test_by_its_input_the_result_is_written_where_it_is_asked_for(padded):
    out = np.full((CASES, STEPS * INPUTS), np.nan)
    found = by_input(padded).vjp(G, out)
    assert np.shares_memory(found, out)
    assert np.array_equal(out, by_input(padded).vjp(G))


@either
def test_by_weights_the_steps_stand_one_above_the_other(padded):
    J = by_weights(padded)
    dense = J.dense()
    assert dense.shape == J.dense_shape == (CASES, STEPS * OUTPUTS, INPUTS, OUTPUTS)
    v = normal(W.shape, seed=1)
    expected = ((X @ v).reshape(CASES, STEPS, OUTPUTS) * real_rows(padded)).reshape(CASES, -1)
    assert J.jvp(v) == pytest.approx(expected, rel=1e-13, abs=1e-14)
    assert np.tensordot(dense, v, 2) == pytest.approx(expected, rel=1e-13, abs=1e-14)


@either
def test_by_weights_the_gradient_is_the_sum_over_real_steps(padded):
    before = G.copy()
    rows = (G.reshape(CASES, STEPS, OUTPUTS) * real_rows(padded)).reshape(ROWS, OUTPUTS)
    out = np.full(W.shape, np.nan)
    found = by_weights(padded).vjp(G, out)
    assert np.shares_memory(found, out)
    assert found == pytest.approx(X.T @ rows, rel=1e-13, abs=1e-14)
    assert by_weights(padded).vjp(G) == pytest.approx(X.T @ rows, rel=1e-13, abs=1e-14)
    assert np.array_equal(G, before)


@either
@pytest.mark.parametrize("chosen", [slice(0, 1), slice(1, 3), slice(1, None), slice(2, 2)])
def test_some_cases_have_their_own_steps(padded, chosen):
    for J in (by_input(padded), by_weights(padded)):
        some = J.cases(chosen)
        assert type(some) is type(J)
        assert np.array_equal(some.dense(), J.dense()[chosen])
        part = np.zeros_like(G)
        part[chosen] = G[chosen]
        expected = J.vjp(part)[chosen] if isinstance(J, EachStep) else J.vjp(part)
        assert some.vjp(G[chosen]) == pytest.approx(expected, rel=1e-13, abs=1e-14)


def test_none_behind_its_own_end():
    assert by_input().cases(slice(2, 1)).dense_shape[0] == 0


def test_cases_are_one_stretch():
    with pytest.raises(ShapeError) as caught:
        by_input().cases(slice(0, 3, 2))
    assert str(caught.value) == "cases of a sequence are chosen as one stretch"


@pytest.mark.parametrize("steps", [4, 0, -1])
def test_rows_are_whole_cases(steps):
    for make in (EachStep, SharedBySteps):
        with pytest.raises(ShapeError) as caught:
            make(BiasJacobian(np.ones(ROWS), 1), steps)
        assert str(caught.value) == f"6 rows are not whole cases of {steps} steps"


def test_one_step_is_no_sequence_but_allowed():
    assert EachStep(InputJacobian(W, count=1), 1).dense_shape == (1, OUTPUTS, INPUTS)


def test_the_type_of_the_numbers_stays():
    J = EachStep(InputJacobian(W.astype(np.float32), count=ROWS), STEPS)
    assert J.dense().dtype == np.float32
