"""Any function with a gradient is checked by differences of the function itself."""

import numpy as np
import pytest

from chainrule import check_function
from chainrule.core.errors import ShapeError

SHAPES = {"x": (5, 3), "w": (3, 2)}


def linear(x, w):
    return x @ w, (x, w)


def linear_backward(g, cache):
    x, w = cache
    return g @ w.T, x.T @ g


def writes_into_g(g, cache):
    g *= 1.0
    g[g < 0] += 1e-9
    return linear_backward(g, cache)


def forgets_g(g, cache):
    return linear_backward(np.ones_like(g), cache)


def names_them(g, cache):
    dx, dw = linear_backward(g, cache)
    return {"dw": dw, "dx": dx}


def softmax(z):
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True)


def softmax_jacobian(z):
    p, n = softmax(z), np.arange(len(z))
    jacobian = np.zeros((*z.shape, *z.shape))
    jacobian[n, :, n] = p[:, :, None] * np.eye(3) - p[:, :, None] * p[:, None]
    return jacobian


def mse(y, t):
    return np.mean((y - t) ** 2)


def kept_linear(x, w):
    kept_linear.x = x
    return x @ w, (w,)


def kept_backward(g, cache):
    return g @ cache[0].T, kept_linear.x.T @ g


@pytest.mark.parametrize(
    ("forward", "backward", "inputs", "wrt"),
    [
        (linear, linear_backward, SHAPES, None),
        (linear, names_them, SHAPES, None),
        (np.tanh, lambda z: 1 / np.cosh(z) ** 2, {"z": (4, 3)}, None),
        (lambda z: np.maximum(z, 0), lambda g, z: g * (z > 0), {"z": (40, 3)}, None),
        (mse, lambda y, t: 2 * (y - t) / y.size, {"y": (4, 3), "t": (4, 3)}, ["y"]),
        (lambda w: (np.sum(w**2), 2 * w), None, {"w": (3, 2)}, None),
        (
            softmax,
            softmax_jacobian,
            {"z": (4, 3)},
            None,
        ),
    ],
)
def test_a_right_gradient_is_right_in_every_form(forward, backward, inputs, wrt):
    report = check_function(forward, backward, inputs, wrt=wrt)
    assert report.right, str(report)
    assert "is right to" in str(report)


@pytest.mark.parametrize(
    ("forward", "backward", "inputs", "words"),
    [
        (linear, writes_into_g, SHAPES, "writes into the gradient that it is handed"),
        (linear, forgets_g, SHAPES, "does not use ∂L/∂output"),
        (linear, lambda g, c: linear_backward(5 * g, c), SHAPES, "it is N times too large"),
        (mse, lambda y, t: (y - t) / y.size, {"y": (4, 3), "t": (4, 3)}, "it is half of what"),
        (linear, lambda g, c: None, SHAPES, "no gradient for x"),
        (linear, lambda g, c: 2 * linear_backward(g, c)[1], SHAPES, "the gradient for w is wrong"),
        (linear, lambda g, c: linear_backward(g, c)[::-1], SHAPES, "shape (3, 2) for x"),
        (np.tanh, lambda z: 1 / np.cosh(z), {"z": (4, 3)}, "the gradient for z is wrong"),
        (softmax, lambda z: softmax(z) * (1 - softmax(z)), {"z": (4, 3)}, "not elementwise"),
        (kept_linear, kept_backward, SHAPES, "outside the cache"),
    ],
)
def test_what_is_wrong_is_said(forward, backward, inputs, words):
    report = check_function(forward, backward, inputs)
    assert not report.right
    assert words in str(report)


def test_inputs_that_do_not_fit_are_refused_with_what_is_expected():
    with pytest.raises(ShapeError, match=r"inputs says what they are: inputs=\{'x'"):
        check_function(linear, linear_backward)
    with pytest.raises(ShapeError, match="wrt names 'v', which is no input"):
        check_function(linear, linear_backward, SHAPES, wrt=["v"])
    with pytest.raises(ShapeError, match="takes 4 arguments; expected 2"):
        check_function(linear, lambda a, b, c, d: 0, SHAPES)
