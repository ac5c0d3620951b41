"""A submission's file is recognised by its names, and its functions are called as they ask."""

import pytest

from chainrule.core.errors import ConfigError
from chainrule.marking.marking import mark_parts
from chainrule.marking.own.recognising import recognise

MINE = """
import numpy as np

def affine_forward(X, w, b):
    return X.reshape(len(X), -1) @ w + b, (X, w)

def affine_backward(cache, dout):
    x, w = cache
    return (dout @ w.T).reshape(x.shape), x.reshape(len(x), -1).T @ dout, dout.mean(axis=0)

relu_forward = lambda x: (np.maximum(x, 0), x)
relu_backward = lambda dout, x: dout * (x > 0)

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def d_sigmoid(z):
    return z * (1 - z)

def mse(y_true, y_pred):
    return np.mean((y_pred - y_true) ** 2)

def mse_prime(y_true, y_pred):
    return 2 * (y_pred - y_true) / y_true.size

def max_pool_forward_naive(x, pool_param):
    s, h, w = pool_param["stride"], pool_param["pool_height"], pool_param["pool_width"]
    seen = np.lib.stride_tricks.sliding_window_view(x, (h, w), (2, 3))[:, :, ::s, ::s]
    return seen.max(axis=(4, 5)), (x, pool_param)

def max_pool_backward_naive(dout, cache):
    x, param = cache
    s, h, w = param["stride"], param["pool_height"], param["pool_width"]
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dout.shape):
        at = np.s_[n, c, i * s : i * s + h, j * s : j * s + w]
        dx[at] = (x[at] == x[at].max()) * dout[n, c, i, j]
    return dx

def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

def softmax_backward(dout, cache):
    return cache * (dout - (dout * cache).sum(axis=1, keepdims=True))

def frob_forward(x, w):
    return x * w, (x, w)

def frob_backward(dout, cache):
    return dout * cache[1], dout * cache[0]

def check_gradient(f, x, g):
    return True
"""

FOUND = {
    "affine_forward + affine_backward": ("wrong", ("bias_averaged@db",), ()),
    "relu_forward + relu_backward": ("right", (), ()),
    "softmax + softmax_backward": ("right", (), ()),
    "sigmoid + d_sigmoid": ("wrong", ("formula_at_z@sigmoid",), ()),
    "mse + mse_prime": ("right", (), ()),
    "max_pool_forward_naive + max_pool_backward_naive": (
        "wrong",
        ("window_overwritten@dx",),
        ("ties_to_all",),
    ),
}
"""What is found in the file above: status, bugs and conventions."""


def test_pairs_of_functions_are_found_called_and_judged(tmp_path):
    (tmp_path / "mine.py").write_text(MINE, "utf-8")
    found = recognise(tmp_path / "mine.py")
    assert found.interface == "functions"
    assert [(p.forward, p.backward) for p in found.unknown] == [("frob_forward", "frob_backward")]
    assert [(c.name, c.parameters) for c in found.checks] == [("check_gradient", ("f", "x", "g"))]
    marked = mark_parts(found.parts, found.root)
    assert {p.name: (p.status, p.bugs[:1], p.conventions) for p in marked.parts} == FOUND


COURSES = {
    "HLCV": (
        "net.py",
        "class TwoLayerNet:\n    def loss(self, X, y=None, reg=0.0):\n        pass\n",
    ),
    "PSU": ("prob.py", "def computeCost(X, y, theta, reg): pass\ncomputeGrad = computeCost\n"),
    "ASU": ("ANA_BERG_LAB3/layers/full.py", "class FullLayer:\n    pass\n"),
    "CMU": ("neuralnet.py", "import sys\nprint(sys.argv[1:])\n"),
    "NTNU": ("what_is_what.py", "def run(x, t, *others): pass\n"),
}


@pytest.mark.parametrize("course", COURSES)
def test_a_course_is_known_by_its_names(course, tmp_path):
    name, text = COURSES[course]
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    for given in (path, tmp_path):
        found = recognise(given)
        assert (found.interface, found.assignment) == (course, course)
    assert recognise(tmp_path).root in (path.parent, path.parent.parent)


def test_a_file_without_anything_to_judge_and_one_that_is_no_python(tmp_path):
    (tmp_path / "a.py").write_text("raise SystemExit\n", "utf-8")
    assert recognise(tmp_path).interface == ""
    (tmp_path / "b.py").write_text("def f(:\n", "utf-8")
    with pytest.raises(ConfigError, match="cannot be read as Python"):
        recognise(tmp_path / "b.py")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="no Python file"):
        recognise(tmp_path / "empty")


def test_a_class_that_nobody_else_can_make_is_named_as_not_checked(tmp_path):
    methods = "    def forward(self, x): return x\n    def backward(self, g): return g\n"
    text = f"class Gated:\n    def __init__(self, n): pass\n{methods}"
    (tmp_path / "mine.py").write_text(text, "utf-8")
    assert recognise(tmp_path / "mine.py").left == ("Gated.forward and Gated.backward",)
