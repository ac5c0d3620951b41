"""Principal components against the eigenvectors of the covariance."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.plots.scatter import principal_components


@pytest.mark.parametrize("shape", [(50, 6), (4, 9), (1, 5), (2, 2)])
def test_shares_are_the_covariance_s_largest_eigenvalues(shape):
    x = np.random.default_rng(1).normal(size=shape) * np.arange(1, shape[1] + 1)
    points, shares = principal_components(x)
    assert points.shape == (shape[0], 2)
    assert np.allclose(points.sum(axis=0), 0)
    centred = x - x.mean(axis=0)
    eigenvalues = np.linalg.eigvalsh(centred.T @ centred)[::-1]
    assert np.allclose((points**2).sum(axis=0), eigenvalues[:2])
    assert np.allclose(shares * eigenvalues.clip(0).sum(), eigenvalues[:2])


@pytest.mark.parametrize("seed", range(8))
def test_a_component_grows_with_the_feature_it_is_mostly_made_of(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(30, 7)) * [1, 1, 1, 30, 1, 1, 1] + rng.normal(size=(30, 1))
    points, _ = principal_components(x)
    assert np.corrcoef(points[:, 0], x[:, 3])[0, 1] > 0.9


def test_cases_that_are_all_alike_stand_in_one_point():
    points, shares = principal_components(np.full((5, 6), 3.0))
    assert not points.any()
    assert not shares.any()
