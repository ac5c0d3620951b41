"""Colour images with a plane a colour, as convolution takes them, from every kind of file."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.core.errors import ConfigError
from chainrule.data.named.cifar import read_cifar
from chainrule.data.sources import load_data

X = np.random.default_rng(1).normal(size=(10, 4, 5, 3))
T = np.arange(10) % 2
PLANES = X.transpose(0, 3, 1, 2)


@pytest.fixture
def load(tmp_path):
    def load(x=X, **settings):
        np.savez(tmp_path / "i.npz", x=x, t=T, **settings.pop("arrays", {}))
        return load_data(
            {"file": "i.npz", "split": [1, 0, 0], **settings}, folder=tmp_path, seed=1
        )

    return load


def order_of(data):
    """Which case of X each case of the training data is, by its sum."""
    sums = data.train.x.reshape(len(data.train), -1).sum(axis=1)
    return [int(np.argmin(abs(X.sum(axis=(1, 2, 3)) - s))) for s in sums]


def test_colours_are_last_unless_told(load):
    data = load()
    assert np.array_equal(data.train.x, X[order_of(data)].reshape(10, -1))
    assert data.image_shape == (4, 5, 3)
    assert not data.channels_first


@pytest.mark.parametrize("flatten", [True, False])
def test_a_plane_a_colour(load, flatten):
    data = load(channels="first", flatten=flatten)
    expected = PLANES[order_of(data)]
    assert np.array_equal(data.train.x, expected.reshape(10, -1) if flatten else expected)
    assert data.image_shape == (4, 5, 3)
    assert np.array_equal(data.pictures(data.train.x), X[order_of(data)])


def test_rows_with_the_shape_beside_them(load):
    data = load(X.reshape(10, -1), channels="first", arrays={"image_shape": [4, 5, 3]})
    assert np.array_equal(data.train.x, PLANES[order_of(data)].reshape(10, -1))


def test_planes_that_come_first_already(load):
    data = load(PLANES, channels="first")
    assert np.array_equal(data.train.x, PLANES[order_of(data)].reshape(10, -1))
    assert data.image_shape == (4, 5, 3)
    assert np.array_equal(data.pictures(data.train.x), X[order_of(data)])


def test_planes_stay_planes_unless_told_and_are_seen_as_images(load):
    data = load(PLANES)
    assert np.array_equal(data.train.x, PLANES[order_of(data)].reshape(10, -1))
    assert np.array_equal(data.pictures(data.train.x), X[order_of(data)])
    data = load(PLANES, channels="last")
    assert np.array_equal(data.train.x, X[order_of(data)].reshape(10, -1))
    assert not data.channels_first


def test_grey_images_and_plain_features_stay(load):
    for x in (X[..., 0], X[:, 0, :, 0]):
        data, plain = load(x, channels="first"), load(x)
        assert np.array_equal(data.train.x, plain.train.x)
        assert data.image_shape == plain.image_shape
        assert not data.channels_first


def test_the_scale_is_that_of_the_planes(load):
    data = load(channels="first", standardize=True)
    assert abs(data.train.x.mean(axis=0)).max() < 1e-12
    expected = PLANES.reshape(10, -1).mean(axis=0)
    assert data.scaling.mean == pytest.approx(expected, abs=1e-12)


def test_cifar_has_its_published_order(real, tmp_path):
    folder = real / "cifar_mini" / "cifar-10-batches-py"
    if not folder.is_dir():
        pytest.skip(f"{real} has no cifar_mini")
    settings = {"name": "cifar10", "path": str(folder), "channels": "first", "split": [1, 0, 0]}
    data = load_data(settings, folder=tmp_path, seed=1)
    images = read_cifar(folder).test_images
    assert np.array_equal(data.test.x.reshape(-1, 3, 32, 32)[:, 1], images[..., 1] / 255)


def test_another_place_is_told(load):
    with pytest.raises(ConfigError, match=r"channels .*last.*first"):
        load(channels="frist")
