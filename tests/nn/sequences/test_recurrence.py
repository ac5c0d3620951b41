"""One pass of the recurrence forwards, and what a step of it has from each argument."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.core.errors import ShapeError
from chainrule.nn.activations import activation
from chainrule.nn.sequences.recurrent import run
from chainrule.nn.sequences.through_time import flat_rows, of_one_step
from chainrule.nn.sequences.unrolled import by_step, marked_rows, new, outputs_of
from networks import normal

STEPS, CASES, SIZE, FEATURES = 5, 3, 2, 4
NAN = np.nan
U, W = normal((SIZE, SIZE)), normal((FEATURES, SIZE))
LAST = np.array([4, 0, 2])


def allocations():
    """An `Allocate` that remembers what was asked of it."""
    asked = {}

    def allocate(what, shape, dtype):
        asked[what] = (shape, np.dtype(dtype))
        return np.full(shape, NAN, dtype)

    return allocate, asked


def test_the_steps_come_first_and_padding_is_0():
    x = normal((CASES, STEPS, FEATURES))
    x[1, 2:] = NAN
    allocate, asked = allocations()
    found, lengths = by_step(x.reshape(CASES, -1), STEPS, allocate)
    assert asked == {"x": ((STEPS, CASES, FEATURES), np.dtype(float))}
    assert lengths.tolist() == [5, 2, 5]
    assert np.array_equal(found, np.nan_to_num(x).swapaxes(0, 1))
    whole, none = by_step(np.nan_to_num(x).reshape(CASES, -1), STEPS, new)
    assert none is None
    assert np.array_equal(whole, found)
    assert by_step(np.zeros((0, 12)), 3, new)[0].shape == (3, 0, 4)
    with pytest.raises(ShapeError, match="stands at the end"):
        by_step(np.array([[NAN, 1.0]]), 2, new)


@pytest.mark.parametrize("bias", [True, False])
def test_a_pass_is_the_recurrence(bias):
    x = normal((STEPS, CASES, FEATURES))
    start = normal((SIZE,))
    values = {"W": W, "U": U, "b": normal((SIZE,), seed=1)}
    if not bias:
        del values["b"]
    allocate, asked = allocations()
    z, states = run(x, values, start, activation("tanh"), allocate)
    assert set(asked) == {"z", "h", "carried"}
    h = np.tile(start, (CASES, 1))
    assert np.array_equal(states[0], h)
    for n in range(STEPS):
        at = x[n] @ W + h @ U + values.get("b", 0.0)
        h = np.tanh(at)
        assert z[n] == pytest.approx(at, rel=1e-13, abs=1e-14)
        assert states[n + 1] == pytest.approx(h, rel=1e-13, abs=1e-14)


def test_a_pass_in_single_precision_and_with_complex_parameters():
    x = np.ones((STEPS, CASES, FEATURES), np.float32)
    single = {"W": W.astype(np.float32), "U": U.astype(np.float32)}
    z, states = run(x, single, np.zeros(SIZE, np.float32), activation("tanh"), new)
    assert z.dtype == states.dtype == np.float32
    x = x.astype(complex)
    moved = run(x, {"W": W, "U": U + 1e-30j}, np.ones(SIZE), activation("tanh"), new)
    assert moved[0].dtype == moved[1].dtype == np.complex128


def test_outputs_are_the_states_behind_the_start():
    states = normal((STEPS + 1, CASES, SIZE))
    allocate, asked = allocations()
    found = outputs_of(states, np.array([5, 1, 3]), None, allocate)
    assert asked == {"out": ((CASES, STEPS, SIZE), np.dtype(float))}
    assert found.shape == (CASES, STEPS * SIZE)
    of_case = found.reshape(CASES, STEPS, SIZE)
    for case, length in enumerate([5, 1, 3]):
        assert np.array_equal(of_case[case, :length], states[1 : length + 1, case])
        assert np.isnan(of_case[case, length:]).all()
    chosen = outputs_of(states, None, LAST, new)
    assert np.array_equal(chosen, [states[5, 0], states[1, 1], states[3, 2]])


def test_a_state_that_overflowed_is_infinite():
    states = np.zeros((2, 1, 2))
    states[1, 0] = NAN
    assert outputs_of(states, None, None, new).tolist() == [[np.inf, np.inf]]
    assert outputs_of(states, None, np.array([0]), new).tolist() == [[np.inf, np.inf]]


def test_pre_activations_as_rows_are_a_copy_with_padding_marked():
    z = normal((STEPS, CASES, SIZE))
    kept = z.copy()
    found = marked_rows(z, np.array([5, 1, 3]))
    assert found.shape == (CASES, STEPS * SIZE)
    assert np.isnan(found).sum(axis=1).tolist() == [0, 4 * SIZE, 2 * SIZE]
    assert np.array_equal(found[0], z[:, 0].ravel())
    assert found.flags.c_contiguous
    assert np.array_equal(z, kept)
    alone = z[:, :1]
    marked_rows(alone, np.array([2]))
    assert np.array_equal(z, kept)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("lengths", [None, np.array([5, 1, 3])], ids=["whole", "padded"])
def test_what_one_step_has_from_each_argument(bias, lengths):
    x = normal((STEPS, CASES, FEATURES))
    states = normal((STEPS + 1, CASES, SIZE))
    values = {"W": W, "U": U, "b": np.zeros(SIZE)} if bias else {"W": W, "U": U}
    found = of_one_step(x, states, values, lengths)
    assert list(found) == ["x", "W", "U", *(["b"] if bias else [])]
    real = np.ones((CASES, STEPS)) if lengths is None else np.arange(STEPS) < lengths[:, None]
    moves = {
        "x": (lambda v: steps_of(v) @ W, (CASES, STEPS * FEATURES)),
        "W": (lambda v: x @ v, W.shape),
        "U": (lambda v: states[:-1] @ v, U.shape),
        "b": (lambda v: np.broadcast_to(v, (STEPS, CASES, SIZE)), (SIZE,)),
    }
    for name, J in found.items():
        move, shape = moves[name]
        v = normal(shape, seed=1)
        expected = flat_rows(move(v)).reshape(CASES, STEPS, SIZE) * real[:, :, None]
        assert J.jvp(v).reshape(expected.shape) == pytest.approx(expected, rel=1e-12)


def steps_of(rows):
    return rows.reshape(CASES, STEPS, -1).swapaxes(0, 1)


def test_of_single_precision_comes_single_precision():
    x = np.ones((STEPS, CASES, FEATURES), np.float32)
    states = np.ones((STEPS + 1, CASES, SIZE), np.float32)
    values = {"W": W.astype(np.float32), "U": U.astype(np.float32), "b": np.ones(SIZE, np.float32)}
    for name, J in of_one_step(x, states, values, None).items():
        assert J.vjp(np.ones((CASES, STEPS * SIZE), np.float32)).dtype == np.float32, name
        assert J.dense().dtype == np.float32, name
