"""The order of the numbers of colour images: as files have it, and as layers take it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from chainrule.assembly import assemble_data, assemble_network, data_key
from chainrule.cli.cases import inputs_of_file
from chainrule.cli.pictures import _images
from chainrule.config.load import load_config
from chainrule.data.channels import colours_first, colours_last, shape_for_layers
from chainrule.data.npz_file import read_npz, write_npz
from chainrule.errors import ConfigError
from chainrule.runs import train

SHAPE = (4, 5, 3)


@pytest.mark.parametrize("flat", [True, False])
def test_there_and_back(flat):
    images = np.arange(2 * 60).reshape(2, *SHAPE)
    x = images.reshape(2, -1) if flat else images
    first = colours_first(x, SHAPE)
    assert np.array_equal(first.reshape(2, 3, 4, 5)[:, 1], images[..., 1])
    assert np.array_equal(colours_last(first, SHAPE), images)


@pytest.mark.parametrize("shape", [None, (4, 5)])
def test_what_has_no_colours_stays_as_it_is(shape):
    x = np.arange(40.0).reshape(2, 20)
    assert colours_first(x, shape) is x
    if shape is not None:
        assert np.array_equal(colours_last(x, shape), x.reshape(2, 4, 5))
        assert shape_for_layers(shape) == (1, 4, 5)


@pytest.fixture
def coloured(tmp_path) -> Path:
    """A folder of images of 5 × 4 in two colours, a folder a class."""
    rng = np.random.default_rng(0)
    for colour, name in enumerate(("red", "green")):
        (tmp_path / "images" / name).mkdir(parents=True)
        for k in range(8):
            pixels = rng.integers(0, 60, SHAPE, dtype=np.uint8)
            pixels[..., colour] += 190
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{k}.png")
    return tmp_path


def configuration(folder: Path, *layers, **network):
    return load_config(
        {
            "data": {"folder": str(folder / "images"), "color": True, "standardize": True},
            "network": {"layers": [*layers, {"size": 2}, "softmax"], **network},
            "training": {"epochs": 5, "batch_size": 4},
        }
    )


CONVOLUTION = ({"type": "conv2d", "filters": 3, "size": 2}, "flatten")


def test_layers_on_images_are_given_their_colours_first(coloured):
    images = configuration(coloured, *CONVOLUTION)
    rows = configuration(coloured)
    data, plain = assemble_data(images), assemble_data(rows)
    assert assemble_network(images, data)[1].input_shape == (3, 4, 5)
    assert assemble_network(rows, plain)[1].input_shape == (60,)
    assert (data.colours_first, plain.colours_first) == (True, False)
    assert data_key(images) != data_key(rows)
    expected = plain.train.x.reshape(-1, *SHAPE).transpose(0, 3, 1, 2)
    assert np.array_equal(data.train.x.reshape(expected.shape), expected)
    assert np.array_equal(_images(data, data.train.x), _images(plain, plain.train.x))


def test_a_file_written_of_such_data_is_read_as_before(coloured, tmp_path):
    data = assemble_data(
        configuration(coloured, *CONVOLUTION).replace(data={"standardize": False})
    )
    write_npz(tmp_path / "made.npz", data)
    cases = read_npz(tmp_path / "made.npz")
    assert cases.image_shape == SHAPE
    assert np.array_equal(
        colours_first(cases.x.reshape(16, -1), SHAPE)[: len(data.train)], data.train.x
    )


def test_a_run_takes_files_as_it_took_its_data(coloured):
    run = train(configuration(coloured, *CONVOLUTION, dtype="float64"), save=False)
    found = inputs_of_file(run, coloured / "images" / "red")
    whole = np.concatenate([part.x for part in run.data])
    for x in found:
        assert np.isclose(whole, x, rtol=1e-12, atol=1e-12).all(axis=1).sum() == 1


def test_another_shape_is_said_with_the_right_one(coloured):
    config = configuration(coloured, *CONVOLUTION, input=[3, 5, 4])
    with pytest.raises(ConfigError, match=r"write \[3, 4, 5\], or leave input out"):
        assemble_data(config)
