"""The polynomial for eˣ keeps every digit, of eˣ and of eˣ − 1."""

import numba
import numpy as np
import pytest

from chainrule.nn.kernels.exponential import exp_parts
from chainrule.nn.kernels.jit import EXACT


@numba.njit(fastmath=EXACT)
def both(x):
    exp, expm1 = np.empty_like(x), np.empty_like(x)
    for k in range(len(x)):
        p, s = exp_parts(x[k])
        exp[k] = s * p + s
        expm1[k] = s * p + (s - x.dtype.type(1))
    return exp, expm1


@pytest.mark.parametrize(("dtype", "lowest"), [("float64", -708), ("float32", -87)])
def test_within_a_few_ulp_of_the_library(dtype, lowest):
    rng = np.random.default_rng(0)
    x = np.concatenate(
        [lowest * rng.random(20_000), -rng.random(20_000), -np.logspace(-30, 0, 5_000), [0.0]]
    ).astype(dtype)
    exp, expm1 = both(x)
    exact = x.astype(np.longdouble)
    unit = np.finfo(dtype).eps
    assert np.abs(exp / np.exp(exact) - 1).max() <= 2 * unit
    assert np.abs(expm1[x < 0] / np.expm1(exact[x < 0]) - 1).max() <= 3 * unit
    assert exp[-1] == 1
    assert expm1[-1] == 0
    assert exp.dtype == dtype


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_where_there_is_no_number_to_give(dtype):
    exp, _ = both(np.array([np.nan, -np.inf, -1e30], dtype))
    assert np.isnan(exp[0])
    assert np.all((exp[1:] > 0) & (exp[1:] < 1e-37))


def test_python_is_told_that_it_is_not_for_it():
    with pytest.raises(NotImplementedError, match="compiled code"):
        exp_parts(-1.0)
