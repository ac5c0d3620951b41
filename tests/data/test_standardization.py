"""Standardisation: mean 0 and deviation 1 on what it was fitted on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainrule.core.errors import DataError, ShapeError
from chainrule.data.standardization import Standardization


@settings(deadline=None)
@given(hnp.arrays(np.float64, (7, 3), elements=st.integers(-1000, 1000).map(lambda v: v / 8)))
def test_fitted_inputs_have_mean_0_and_deviation_1(x):
    scaled = Standardization.fit(x).apply(x)
    assert np.allclose(scaled.mean(axis=0), 0, atol=1e-9)
    varying = np.ptp(x, axis=0) > 0
    assert np.allclose(scaled[:, varying].std(axis=0), 1)
    assert (scaled[:, ~varying] == 0).all()


def test_a_constant_that_is_no_binary_fraction_becomes_exactly_0():
    x = np.full((1000, 1), 0.1)
    scaling = Standardization.fit(x)
    assert scaling.scale.tolist() == [1.0]
    assert (scaling.apply(x) == 0).all()


@pytest.mark.parametrize("shape", [(50, 1), (300, 257), (300, 513), (200, 12, 12, 3), (1, 300)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_float64_is_scaled_by_numpys_own_mean_and_deviation(shape, order):
    """Bit for bit, also beyond the number of inputs that are computed at once in float32."""
    x = np.asarray(np.random.default_rng(1).normal(5, 37, shape), order=order)
    scaling = Standardization.fit(x)
    scale = np.where(x.std(axis=0) == 0, 1, x.std(axis=0))
    assert np.array_equal(scaling.mean, x.mean(axis=0))
    assert np.array_equal(scaling.scale, scale)
    assert np.array_equal(scaling.apply(x), (x - x.mean(axis=0)) / scale)


@pytest.mark.exhaustive
def test_float32_is_measured_in_float64_and_stays_float32():
    x = np.random.default_rng(1).normal(1000, 1, (400, 600)).astype(np.float32)
    scaling = Standardization.fit(x)
    wide = Standardization.fit(x.astype(np.float64))
    assert scaling.mean == pytest.approx(wide.mean, rel=1e-14)
    assert scaling.scale == pytest.approx(wide.scale, rel=1e-12)
    assert scaling.apply(x).dtype == np.float32
    assert scaling.apply(x) == pytest.approx(wide.apply(x.astype(np.float64)), rel=3e-7, abs=1e-7)


def test_a_million_cases_far_from_0_keep_mean_0_and_deviation_1_in_float32():
    x = np.random.default_rng(1).normal(1e4, 1.1, (1_000_000, 2)).astype(np.float32)
    scaled = Standardization.fit(x).apply(x).astype(np.float64)
    assert scaled.mean(axis=0) == pytest.approx(0, abs=1e-7)
    assert scaled.std(axis=0) == pytest.approx(1, rel=1e-6)


def test_the_mean_alone_may_be_subtracted():
    x = np.array([[1.0, 7.0], [4.0, 7.0]])
    scaling = Standardization.fit(x, center_only=True)
    assert scaling.scale.tolist() == [1, 1]
    assert scaling.apply(x).tolist() == [[-1.5, 0], [1.5, 0]]


def test_bytes_and_images():
    x = np.array([[[0, 255]], [[255, 255]]], dtype=np.uint8)
    assert Standardization.fit(x).apply(x).tolist() == [[[-1.0, 0.0]], [[1.0, 0.0]]]


def test_what_cannot_be_scaled():
    with pytest.raises(DataError, match="no cases"):
        Standardization.fit(np.zeros((0, 2)))
    with pytest.raises(DataError, match="too large"):
        Standardization.fit(np.array([[1e308], [-1e308]]))
    with pytest.raises(ShapeError, match=r"\(2,\)"):
        Standardization.fit(np.zeros((3, 2))).apply(np.zeros((3, 4)))
