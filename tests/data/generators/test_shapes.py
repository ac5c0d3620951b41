"""The image generator: what comes out, and what is said of wrong arguments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import ConfigError
from chainrule.data.generators.shapes import ImageGenerator
from yardstick import times


def images_of(**arguments):
    """All images in 2-D, and their classes."""
    parts = list(ImageGenerator(flatten=False, **arguments))
    return np.concatenate([p.x for p in parts]), np.concatenate([p.t for p in parts])


def extents(images):
    """Heights and widths of what is drawn."""
    return images.any(axis=2).sum(axis=1), images.any(axis=1).sum(axis=1)


def test_unpacks_with_and_without_generate():
    train, validation, test = ImageGenerator(size=12, count=100, seed=4)
    again = ImageGenerator(size=12, count=100, seed=4).generate()
    assert [len(train), len(validation), len(test)] == [70, 20, 10]
    for part, same in zip((train, validation, test), again, strict=True):
        assert np.array_equal(part.x, same.x)
        assert np.array_equal(part.t, same.t)
    assert train.x.dtype == np.uint8
    assert train.x.shape == (70, 144)
    assert again.classes == ("circle", "rectangle", "triangle", "cross")
    assert again.image_shape == (12, 12)


def test_another_seed_gives_other_images():
    first, second = (ImageGenerator(count=50, seed=seed).generate() for seed in (0, 1))
    assert not np.array_equal(first.train.x, second.train.x)


def test_flattened_images_are_the_same_images():
    flat = ImageGenerator(size=11, count=40).generate().train
    square = ImageGenerator(size=11, count=40, flatten=False).generate().train
    assert square.x.shape[1:] == (11, 11)
    assert np.array_equal(flat.x.reshape(-1, 11, 11), square.x)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(10, 50),
    st.integers(2, len(ImageGenerator.CLASSES)),
    st.integers(10, 120),
    st.sampled_from([0.0, 0.1, 1.0]),
    st.booleans(),
    st.sampled_from([(0.7, 0.2, 0.1), (1, 0, 0), (0.5, 0.25, 0.25), (0.34, 0.0, 0.66)]),
)
def test_any_set_is_binary_and_balanced(size, classes, count, noise, flatten, split):
    generator = ImageGenerator(
        size=size, classes=classes, count=count, noise=noise, flatten=flatten, split=split
    )
    parts = list(generator)
    total = np.concatenate([part.t for part in parts])
    assert len(total) == count
    assert np.ptp(np.bincount(total, minlength=classes)) <= 1
    for part, fraction in zip(parts, split, strict=True):
        assert set(np.unique(part.x)) <= {0, 1}
        assert np.ptp(np.bincount(part.t, minlength=classes)) <= 1
        assert abs(len(part) - fraction * count) < 1


@pytest.mark.parametrize("classes", [4, len(ImageGenerator.CLASSES)])
def test_hardly_any_repeats_among_5000(classes):
    x, _ = images_of(size=16, classes=classes, count=5000)
    assert 5000 - len(np.unique(x.reshape(5000, -1), axis=0)) <= 50


def test_repeats_where_the_ranges_leave_no_room():
    def narrow():
        return images_of(size=16, count=3000, width=8, height=8, thickness=1, centered=True)

    x, _ = narrow()
    assert len(np.unique(x, axis=0)) == 4
    assert times(narrow, lambda: images_of(size=16, count=3000), at_most=10) <= 10


def test_sizes_keep_to_their_ranges_and_use_them():
    x, _ = images_of(
        size=20, classes=["rectangle", "zed"], count=800, width=[5, 9], height=[12, 15]
    )
    height, width = extents(x)
    assert set(width) == set(range(5, 10))
    assert set(height) == set(range(12, 16))


def test_thickness_keeps_to_its_range():
    x, t = images_of(
        size=20, classes=["rectangle", "bars"], count=600, width=14, height=14, thickness=[2, 4]
    )
    strokes = {int(image.any(axis=1).sum()) // 2 for image in x[t == 1]}
    assert strokes == {2, 3, 4}


def test_a_stroke_is_at_most_a_third_of_the_shorter_side():
    x, t = images_of(
        size=10, classes=["rectangle", "cup"], count=20, width=9, height=6, thickness=6
    )
    assert x[t == 0].sum(axis=(1, 2)).tolist() == [6 * 9 - 2 * 5] * 10


def test_shapes_stand_anywhere_or_in_the_middle():
    arguments = {"size": 12, "count": 400, "width": 6, "height": 4}
    tops = {int(image.any(axis=1).argmax()) for image in images_of(**arguments)[0]}
    assert tops == set(range(9))
    centred = images_of(**arguments, centered=True)[0]
    assert {int(image.any(axis=1).argmax()) for image in centred} == {4}
    assert {int(image.any(axis=0).argmax()) for image in centred} == {3}


def test_noise_sets_its_fraction_of_pixels_and_changes_nothing_else():
    clean, t = images_of(count=400, seed=3)
    noisy, same = images_of(count=400, seed=3, noise=0.2)
    changed = noisy != clean
    assert np.array_equal(t, same)
    # Half of the pixels set at random had that value before.
    assert changed.mean() == pytest.approx(0.1, abs=0.005)
    assert changed[clean == 0].mean() == pytest.approx(0.1, abs=0.005)
    assert changed[clean == 1].mean() == pytest.approx(0.1, abs=0.01)
    assert images_of(count=400, noise=1)[0].mean() == pytest.approx(0.5, abs=0.01)


def test_other_classes_can_be_named_in_any_order():
    x, t = images_of(classes=["zed", "cup"], count=30, width=3, height=3, size=10)
    assert x[t == 1].sum(axis=(1, 2)).tolist() == [7] * 15


WRONG = {
    "size must be a whole number from 10 to 50, found 9": {"size": 9},
    "size must be a whole number from 10 to 50, found 51": {"size": 51},
    "size must be a whole number from 10 to 50, found 16.5": {"size": 16.5},
    "size must be a whole number from 10 to 50, found 'ten'": {"size": "ten"},
    "size must be a whole number from 10 to 50, found true": {"size": True},
    "width must fit into images of 12 x 12 pixels, found [4, 13]": {"size": 12, "width": [4, 13]},
    "whole numbers of at least 3, the lower first, or one number, found [8, 6]": {"width": [8, 6]},
    "height must be a range [low, high] of whole numbers of at least 3": {"height": [2, 6]},
    "or one number, found 'big'": {"height": "big"},
    "thickness must be a range [low, high] of whole numbers of at least 1": {"thickness": 0},
    "did you mean 'triangle'?": {"classes": ["triangel", "cross"]},
    "cross stands twice among the classes": {"classes": ["cross", "cross"]},
    "classes must be a list of at least 2 shapes, or a number from 2": {"classes": ["cross"]},
    "or a number from 2 to 10, found 'cross'": {"classes": "cross"},
    "or a number from 2 to 10, found 11": {"classes": 11},
    "item 1 of classes must be circle, rectangle": {"classes": [[1], [2]]},
    "count 3 is too small for 4 classes": {"count": 3},
    "GiB": {"count": 10**12},
    "the fractions of split must sum to 1; 0.7 + 0.2 + 0.2 = 1.1": {"split": [0.7, 0.2, 0.2]},
    "split must be three fractions": {"split": [0.7, 0.3]},
    "from 0 to 1 that sum to 1, or percentages": {"split": [1.5, -0.5, 0]},
    "split must leave something to train on": {"split": [0, 0.5, 0.5]},
    "noise must be a number from 0 to 1, found 1.5": {"noise": 1.5},
    "noise must be a number from 0 to 1, found nan": {"noise": float("nan")},
    "centered must be true or false, found 'no'": {"centered": "no"},
    "seed must be a whole number of at least 0, found -1": {"seed": -1},
    "size: a object cannot stand in a configuration": {"size": object()},
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_arguments(message):
    with pytest.raises(ConfigError) as caught:
        ImageGenerator(**WRONG[message])
    assert message in str(caught.value)
    assert len(caught.value.problems) <= 2


def test_all_wrong_arguments_at_once():
    with pytest.raises(ConfigError) as caught:
        ImageGenerator(size=3, classes=["disk", "tee"], noise=-1, width=[1, 2], split=(1, 1, 1))
    assert len(caught.value.problems) == 5


def test_fast_enough():
    generator = ImageGenerator(size=50, classes=10, count=4000, noise=0.05)
    random = np.random.default_rng(1)
    # The promise is 20,000 a second on one core, which is as fast as to draw a random number
    # for every pixel twice; a third of one drawing is measured.
    assert times(generator.generate, lambda: random.random((4000, 50, 50))) <= 1
