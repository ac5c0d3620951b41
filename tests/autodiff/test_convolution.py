"""Convolution written out in loops, the question's numbers, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.autodiff import conv2d, gradient, variable
from chainrule.core.errors import ShapeError


def in_loops(x, w, b, stride, padding):
    """The definition, one product after the other."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    (cases, _, height, width), (filters, _, rows, columns) = x.shape, w.shape
    out = (cases, filters, (height - rows) // stride + 1, (width - columns) // stride + 1)
    y = np.empty(out)
    for n, o, i, j in np.ndindex(*out):
        under = x[n, :, i * stride : i * stride + rows, j * stride : j * stride + columns]
        y[n, o, i, j] = (under * w[o]).sum() + b[o]
    return y


@settings(max_examples=30)
@given(st.data())
def test_against_loops(data):
    def size(low=1, high=3):
        return data.draw(st.integers(low, high))

    rng = np.random.default_rng(size(0, 1000))
    channels, filters, rows, columns = size(), size(), size(), size()
    stride, padding = size(), size(0, 2)
    x = rng.normal(size=(size(), channels, size(rows, 6), size(columns, 6)))
    w, b = rng.normal(size=(filters, channels, rows, columns)), rng.normal(size=filters)
    found = conv2d(variable(x), w, b, stride=stride, padding=padding).value
    assert found == pytest.approx(in_loops(x, w, b, stride, padding), rel=1e-12, abs=1e-13)


def test_gradients_are_sums_of_what_was_multiplied():
    """A filter at one place alone: ∂y/∂w is the image under it, ∂y/∂x the filter."""
    x, w = np.arange(4.0).reshape(1, 1, 2, 2), np.array([[[[5.0, 6.0], [7.0, 8.0]]]])
    g_x, g_w = gradient(lambda x, w: conv2d(x, w).sum(), x, w)
    assert (g_x == w).all()
    assert (g_w == x).all()


def test_no_cases_are_no_failure():
    g_x, g_w = gradient(
        lambda x, w: conv2d(x, w).sum(), np.ones((0, 1, 3, 3)), np.ones((2, 1, 2, 2))
    )
    assert g_x.shape == (0, 1, 3, 3)
    assert not g_w.any()


@pytest.mark.parametrize(
    ("x", "w", "options", "says"),
    [
        (
            (1, 2, 4, 4),
            (1, 3, 2, 2),
            {},
            r"same channels, found \(1, 2, 4, 4\) and \(1, 3, 2, 2\)",
        ),
        ((2, 4, 4), (1, 2, 2, 2), {}, "images .cases, channels, height, width."),
        ((1, 1, 2, 2), (1, 1, 3, 3), {}, "filter of 3 × 3 does not fit into images of 2 × 2"),
        ((1, 1, 4, 4), (1, 1, 2, 2), {"stride": 0}, "stride .* at least 1, found 0"),
        ((1, 1, 4, 4), (1, 1, 2, 2), {"padding": -1}, "padding .* at least 0, found -1"),
        ((1, 1, 4, 4), (1, 1, 2, 2), {"stride": (1, 2, 3)}, r"found \(1, 2, 3\)"),
        ((1, 1, 4, 4), (1, 1, 2, 2), {"stride": 1.5}, "found 1.5"),
        ((1, 1, 4, 4), (3, 1, 2, 2), {"b": np.ones(2)}, r"3 filters have the shape \(3,\), found"),
    ],
)
def test_what_does_not_fit_is_told(x, w, options, says):
    with pytest.raises(ShapeError, match=says):
        conv2d(np.ones(x), np.ones(w), **options)
