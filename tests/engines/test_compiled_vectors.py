"""Whole lines of the cache in registers: loaded, computed and stored as NumPy has it."""

import numpy as np
import pytest

from chainrule.engines.compiled.jit import entry
from chainrule.engines.compiled.plan import Index
from chainrule.engines.compiled.vectors import (
    FOUR_LINES,
    LINE,
    ONE_LINE,
    TWO_LINES,
    fill,
    load,
    store,
    total,
)

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
