"""The classes' pixels, over every box and thickness that can be drawn."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import ndimage

from chainrule.data.generators.shapes import CLASSES, draw

SIDE = 16
ALL = np.array(
    [
        (height, width, thickness)
        for height in range(3, SIDE + 1)
        for width in range(3, SIDE + 1)
        for thickness in range(1, min(height, width) // 3 + 1)
    ]
)


def every_image(name):
    corner = np.zeros(len(ALL), dtype=int)
    return draw(name, np.stack([corner, corner, *ALL.T]), SIDE)


def picture(name, height, width, thickness=1):
    boxes = np.array([[0], [0], [height], [width], [thickness]])
    rows = draw(name, boxes, 10)[0][:height, :width]
    return ["".join(".#"[pixel] for pixel in row) for row in rows]


@pytest.mark.parametrize("name", CLASSES)
def test_a_shape_fills_its_box_and_nothing_outside(name):
    images = every_image(name)
    rows, columns = images.any(axis=2), images.any(axis=1)
    place = np.arange(SIDE)
    assert np.array_equal(rows.any(axis=1), np.ones(len(ALL), dtype=bool))
    assert np.array_equal(columns, place < ALL[:, 1:2])
    assert np.array_equal(rows[:, 0], np.ones(len(ALL)))
    assert np.array_equal(SIDE - rows[:, ::-1].argmax(axis=1), ALL[:, 0])


@pytest.mark.parametrize("name", CLASSES)
def test_strokes_have_no_gaps(name):
    touching = np.ones((3, 3))
    pieces = {ndimage.label(image, touching)[1] for image in every_image(name)}
    assert pieces == ({2} if name == "bars" else {1})


@pytest.mark.parametrize(("one", "other"), list(combinations(CLASSES, 2)))
def test_no_box_makes_two_classes_equal(one, other):
    differing = (every_image(one) != every_image(other)).sum(axis=(1, 2))
    assert differing.min() >= 1
    large = ALL[:, :2].min(axis=1) >= 6
    assert differing[large].min() >= 4


@pytest.mark.parametrize("name", ["rectangle", "circle"])
def test_outlines_keep_a_hole(name):
    for image, (height, width, _) in zip(every_image(name), ALL, strict=True):
        assert ndimage.label(1 - image[:height, :width])[1] >= 1
        assert image[height // 2, width // 2] == 0


def test_small_shapes_by_hand():
    assert picture("circle", 3, 3) == [".#.", "#.#", ".#."]
    assert picture("triangle", 3, 3) == [".#.", "#.#", "###"]
    assert picture("cross", 3, 3) == [".#.", "###", ".#."]
    assert picture("saltire", 3, 3) == ["#.#", ".#.", "#.#"]
    assert picture("corner", 3, 3) == ["#..", "#..", "###"]
    assert picture("tee", 3, 3) == ["###", ".#.", ".#."]
    assert picture("cup", 3, 3) == ["#.#", "#.#", "###"]
    assert picture("bars", 3, 3) == ["###", "...", "###"]
    assert picture("zed", 4, 4) == ["####", "..#.", ".#..", "####"]
    assert picture("circle", 5, 5) == [".###.", "#...#", "#...#", "#...#", ".###."]


def test_thickness_is_the_stroke_in_pixels():
    assert picture("cross", 6, 6, 2) == [
        "..##..",
        "..##..",
        "######",
        "######",
        "..##..",
        "..##..",
    ]
    assert picture("rectangle", 6, 7, 2)[2] == "##...##"
    assert picture("triangle", 9, 9, 1).count("#########") == 1
    assert picture("triangle", 9, 9, 3)[-3:][0].count("#") >= 7
