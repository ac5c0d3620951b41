"""Backpropagation through time: products of explicit matrices, both ways, whole and truncated."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.nn.sequences.through_time import (
    FromStart,
    ThroughTime,
    carry_back,
    carry_forth,
    flat_rows,
    influences,
)
from networks import normal

STEPS, CASES, SIZE = 5, 3, 2
NAN = np.nan
SLOPES = 1 / (1 + normal((STEPS, CASES, SIZE)) ** 2)
U = normal((SIZE, SIZE))
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
    assert J.placed(g, out) is out
    assert np.array_equal(out, placed)
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
