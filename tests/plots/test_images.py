"""Image grids, read back from the figure's own objects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from chainrule.core.errors import ShapeError
from chainrule.plots import image_grid, save_figure


def drawn(figure):
    """The images of the figure, as they were handed to Matplotlib."""
    return [axes.images[0] for axes in figure.axes]


def brightness(image):
    """How bright each pixel looks, from 0 (black) to 1."""
    return image.to_rgba(image.get_array())[..., :3].mean(axis=-1)


def test_ten_images_stand_in_two_rows_of_five_under_their_classes():
    images = np.random.default_rng(0).integers(0, 2, (10, 16, 12))
    names = [f"class {k}" for k in range(10)]
    figure = image_grid(images, names, title="ten")
    assert [axes.get_title() for axes in figure.axes] == names
    grid = figure.axes[0].get_subplotspec().get_gridspec()
    assert (grid.nrows, grid.ncols) == (2, 5)
    for image, pixels in zip(drawn(figure), images, strict=True):
        assert (image.get_array() == pixels).all()
        assert image.get_interpolation() == "nearest"
    assert figure.get_suptitle() == "ten"


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("count", "shape"), [(1, (1, 1)), (3, (1, 3)), (7, (2, 5)), (90, (9, 10))]
)
def test_any_number_of_images(count, shape, tmp_path):
    figure = image_grid(np.zeros((count, 10, 10)), range(count), title="")
    assert len(figure.axes) == count
    grid = figure.axes[0].get_subplotspec().get_gridspec()
    assert (grid.nrows, grid.ncols) == shape
    assert save_figure(figure, tmp_path / "grid", ("png",))


def test_no_images_is_said():
    figure = image_grid(np.zeros((0, 10, 10)), [], title="")
    assert figure.axes[0].texts[0].get_text() == "no images"


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float64])
@pytest.mark.parametrize("inverted", [False, True])
def test_two_values_are_ink_on_paper(dtype, inverted):
    ink = np.zeros((1, 10, 10), bool)
    ink[0, 2:5, 2:8] = True
    (image,) = drawn(image_grid((ink ^ inverted).astype(dtype), ["box"], title=""))
    assert np.array_equal(brightness(image) < 0.5, ink[0])


def test_two_values_are_still_two_after_scaling_there_and_back():
    rng = np.random.default_rng(0)
    ink = rng.random((2, 10, 10)) < 0.3
    mean, scale = rng.random((2, 10, 10))
    one, _ = drawn(image_grid((ink - mean) / scale * scale + mean, "ab", title=""))
    assert np.array_equal(brightness(one) < 0.5, ink[0])


def test_an_image_without_ink_is_white():
    (image,) = drawn(image_grid(np.zeros((1, 10, 10)), ["none"], title=""))
    assert (brightness(image) == 1).all()


def test_grey_is_brighter_where_it_is_larger_and_alike_in_all_images():
    images = np.array([[[0.0, 0.5], [0.25, 0.5]], [[0.0, 1.0], [0.5, 0.25]]])
    one, two = drawn(image_grid(images, ["a", "b"], title=""))
    assert one.get_clim() == two.get_clim() == (0, 1)
    assert (np.diff(brightness(two).ravel()[[0, 3, 2, 1]]) > 0).all()


def test_bytes_keep_their_range_and_standardised_values_fill_it():
    grey = np.array([[[10, 100], [30, 50]]], np.uint8)
    assert drawn(image_grid(grey, ["a"], title=""))[0].get_clim() == (0, 255)
    assert drawn(image_grid(grey / 50 - 1.5, ["a"], title=""))[0].get_clim() == pytest.approx(
        (-1.3, 0.5)
    )


def test_colours_are_drawn_as_they_are():
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), np.uint8)
    for image, pixels in zip(drawn(image_grid(images, "ab", title="")), images, strict=True):
        assert np.abs(image.get_array() * 255 - pixels).max() < 1e-9


def test_a_last_axis_of_one_is_grey():
    (image,) = drawn(image_grid(np.ones((1, 8, 6, 1)), ["a"], title=""))
    assert image.get_array().shape == (8, 6)


@pytest.mark.parametrize("shape", [(4, 64), (4, 8, 8, 2), (4,)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ShapeError, match=r"height, width\).*found"):
        image_grid(np.zeros(shape), "abcd", title="")


def test_labels_have_to_fit():
    with pytest.raises(ShapeError, match="2 images need as many labels; found 1"):
        image_grid(np.zeros((2, 8, 8)), ["a"], title="")


@pytest.mark.exhaustive
@settings(max_examples=15, deadline=None)
@given(
    arrays.arrays(np.float64, st.sampled_from([(2, 3, 4), (2, 3, 4, 3)])),
    st.lists(st.text(max_size=40), min_size=2, max_size=2),
)
def test_any_values_and_names_make_a_picture(tmp_path_factory, images, names):
    figure = image_grid(images, names, title=names[0])
    assert save_figure(figure, tmp_path_factory.mktemp("any") / "grid", ("png",))
