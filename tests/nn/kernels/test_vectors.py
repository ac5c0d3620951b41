"""Whole lines of the cache in registers: loaded, computed and stored as NumPy has it."""

import numpy as np
import pytest

from chainrule.nn.kernels.jit import entry
from chainrule.nn.kernels.vectors import (
    FOUR_LINES,
    LINE,
    ONE_LINE,
    TWO_LINES,
    add_products,
    add_totals,
    fill,
    load,
    load_filled,
    load_rows,
    rectified,
    repeat,
    store,
    store_rows,
    total,
    where_positive,
)
from chainrule.training.engines.compiled.tables import Index

ZERO, ONE, TWO = Index(0), Index(1), Index(2)


@entry
def combine(numbers, at, factor, lines):
    """numbers[2, at:] = numbers[0, at:] − factor · numbers[1, at:] · numbers[1, at:] + factor."""
    a, b = load(numbers, ZERO, at, lines), load(numbers, ONE, at, lines)
    store(a - factor * (b * b) + fill(factor, a), numbers, TWO, at)


@entry
def sum_of_line(numbers, at):
    """The sum of one line."""
    return total(load(numbers, ZERO, at, ONE_LINE))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("lines", [ONE_LINE, TWO_LINES, FOUR_LINES])
@pytest.mark.parametrize("at", [0, 3])
def test_arithmetic_on_lines(dtype, lines, at):
    count = len(lines) * LINE // np.dtype(dtype).itemsize
    numbers = np.random.default_rng(1).normal(size=(3, count + 7)).astype(dtype)
    before = numbers.copy()
    combine(numbers, Index(at), dtype(0.5), lines)
    part = slice(at, at + count)
    expected = before[0, part] - dtype(0.5) * before[1, part] ** 2 + dtype(0.5)
    np.testing.assert_allclose(numbers[2, part], expected, rtol=1e-6, atol=1e-6)
    before[2, part] = numbers[2, part]
    assert np.array_equal(numbers, before)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_sum_of_a_line(dtype):
    count = LINE // np.dtype(dtype).itemsize
    numbers = np.arange(1, count + 4, dtype=dtype)[None, :].copy()
    assert sum_of_line(numbers, Index(2)) == numbers[0, 2 : 2 + count].sum()


@entry
def outer(numbers, at, step, lines):
    """Rows ``step`` apart of numbers[1], each plus its own of numbers[0, at:] times a line."""
    factors = load_filled(numbers, ZERO, at, lines)
    line = repeat(load(numbers, TWO, at, ONE_LINE), lines)
    store_rows(load_rows(numbers, ONE, at, step, lines) + factors * line, numbers, ONE, at, step)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("lines", [ONE_LINE, TWO_LINES, FOUR_LINES])
def test_rows_apart_and_numbers_that_fill_lines(dtype, lines):
    lane, step, at, count = LINE // np.dtype(dtype).itemsize, 23, 2, len(lines)
    numbers = np.random.default_rng(2).normal(size=(3, 4 * step)).astype(dtype)
    expected = numbers.copy()
    for k in range(count):
        row = slice(at + k * step, at + k * step + lane)
        expected[1, row] += numbers[0, at + k] * numbers[2, at : at + lane]
    outer(numbers, Index(at), Index(step), lines)
    np.testing.assert_allclose(numbers, expected, rtol=1e-6, atol=1e-6)


@entry
def sums(numbers, lines):
    """numbers[2, 0:] plus the sums of lines of numbers[0]; the products' sum in numbers[2, 8]."""
    a, b = load(numbers, ZERO, ZERO, lines), load(numbers, ONE, ZERO, lines)
    add_totals(a, numbers, TWO, ZERO)
    numbers[2, 8] = total(add_products(fill(0.0, load(numbers, ZERO, ZERO, ONE_LINE)), a, b))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("lines", [ONE_LINE, FOUR_LINES])
def test_sums_of_lines_and_of_their_products(dtype, lines):
    lane, count = LINE // np.dtype(dtype).itemsize, len(lines)
    numbers = np.random.default_rng(3).normal(size=(3, 64)).astype(dtype)
    expected, used = numbers.copy(), slice(0, count * lane)
    expected[2, :count] += numbers[0, used].reshape(count, lane).sum(axis=1)
    expected[2, 8] = numbers[0, used] @ numbers[1, used]
    sums(numbers, lines)
    np.testing.assert_allclose(numbers, expected, rtol=1e-5, atol=1e-6)


@entry
def chosen(numbers, lines):
    """relu of numbers[0] in numbers[1], and numbers[2] where numbers[0] is above 0."""
    a = load(numbers, ZERO, ZERO, lines)
    store(rectified(a), numbers, ONE, ZERO)
    store(where_positive(load(numbers, TWO, ZERO, lines), a), numbers, TWO, ZERO)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_only_what_is_positive(dtype):
    numbers = np.random.default_rng(4).normal(size=(3, 64)).astype(dtype)
    numbers[0, :4] = np.nan, 0.0, -0.0, np.inf
    before, used = numbers.copy(), slice(0, 2 * LINE // np.dtype(dtype).itemsize)
    chosen(numbers, TWO_LINES)
    assert np.array_equal(numbers[1, used], np.maximum(before[0, used], 0), equal_nan=True)
    assert np.array_equal(numbers[2, used], np.where(before[0] > 0, before[2], 0)[used])
    assert np.isnan(numbers[1, 0])
