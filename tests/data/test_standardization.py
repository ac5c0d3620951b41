"""Standardisation: mean 0 and deviation 1 on what it was fitted on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainrule.data.standardization import Standardization
from chainrule.errors import DataError, ShapeError


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
