"""Sets by name."""

from __future__ import annotations

import sys

import pytest

from chainrule.core.errors import ConfigError, MissingExtraError
from chainrule.data.named.from_sklearn import read_named


def test_iris_and_digits():
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    iris = read_named("iris")
    assert iris.x.shape == (150, 4)
    assert iris.labels.names == ("setosa", "versicolor", "virginica")
    assert iris.feature_names[0].startswith("sepal length")
    digits = read_named("digits")
    assert digits.x.shape == (1797, 8, 8)
    assert digits.image_shape == (8, 8)
    assert (digits.x.min(), digits.x.max()) == (0, 1)


def test_another_name():
    with pytest.raises(ConfigError, match="did you mean 'iris'"):
        read_named("irsi")


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'chainrule\[sklearn\]'"):
        read_named("iris")
