"""ASU EEE 598, lab 3: the layers alone and in a stack, as the lab's own unit tests use them."""

from __future__ import annotations

import doctest
import itertools
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest
from course_folders import COURSES, on_path
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import ConfigError, ShapeError

with on_path("asu_eee598_lab3"):
    import layers
    from layers.cross_entropy import CrossEntropyLayer
    from layers.full import FullLayer
    from layers.relu import ReluLayer
    from layers.sequential import Sequential
    from layers.softmax import SoftMaxLayer

seeds = st.integers(0, 10_000)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def stack(seed=0, sizes=(5, 10, 4, 3)):
    """Full layers with a relu after each but the last, and softmax."""
    parts = []
    for k, (n_i, n_o) in enumerate(itertools.pairwise(sizes)):
        parts += [FullLayer(n_i, n_o, seed=seed + k), ReluLayer()]
    return (*parts[:-1], SoftMaxLayer())


def full_layers(parts):
    return [part for part in parts if isinstance(part, FullLayer)]


def reference(weights, x, t):
    """Loss, probabilities, ∂L/∂x and (W, b) gradients, written out; W is (n_o, n_i)."""
    passed, z = [], x
    for k, (W, b) in enumerate(weights):
        passed.append(z)
        z = z @ W.T + b
        if k < len(weights) - 1:
            z = np.maximum(z, 0)
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    g, gradients = (p - t) / len(x), []
    for k in range(len(weights) - 1, -1, -1):
        gradients.insert(0, (g.T @ passed[k], g.sum(axis=0, keepdims=True)))
        g = g @ weights[k][0]
        if k:
            g = g * (passed[k] > 0)
    return -(t * np.log(p)).sum() / len(x), p, g, gradients


def weights_of(parts):
    return [(np.array(layer.W), np.array(layer.b)) for layer in full_layers(parts)]


# Each layer alone


def chosen_layer():
    layer = FullLayer(2, 3)
    layer.W = np.array([[1, 2, 3], [4, 5, 6]], "float64").T
    layer.b = np.array([[2, 4, 6]], "float64")
    return layer


def test_full_forward_on_chosen_numbers():
    out = chosen_layer().forward(np.array([[1, 2], [-1, 1]]))
    assert np.array_equal(out, [[11, 16, 21], [5, 7, 9]])


def test_full_backward_on_chosen_numbers():
    layer = chosen_layer()
    layer.forward(np.array([[1, 2], [-1, 1]]))
    x_grad = layer.backward(np.array([[1, 0, 2], [0, 3, 1]]))
    assert np.array_equal(x_grad, [[7, 16], [9, 21]])
    assert np.array_equal(layer.W_grad, [[1, 2], [-3, 3], [1, 5]])
    assert np.array_equal(layer.b_grad, [[1, 3, 3]])


def test_full_takes_steps_down():
    layer, x, y = chosen_layer(), np.array([[1, 2]]), np.ones((1, 3))
    sums = []
    for _ in range(5):
        sums.append(layer.forward(x).sum())
        layer.backward(y)
        layer.update_param(0.1)
    assert sums == pytest.approx([48 - 1.8 * k for k in range(5)])
    assert layer.b == pytest.approx(np.array([[1.5, 3.5, 5.5]]))


def test_full_starts_as_glorot_says():
    layer = FullLayer(300, 200)
    assert layer.W.shape == layer.W_grad.shape == (200, 300)
    assert layer.b.shape == layer.b_grad.shape == (1, 200)
    assert layer.W.std() == pytest.approx(np.sqrt(2 / 500), rel=0.02)
    assert abs(layer.W.mean()) < 1e-3
    assert not layer.b.any()
    assert np.abs(layer.W).max() > 3.5 * layer.W.std()  # normal, not uniform
    assert not np.array_equal(layer.W, FullLayer(300, 200).W)
    assert np.array_equal(FullLayer(3, 2, seed=5).W, FullLayer(3, 2, seed=5).W)


def test_full_parameters_may_be_assigned_and_changed_in_place():
    layer, x = FullLayer(3, 2), normal(0, 4, 3)
    layer.W = np.asfortranarray(normal(1, 2, 3))
    layer.b = [[1.0, -1.0]]
    assert layer.forward(x) == pytest.approx(x @ normal(1, 2, 3).T + [1, -1], rel=1e-13)
    layer.W += 1
    layer.W[0, 2] = 7
    layer.b[0, 1] = 5
    W = normal(1, 2, 3) + 1
    W[0, 2] = 7
    assert layer.forward(x) == pytest.approx(x @ W.T + [1, 5], rel=1e-13)
    for name, value in {"W": np.ones((3, 2)), "b": np.ones((2, 1))}.items():
        with pytest.raises(ShapeError, match=f"{name} has shape"):
            setattr(layer, name, value)
    assert np.array_equal(layer.W, W)


def test_relu_on_chosen_numbers():
    relu, x = ReluLayer(), np.array([[-1, 1, 0, 3]]).T
    assert np.array_equal(relu.forward(x), [[0], [1], [0], [3]])
    assert np.array_equal(relu.backward(np.full((4, 1), 2.0)), [[0], [2], [0], [2]])
    relu.update_param(0.1)
    relu.update_params(0.1)


@given(seeds)
def test_softmax_goes_back_through_its_full_jacobian(seed):
    softmax, x, g = SoftMaxLayer(), normal(seed, 3, 4), normal(seed + 1, 3, 4)
    y = softmax.forward(x)
    assert y == pytest.approx(np.exp(x) / np.exp(x).sum(axis=1, keepdims=True), rel=1e-13)
    expected = [g[n] @ (np.diag(y[n]) - np.outer(y[n], y[n])) for n in range(3)]
    assert softmax.backward(g) == pytest.approx(np.array(expected), rel=1e-9, abs=1e-14)


def test_softmax_does_not_overflow():
    softmax = SoftMaxLayer()
    assert np.array_equal(softmax.forward([[1000.0, 1000.0], [-1e4, 0.0]]), [[0.5, 0.5], [0, 1]])
    with pytest.raises(ShapeError, match="has shape"):
        softmax.forward([1.0, 2.0])


def test_cross_entropy_is_the_mean_over_the_cases():
    loss = CrossEntropyLayer()
    x, t = np.array([[0.6, 0.4], [0.5, 0.5]]), np.array([[0, 1], [1, 0]])
    assert loss.forward(x, t) == pytest.approx(0.8047189, abs=1e-7)
    assert loss.backward() == pytest.approx(np.array([[0, -1.25], [-1, 0]]))
    assert loss.backward(None) == pytest.approx(loss.backward(1.0))
    assert loss.backward(2.0) == pytest.approx(2 * loss.backward())
    assert loss.forward(x, np.array([1, 0])) == loss.forward(x, t)


@given(seeds)
def test_cross_entropy_s_gradient_is_that_of_its_value(seed):
    rng = np.random.default_rng(seed)
    x, t = rng.uniform(0.1, 1, (3, 4)), np.eye(4)[rng.integers(0, 4, 3)]
    loss = CrossEntropyLayer()
    loss.forward(x, t)
    gradient = loss.backward()
    for place in np.ndindex(x.shape):
        moved = x.copy()
        moved[place] += 1e-6
        difference = loss.forward(moved, t) - loss.forward(x, t)
        assert gradient[place] == pytest.approx(difference / 1e-6, abs=1e-4)


def test_a_logarithm_of_zero_does_not_warn():
    loss = CrossEntropyLayer()
    assert loss.forward([[1.0, 0.0]], [[0, 1]]) == np.inf
    assert loss.backward()[0, 1] == -np.inf
    assert loss.forward([[1.0, 0.0]], [[1, 0]]) == 0


@pytest.mark.parametrize("layer", [FullLayer(2, 3), ReluLayer(), SoftMaxLayer()])
def test_backward_follows_forward_and_fits_it(layer):
    with pytest.raises(ShapeError, match="backward follows forward"):
        layer.backward(np.ones((1, 2)))
    layer.forward(np.ones((2, 2)))
    with pytest.raises(ShapeError, match="its gradient"):
        layer.backward(np.ones((3, 2)))


# The stack


@given(seeds)
def test_a_stack_is_its_layers_one_after_the_other(seed):
    parts, loss = stack(seed), CrossEntropyLayer()
    x, t = normal(seed, 6, 5), np.eye(3)[np.random.default_rng(seed).integers(0, 3, 6)]
    y = x
    for part in parts:
        y = part.forward(y)
    alone = loss.forward(y, t)
    expected, p, x_grad, gradients = reference(weights_of(parts), x, t)
    model = Sequential(parts, loss)
    assert model.forward(x) == pytest.approx(p, rel=1e-11)
    assert model.forward(x, t) == pytest.approx(expected, rel=1e-11)
    assert alone == pytest.approx(expected, rel=1e-11)
    assert model.backward() == pytest.approx(x_grad, rel=1e-8, abs=1e-13)
    for layer, (W_grad, b_grad) in zip(full_layers(parts), gradients, strict=True):
        assert layer.W_grad == pytest.approx(W_grad, rel=1e-8, abs=1e-13)
        assert layer.b_grad == pytest.approx(b_grad, rel=1e-8, abs=1e-13)


@given(seeds)
def test_the_layers_of_a_stack_go_backward_one_by_one_as_well(seed):
    parts, loss = stack(seed), CrossEntropyLayer()
    model = Sequential(parts, loss)
    x, t = normal(seed, 4, 5), np.eye(3)[[0, 2, 1, 1]]
    model.forward(x, t)
    together = model.backward()
    gradients = [np.array(layer.W_grad) for layer in full_layers(parts)]
    model.forward(x, t)
    g = loss.backward()
    for part in reversed(parts):
        g = part.backward(g)
    assert g == pytest.approx(together, rel=1e-8, abs=1e-13)
    for layer, expected in zip(full_layers(parts), gradients, strict=True):
        assert layer.W_grad == pytest.approx(expected, rel=1e-8, abs=1e-13)


def test_a_full_layer_in_a_stack_still_gives_what_is_before_the_relu():
    parts = stack()
    Sequential(parts, CrossEntropyLayer())
    x = normal(0, 4, 5)
    assert parts[0].forward(x) == pytest.approx(x @ parts[0].W.T + parts[0].b, rel=1e-13)
    assert (parts[0].forward(x) < 0).any()


def test_parameters_are_the_stack_s_in_both_directions():
    parts = stack()
    model = Sequential(parts, CrossEntropyLayer())
    x, t = normal(1, 4, 5), np.eye(3)[[0, 1, 2, 0]]
    parts[0].W = normal(2, 10, 5)
    parts[2].W[...] *= 2
    parts[4].b += 1
    expected = reference(weights_of(parts), x, t)
    assert model.forward(x, t) == pytest.approx(expected[0], rel=1e-12)
    model.backward()
    before = weights_of(parts)
    model.update_param(0.5)
    for layer, (W, b), (W_grad, b_grad) in zip(
        full_layers(parts), before, expected[3], strict=True
    ):
        assert pytest.approx(W - 0.5 * W_grad, rel=1e-9, abs=1e-13) == layer.W
        assert layer.b == pytest.approx(b - 0.5 * b_grad, rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("update", ["update_param", "update_params"])
def test_one_layer_of_a_stack_may_step_alone(update):
    parts = stack()
    model = Sequential(parts, CrossEntropyLayer())
    model.forward(normal(1, 4, 5), [0, 1, 2, 0])
    model.backward()
    before = weights_of(parts)
    getattr(parts[2], update)(0.5)
    changed = [
        not np.array_equal(layer.W, W)
        for layer, (W, _) in zip(full_layers(parts), before, strict=True)
    ]
    assert changed == [False, True, False]


def test_layers_may_go_from_one_stack_to_another():
    parts = stack()
    first = Sequential(parts, CrossEntropyLayer())
    second = Sequential(list(parts), CrossEntropyLayer())
    x, t = normal(1, 9, 5), np.eye(3)[np.arange(9) % 3]
    second.fit(x, t, 3, 0.5, 4)
    assert np.array_equal(first.forward(x), second.forward(x))
    first.fit(x, t, 3, 0.5, 4)
    assert np.array_equal(second.forward(x), first.forward(x))


@pytest.mark.parametrize("batch", [1, 4, 7, 100])
def test_fit_is_plain_descent_in_the_order_given(batch):
    parts = stack(3)
    x, labels = normal(4, 14, 5), np.random.default_rng(0).integers(0, 3, 14)
    t, weights, expected = np.eye(3)[labels], weights_of(parts), []
    for _ in range(3):
        losses = []
        for first in range(0, 14, batch):
            part = slice(first, first + batch)
            loss, _, _, gradients = reference(weights, x[part], t[part])
            losses += [loss] * len(x[part])  # a case counts as one, in a smaller batch too
            weights = [
                (W - 0.3 * dW, b - 0.3 * db)
                for (W, b), (dW, db) in zip(weights, gradients, strict=True)
            ]
        expected.append(np.mean(losses))
    model = Sequential(parts, CrossEntropyLayer())
    kept = x.copy(), t.copy()
    found = model.fit(x, t, epochs=3, lr=0.3, batch_size=batch)
    assert found == pytest.approx(expected, rel=1e-9)
    assert found.shape == (3,)
    for layer, (W, b) in zip(full_layers(parts), weights, strict=True):
        assert pytest.approx(W, rel=1e-8, abs=1e-12) == layer.W
        assert layer.b == pytest.approx(b, rel=1e-8, abs=1e-12)
    assert np.array_equal(model.predict(x), reference(weights, x, t)[1].argmax(axis=1))
    assert np.array_equal(x, kept[0])
    assert np.array_equal(t, kept[1])


def test_predict_gives_labels_of_the_smallest_of_equals():
    parts = stack()
    model = Sequential(parts, CrossEntropyLayer())
    parts[-2].W, parts[-2].b = np.zeros((3, 4)), np.zeros((1, 3))
    assert model.predict(normal(0, 4, 5)).tolist() == [0] * 4
    parts[-2].b = [[0, 1, 1]]
    labels = model.predict(normal(0, 4, 5))
    assert labels.tolist() == [1] * 4
    assert labels.dtype.kind == "i"


def test_confident_mistakes_of_a_stack_cost_their_logits_not_infinity():
    full = FullLayer(1, 2)
    full.W = [[0.0], [2000.0]]
    model = Sequential([full, SoftMaxLayer()], CrossEntropyLayer())
    assert model.forward([[1.0]], [[1, 0]]) == 2000
    assert np.array_equal(model.backward(), [[2000.0]])


def test_training_that_diverges_ends_and_leaves_nan(capsys):
    model = Sequential(stack(), CrossEntropyLayer())
    losses = model.fit(normal(0, 12, 5), np.arange(12) % 3, 40, 1e200, 4)
    assert len(losses) == 40
    assert np.isnan(losses[-1])
    assert "no longer a finite number" in capsys.readouterr().err
    assert np.isfinite(model.minibatch_losses).all()


WRONG_STACKS = {
    "nothing": [],
    "no softmax": [FullLayer(2, 2)],
    "relu first": [ReluLayer(), FullLayer(2, 2), SoftMaxLayer()],
    "two relus": [FullLayer(2, 2), ReluLayer(), ReluLayer(), SoftMaxLayer()],
    "softmax between": [FullLayer(2, 2), SoftMaxLayer(), FullLayer(2, 2), SoftMaxLayer()],
    "widths": [FullLayer(2, 3), FullLayer(4, 2), SoftMaxLayer()],
    "a stranger": [FullLayer(2, 2), object(), SoftMaxLayer()],
}


@pytest.mark.parametrize("name", WRONG_STACKS)
def test_a_stack_that_makes_no_network_is_told(name):
    with pytest.raises(ConfigError):
        Sequential(WRONG_STACKS[name], CrossEntropyLayer())


def test_one_layer_twice_in_a_stack_is_told():
    full = FullLayer(2, 2)
    with pytest.raises(ConfigError, match="stands twice"):
        Sequential([full, ReluLayer(), full, SoftMaxLayer()], CrossEntropyLayer())


def test_what_does_not_fit_a_stack_is_told():
    model = Sequential(stack(), CrossEntropyLayer())
    x, t = normal(0, 4, 5), [0, 1, 2, 0]
    with pytest.raises(ShapeError, match="backward follows forward"):
        model.backward()
    model.forward(x)
    with pytest.raises(ShapeError, match="with targets"):
        model.backward()
    with pytest.raises(ShapeError, match="4 cases have 3 targets"):
        model.forward(x, t[:3])
    with pytest.raises(ShapeError, match="found 4, 3"):
        model.fit(x, t[:3])
    with pytest.raises(ShapeError):
        model.predict(x[:, :4])
    for options in (
        {"lr": -1},
        {"lr": np.nan},
        {"epochs": -1},
        {"batch_size": 0},
        {"epochs": 1.5},
    ):
        with pytest.raises(ConfigError):
            model.fit(x, t, **options)
    with pytest.raises(ConfigError, match="learning rate"):
        model.update_param(np.inf)
    with pytest.raises(ConfigError, match="CrossEntropyLayer"):
        Sequential(stack(), None)


@pytest.mark.parametrize("name", ["W", "b"])
def test_gradients_have_the_text_s_spelling_as_well(name):
    layer = FullLayer(3, 2)
    layer.forward(normal(0, 4, 3))
    layer.backward(normal(1, 4, 2))
    kept, other = f"{name}_grad", f"{name.lower()}_grad"
    assert getattr(layer, kept).any()
    assert np.array_equal(getattr(layer, other), getattr(layer, kept))
    setattr(layer, other, np.ones_like(getattr(layer, kept)))
    assert (getattr(layer, kept) == 1).all()


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "lines",
    [
        "import layers.FullLayer; import layers.ReluLayer",
        "from layers import FullLayer, ReluLayer; import layers",
        "import layers; import layers.FullLayer, layers.ReluLayer",
        "import layers.full; import layers.FullLayer; import layers.relu",
        "import layers.FullLayer as Full; import layers; assert Full is layers.FullLayer",
    ],
)
def test_a_class_may_be_imported_as_the_text_writes_it(lines):
    program = f"""{lines}
assert layers.FullLayer(4, 3).forward([[1, 2, 3, 4]]).shape == (1, 3)
assert layers.ReluLayer().forward([[-1, 2]]).tolist() == [[0, 2]]
import layers.full
assert layers.full.FullLayer is layers.FullLayer
"""
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, cwd=COURSES / "asu_eee598_lab3", capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_package_gives_the_same_classes():
    assert layers.FullLayer is FullLayer
    assert layers.Sequential is Sequential
    assert set(layers.__all__) == {
        "ConvLayer",
        "CrossEntropyLayer",
        "FlattenLayer",
        "FullLayer",
        "MaxPoolLayer",
        "ReluLayer",
        "Sequential",
        "SoftMaxLayer",
    }


@pytest.mark.parametrize(
    "name",
    [
        "conv",
        "cross_entropy",
        "dataset",
        "flatten",
        "full",
        "in_library",
        "maxpool",
        "relu",
        "sequential",
        "softmax",
    ],
)
def test_the_examples_hold(name):
    with on_path("asu_eee598_lab3"):
        assert doctest.testmod(import_module(f"layers.{name}")).failed == 0


def test_masked_weights_are_refused_and_not_what_lies_behind_the_mask():
    layer = FullLayer(2, 3)
    masked = np.ma.masked_array(np.ones(layer.W.shape), mask=True)
    for name in ("W", "W_grad"):
        with pytest.raises(ShapeError, match="masked"):
            setattr(layer, name, masked)
    with pytest.raises(ShapeError, match="masked"):
        layer.forward(np.ma.masked_array(np.ones((1, 2)), mask=True))
