"""Backpropagation through time: products of explicit matrices, both ways, whole and truncated."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.activations import activation
from chainrule.errors import ShapeError
from chainrule.sequences.recurrence import (
    all_outputs,
    by_step,
    last_outputs,
    last_steps,
    marked_rows,
    new,
    run,
)
from chainrule.sequences.recurrent_jacobians import FromStart, ThroughTime, flat_rows, of_one_step
from chainrule.sequences.through_time import carry_back, carry_forth, influences
from networks import normal

STEPS, CASES, SIZE, FEATURES = 5, 3, 2, 4
NAN = np.nan
SLOPES = 1 / (1 + normal((STEPS, CASES, SIZE)) ** 2)
U = normal((SIZE, SIZE))
W = normal((FEATURES, SIZE))
LAST = np.array([4, 0, 2])

depths = pytest.mark.parametrize("depth", [None, 1, 2, 4, 5, 9])


def by_definition(depth):
    """∂h(n)/∂e(m) = D(n) Uᵀ D(n−1) … Uᵀ D(m), for n − m < depth; (cases, n, size, m, size)."""
    found = np.zeros((CASES, STEPS, SIZE, STEPS, SIZE))
    for case, n, m in np.ndindex(CASES, STEPS, STEPS):
        if m <= n and (depth is None or n - m < depth):
            product = np.diag(SLOPES[m, case])
            for k in range(m + 1, n + 1):
                product = np.diag(SLOPES[k, case]) @ U.T @ product
            found[case, n, :, m, :] = product
    return found


def steps_first(of_cases):
    return np.ascontiguousarray(of_cases.reshape(CASES, STEPS, SIZE).swapaxes(0, 1))


@depths
def test_the_explicit_matrices_are_products(depth):
    assert influences(SLOPES, U, depth) == pytest.approx(
        by_definition(depth), rel=1e-13, abs=1e-14
    )


@depths
@pytest.mark.parametrize("into", ["new", "given", "the same"])
def test_carrying_back_is_the_transposed_product(depth, into):
    g = normal((CASES, STEPS * SIZE))
    direct = steps_first(g) * SLOPES
    kept = direct.copy()
    out = {"new": None, "given": np.full_like(direct, NAN), "the same": direct}[into]
    found = carry_back(direct, SLOPES, U, depth, out)
    matrix = by_definition(depth).reshape(CASES, STEPS * SIZE, STEPS * SIZE)
    expected = steps_first(np.einsum("no,noz->nz", g, matrix))
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-14)
    if out is not None:
        assert found is out
    if into != "the same":
        assert np.array_equal(direct, kept)


@depths
def test_carrying_forth_is_the_product(depth):
    v = normal((CASES, STEPS * SIZE), seed=1)
    change = steps_first(v)
    kept = change.copy()
    matrix = by_definition(depth).reshape(CASES, STEPS * SIZE, STEPS * SIZE)
    expected = steps_first(np.einsum("noz,nz->no", matrix, v))
    found = carry_forth(change, SLOPES, U, depth)
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-14)
    assert np.array_equal(change, kept)


@depths
@pytest.mark.parametrize("last", [None, LAST], ids=["all", "last"])
def test_one_map_whichever_way_it_is_applied(depth, last):
    J = ThroughTime(SLOPES, U, last, depth)
    dense = J.dense()
    whole = by_definition(depth)
    expected = whole if last is None else whole[np.arange(CASES), last]
    assert dense.shape == J.dense_shape
    assert dense == pytest.approx(expected.reshape(dense.shape), rel=1e-13, abs=1e-15)
    g = normal(dense.shape[:2])
    v = normal((CASES, STEPS * SIZE), seed=1)
    back = np.einsum("no,noz->nz", g, dense)
    out = np.full(back.shape, NAN)
    assert J.vjp(g) == pytest.approx(back, rel=1e-12, abs=1e-14)
    assert J.vjp(g, out) is out
    assert out == pytest.approx(back, rel=1e-12, abs=1e-14)
    room = np.full(SLOPES.shape, NAN)
    assert J.deltas(g, room) is room
    assert flat_rows(room) == pytest.approx(back, rel=1e-12, abs=1e-14)
    assert J.jvp(v) == pytest.approx(np.einsum("noz,nz->no", dense, v), rel=1e-12, abs=1e-14)
    some = J.cases(slice(1, 3))
    assert np.array_equal(some.dense(), dense[1:3])
    assert some.depth == depth


@pytest.mark.parametrize("depth", [None, 2])
def test_types_are_those_of_the_numbers(depth):
    single, weights = SLOPES.astype(np.float32), U.astype(np.float32)
    assert influences(single, weights, depth).dtype == np.float32
    assert influences(single, weights + 0j, depth).dtype == np.complex64
    assert influences(single + 0j, weights, depth).dtype == np.complex64
    J = ThroughTime(single, weights, None, depth)
    g = np.ones((CASES, STEPS * SIZE), np.float32)
    assert J.vjp(g).dtype == J.jvp(g).dtype == J.dense().dtype == np.float32
    assert J.placed(g + 0j).dtype == np.complex64
    assert ThroughTime(single + 0j, weights).placed(g).dtype == np.complex64
    start = FromStart(weights, CASES, STEPS)
    assert start.jvp(np.ones(SIZE, np.float32)).dtype == np.float32
    assert start.jvp(np.ones(SIZE, np.complex64)).dtype == np.complex64
    assert FromStart(weights + 0j, CASES, STEPS).jvp(np.ones(SIZE, np.float32)).dtype == (
        np.complex64
    )


def test_an_output_says_something_at_its_own_step():
    g = normal((CASES, SIZE))
    J = ThroughTime(SLOPES, U, LAST)
    placed = J.placed(g)
    assert placed.shape == SLOPES.shape
    for case, step in enumerate(LAST):
        assert np.array_equal(placed[step, case], g[case])
        assert not np.delete(placed[:, case], step, axis=0).any()
    out = np.full(SLOPES.shape, NAN)
    assert J.direct(g, out) is out
    assert np.array_equal(out, placed * SLOPES)
    assert np.array_equal(J.direct(g), out)
    assert (
        ThroughTime(SLOPES.astype(np.float32), U)
        .placed(np.ones((CASES, STEPS * SIZE), np.float32))
        .dtype
        == np.float32
    )


def test_the_start_state_moves_the_first_step():
    J = FromStart(U, CASES, STEPS)
    dense = J.dense()
    assert dense.shape == J.dense_shape == (CASES, STEPS * SIZE, SIZE)
    assert all(np.array_equal(case[:SIZE], U.T) for case in dense)
    assert not dense[:, SIZE:].any()
    g, v = normal(dense.shape[:2]), normal((SIZE,))
    out = np.empty(SIZE)
    assert J.vjp(g, out) is out
    assert out == pytest.approx(np.einsum("noz,no->z", dense, g), rel=1e-13, abs=1e-14)
    assert np.array_equal(J.vjp(g), out)
    assert J.jvp(v) == pytest.approx(dense @ v, rel=1e-13, abs=1e-14)
    assert J.cases(slice(0, 2)).dense_shape == (2, STEPS * SIZE, SIZE)
    single = FromStart(U.astype(np.float32), 1, 1)
    assert single.dense().dtype == single.jvp(v.astype(np.float32)).dtype == np.float32


def test_steps_and_cases_change_places():
    by_steps = normal((STEPS, CASES, SIZE))
    rows = flat_rows(by_steps)
    assert rows.shape == (CASES, STEPS * SIZE)
    assert np.array_equal(steps_first(rows), by_steps)
    out = np.empty_like(rows)
    assert flat_rows(by_steps, out) is out
    assert np.array_equal(out, rows)


# One pass forwards


def rooms():
    """`Room` that remembers what was asked of it."""
    asked = {}

    def room(what, shape, dtype):
        asked[what] = (shape, np.dtype(dtype))
        return np.full(shape, NAN, dtype)

    return room, asked


def test_the_steps_come_first_and_padding_is_0():
    x = normal((CASES, STEPS, FEATURES))
    x[1, 2:] = NAN
    room, asked = rooms()
    found, lengths = by_step(x.reshape(CASES, -1), STEPS, room)
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
    room, asked = rooms()
    z, states = run(x, values, start, activation("tanh"), room)
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


def test_the_last_real_step_of_each_case():
    x = np.zeros((STEPS, CASES, FEATURES))
    assert last_steps(x, None).tolist() == [4, 4, 4]
    assert last_steps(x, np.array([5, 1, 3])).tolist() == [4, 0, 2]


def test_outputs_are_the_states_behind_the_start():
    states = normal((STEPS + 1, CASES, SIZE))
    room, asked = rooms()
    found = all_outputs(states, np.array([5, 1, 3]), room)
    assert asked == {"out": ((CASES, STEPS, SIZE), np.dtype(float))}
    assert found.shape == (CASES, STEPS * SIZE)
    of_case = found.reshape(CASES, STEPS, SIZE)
    for case, length in enumerate([5, 1, 3]):
        assert np.array_equal(of_case[case, :length], states[1 : length + 1, case])
        assert np.isnan(of_case[case, length:]).all()
    chosen = last_outputs(states, LAST)
    assert np.array_equal(chosen, [states[5, 0], states[1, 1], states[3, 2]])


def test_a_state_that_overflowed_is_infinite():
    states = np.zeros((2, 1, 2))
    states[1, 0] = NAN
    assert all_outputs(states, None, new).tolist() == [[np.inf, np.inf]]
    assert last_outputs(states, np.array([0])).tolist() == [[np.inf, np.inf]]


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
