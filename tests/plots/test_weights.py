"""First-layer weights as images."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import ShapeError
from chainrule.plots.save import save_figure
from chainrule.plots.weights import filter_images, stretched, tiled, weight_images

RNG = np.random.default_rng(5)


def sheet_of(figure):
    return np.ma.filled(figure.axes[0].images[0].get_array().astype(float), np.nan)


@given(count=st.integers(1, 20), height=st.integers(1, 4), width=st.integers(1, 4))
def test_every_image_lies_whole_in_the_sheet(count, height, width):
    images = np.arange(count * height * width, dtype=float).reshape(count, height, width, 1) + 1
    sheet = tiled(images, padding=1, fill=-1.0)
    assert sorted(sheet[sheet > 0]) == sorted(images.ravel())
    columns = (sheet.shape[1] + 1) // (width + 1)
    for k, image in enumerate(images):
        top, left = k // columns * (height + 1), k % columns * (width + 1)
        assert np.array_equal(sheet[top : top + height, left : left + width], image)
    assert (columns - 1) ** 2 < count <= columns**2


def test_grey_weights_keep_their_sign_and_the_largest_come_first():
    W = np.array([[0.1, 2.0], [0.0, -1.0], [-0.1, 0.0], [0.0, 0.0]])
    sheet = sheet_of(weight_images(W, (2, 2), title="two units"))
    assert np.array_equal(sheet[:, :2], [[1, -0.5], [0, 0]])
    assert np.array_equal(sheet[:, -2:], [[1, 0], [-1, 0]])


def test_colours_are_stretched_unit_by_unit():
    W = RNG.normal(size=(2 * 3 * 3, 4)) * [1, 10, 100, 0]
    sheet = sheet_of(weight_images(W, (2, 3, 3), title="four units"))
    first = W[:, 2].reshape(2, 3, 3)
    assert sheet[:2, :3] == pytest.approx((first - first.min()) / np.ptp(first))
    assert np.all(sheet[-2:, -3:] == 0)  # the unit without weights
    assert stretched(np.ones((1, 2, 2, 3))).max() == 0


def test_filters_of_colours_are_seen_in_colour_with_colours_last():
    W = RNG.normal(size=(4, 3, 2, 5))
    figure = filter_images(W, title="filters")
    rows = W.transpose(0, 2, 3, 1).reshape(4, -1).T
    assert np.array_equal(sheet_of(figure), sheet_of(weight_images(rows, (2, 5, 3), title="")))
    assert figure.axes[0].get_title() == "4 filters"


@pytest.mark.parametrize(("channels", "title"), [(1, "3 filters"), (2, "6 channels of 3 filters")])
def test_other_filters_are_a_tile_a_channel(channels, title):
    W = RNG.normal(size=(3, channels, 2, 2))
    figure = filter_images(W, title="filters")
    rows = W.reshape(-1, 4).T
    assert np.array_equal(
        sheet_of(figure), sheet_of(weight_images(rows, (2, 2), title="")), equal_nan=True
    )
    assert figure.axes[0].get_title() == title


def test_what_are_no_filters():
    with pytest.raises(ShapeError, match=r"\(filters, channels, rows, columns\), found \(4, 3\)"):
        filter_images(np.ones((4, 3)), title="")


def test_only_the_most_are_shown_and_the_title_says_so(tmp_path):
    figure = weight_images(RNG.normal(size=(4, 30)), (2, 2), title="many", most=9)
    assert figure.axes[0].get_title() == "9 units of the largest weights, of 30"
    assert save_figure(figure, tmp_path / "weights.png")[0].stat().st_size > 1000


def test_a_layer_without_units_is_drawn_as_none():
    assert (
        weight_images(np.ones((4, 0)), (2, 2), title="").axes[0].texts[0].get_text() == "no units"
    )


@pytest.mark.parametrize("shape", [(2, 3), (2, 2, 2), (4,)])
def test_weights_that_are_no_images(shape):
    with pytest.raises(ShapeError, match="no images of shape"):
        weight_images(np.ones((4, 3)), shape, title="wrong")
