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


def leaky(x, alpha=0.1):
    return np.where(x > 0, x, alpha * x)


def leaky_backward(g, x, alpha=0.1):
    return g * np.where(x > 0, 1, alpha)


def dropped(x):
    mask = np.random.rand(*x.shape) > 0.5  # noqa: NPY002
    return x * mask, mask


class Layer:
    def forward(self, x, *, weight):
        self.x, self.weight = x, weight
        return x @ weight

    def backward(self, grad):
        return grad @ self.weight.T, self.x.T @ grad


LAYER = Layer()


def distance(a, p, n):
    return np.sum(a**2) * p + np.sum(n)


def distance_gradients(a, p, n):
    return 2 * a * p, np.sum(a**2), np.ones(n.shape)


def svm(x, y):
    n = np.arange(len(y))
    over = np.maximum(0, x - x[n, y][:, None] + 1)
    over[n, y] = 0
    slopes = (over > 0) * 1.0
    slopes[n, y] = -1
    return over.sum(), slopes


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
        (softmax, softmax_jacobian, {"z": (4, 3)}, None),
        (leaky, leaky_backward, {"x": (4, 3), "alpha": 0.5}, None),
        (LAYER.forward, LAYER.backward, {"weight": (3, 2), "x": (5, 3)}, None),
        (dropped, lambda g, mask: g * mask, {"x": (4, 3)}, None),
        (lambda x: np.tanh(x.astype("f4")), lambda x: 1 - np.tanh(x) ** 2, {"x": (4, 3)}, None),
        (distance, distance_gradients, {"a": (3,), "p": 0.3, "n": (4,)}, None),
        (lambda x: [v * v for v in x], lambda x: [2 * v for v in x], {"x": [1.0, -2.0]}, None),
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
        (
            svm,
            None,
            {"x": (5, 3), "y": np.array([2, 0, 1, 1, 2])},
            "all of them at the right class",
        ),
        (leaky, lambda g, x: g * 1.0, {"x": (5, 3)}, "which are those of negative inputs"),
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
    with pytest.raises(ShapeError, match="a dictionary of the arguments by name"):
        check_function(linear, linear_backward, (4, 3))
    with pytest.raises(ShapeError, match="x is a float"):
        check_function(np.tanh, np.cosh, {"x": 3.0})
    with pytest.raises(ShapeError, match="nan or inf"), np.errstate(all="ignore"):
        check_function(np.log, np.reciprocal)
    rng = np.random.default_rng(0)
    with pytest.raises(ShapeError, match="different results for the same arguments"):
        check_function(lambda x: x * rng.random(x.shape), lambda g, x: g)
