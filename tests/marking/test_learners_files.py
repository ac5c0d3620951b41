"""Functions of a file are checked in the sandbox, by numbers alone."""

import json

import numpy as np
import pytest

from chainrule.core.errors import ConfigError
from chainrule.marking.own.files import check_file, check_pair, importable, inputs_from
from chainrule.marking.own.recognising import Pair, recognise

MINE = """
import numpy as np

print("training ...")
weights = [x for x in open("data.txt")]

last = {}

def swish(x, w, b):
    z = x @ w + b
    s = 1 / (1 + np.exp(-z))
    last["x"] = x
    return z * s, (x, w, z, s)

def right(dout, cache):
    x, w, z, s = cache
    dz = dout * (s + z * s * (1 - s))
    return dz @ w.T, x.T @ dz, dz.sum(axis=0)

def no_second_term(dout, cache):
    x, w, z, s = cache
    dz = dout * s
    return dz @ w.T, x.T @ dz, dz.sum(axis=0)

def writes(dout, cache):
    dout *= 1.0000001
    return right(dout, cache)

def of_last(dout, cache):
    dx, dw, db = right(dout, cache)
    x, w, z, s = cache
    return {"dx": dx, "dw": last["x"].T @ (dout * (s + z * s * (1 - s))), "db": db}

def clip(x):
    return np.where(abs(x) < 1, x, 0.1 * x)

def clip_slope(x):
    return np.where(abs(x) < 1, 1.0, 0.1)

def hinge(scores, y):
    return np.mean(np.maximum(0, 1 - y * scores))

def hinge_slope(scores, y):
    return np.where(y * scores < 1, -y, 0) / len(scores)

def fails(dout, cache):
    return dout @ cache[7]

def cost(W, X, y, reg):
    p = np.exp(X @ W)
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(len(y)), y]).mean() + reg * np.sum(W * W)
    return loss, {"W": X.T @ (p - np.eye(3)[y]) / len(y) + 2 * reg * W}
"""


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    (folder / "mine.py").write_text(MINE, "utf-8")

    def check(backward, forward="swish", parameters=("x", "w", "b"), inputs=None):
        needs = ("g", "cache") if backward else ()
        return check_pair(
            folder, Pair("mine", forward, backward, parameters, needs, "layer"), inputs
        )

    check.folder = folder
    return check


@pytest.mark.exhaustive
def test_a_right_pair_is_right_whatever_the_file_does_besides(checked):
    found = checked("right")
    assert found.verdict == "right", found.lines
    assert "right to" in found.lines[0]


@pytest.mark.parametrize(
    ("backward", "words"),
    [
        ("writes", "writes into the gradient that it is handed"),
        pytest.param("no_second_term", "gradient for x is wrong", marks=pytest.mark.exhaustive),
        pytest.param("of_last", "outside the cache", marks=pytest.mark.exhaustive),
    ],
)
def test_what_is_wrong_is_said(checked, backward, words):
    found = checked(backward)
    assert found.verdict == "WRONG"
    assert words in " ".join(found.lines)


def test_a_right_derivative_is_right_though_shapes_were_guessed(tmp_path, checked):
    notebook = {"cells": [{"cell_type": "code", "source": ["%time\n", MINE]}]}
    (tmp_path / "2 clips.ipynb").write_text(json.dumps(notebook), "utf-8")
    with importable(tmp_path / "2 clips.ipynb") as file:
        pair = Pair(file.stem, "clip", "clip_slope", ("x",), ("x",), "elementwise")
        assert check_pair(file.parent, pair).verdict == "right"
    found = check_pair(
        checked.folder, Pair("mine", "hinge", "hinge_slope", *[("scores", "y")] * 2, "loss")
    )
    assert found.verdict == "right"
    assert "all inputs are vectors" in found.lines[0]


def test_a_loss_may_return_its_gradients_of_some_inputs(checked):
    inputs = inputs_from("W=4x3 X=5x4 y=labels:3 reg=0.1")
    assert np.array_equal(inputs["y"], [0, 1, 2, 0, 1])
    assert checked(None, "cost", ("W", "X", "y", "reg"), inputs).verdict == "right"


def test_an_error_has_its_place_and_words_that_are_no_inputs_are_explained(checked):
    with pytest.raises(ConfigError, match=r"mine\.py:\d+: IndexError"):
        checked("fails")
    with pytest.raises(ConfigError, match="is written x=5x3"):
        inputs_from("x=large")
    with pytest.raises(ConfigError, match="ran with none of the inputs"):
        checked("right", parameters=("x", "w"))


OTHERWISE = """
import numpy as np
import no_such_package
from .beside import exponential

def rbf(x):
    return np.exp(-(x**2).sum(axis=1))

def rbf_backward(g, x):
    return -2 * x * (g * rbf(x))[:, None]

def softmax(x):
    e = exponential(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

def softmax_backward(dout, p):
    return p * (dout - (p * dout).sum(axis=1, keepdims=True))

def linear_forward(x, *, weight):
    return x @ weight, (x, weight)

def linear_backward(dy, cache):
    return dy @ cache[1].T, 2 * cache[0].T @ dy

def sigmoid(numbers):
    return [1 / (1 + np.exp(-z)) for z in numbers]

def sigmoid_prime(numbers):
    return [s * (1 - s) for s in sigmoid(numbers)]
"""


FLOATS = """
import numpy as np

def tanh_forward(x):
    out = np.tanh(x.astype(np.float32))
    return out, out

def tanh_backward(dout, out):
    return (dout * (1 - out**2)).astype(np.float32)

def softmax_loss(x, y):
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    n = np.arange(len(y))
    dx = p.copy()
    dx[n, y] -= 1
    return -np.log(p[n, y]).mean(), dx / len(y)
"""


@pytest.mark.exhaustive
def test_what_is_right_in_float32_or_for_usual_inputs_is_right_and_said(tmp_path):
    (tmp_path / "mine.py").write_text(FLOATS, "utf-8")
    tanh, softmax = check_file(recognise(tmp_path / "mine.py"))
    assert (tanh.verdict, softmax.verdict) == ("right", "right")
    assert "float32" in " ".join(tanh.lines)
    assert "Right for usual inputs alone" in " ".join(softmax.lines)


@pytest.mark.exhaustive
def test_names_that_mean_something_else_and_calls_that_nobody_expects(tmp_path):
    (tmp_path / "mine.py").write_text(OTHERWISE, "utf-8")
    (tmp_path / "beside.py").write_text("from numpy import exp as exponential", "utf-8")
    found = {one.name: one for one in check_file(recognise(tmp_path / "mine.py"))}
    assert {name: one.verdict for name, one in found.items()} == {
        "rbf": "right",
        "softmax": "right",
        "linear_forward": "WRONG",
        "sigmoid": "right",
    }
    assert "not what rbf usually stands for" in " ".join(found["rbf"].lines)
    assert "it is twice what it should be" in found["linear_forward"].lines[0]
