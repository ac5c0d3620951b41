"""HLCV exercise 2: the two-layer network, as the exercise's own script uses it."""

from __future__ import annotations

import numpy as np
import pytest
from course_folders import on_path
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import ShapeError

with on_path("hlcv_ex2"):
    import ex2_FCnet
    from gradient_check import eval_numerical_gradient
    from two_layernet import TwoLayerNet
    from vis_utils import visualize_grid

CORRECT_PROBABILITIES = [  # of the first case, as the exercise's script prints them
    0.36446210,
    0.22911264,
    0.40642526,
]


def toy():
    np.random.seed(0)  # noqa: NPY002
    net = TwoLayerNet(4, 10, 3, std=1e-1)
    np.random.seed(1)  # noqa: NPY002
    return net, 10 * np.random.randn(5, 4), np.array([0, 1, 2, 2, 1])  # noqa: NPY002


def by_hand(params, X, y, reg):
    """Probabilities, loss and gradients, written out."""
    z = X @ params["W1"] + params["b1"]
    a = np.maximum(z, 0)
    scores = a @ params["W2"] + params["b2"]
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    n = np.arange(len(X))
    squares = sum((params[name] ** 2).sum() for name in ("W1", "W2"))
    loss = -np.log(p[n, y]).mean() + reg * squares
    delta = p.copy()
    delta[n, y] -= 1
    delta /= len(X)
    upstream = (delta @ params["W2"].T) * (z > 0)
    gradients = {
        "W1": X.T @ upstream + 2 * reg * params["W1"],
        "b1": upstream.sum(axis=0),
        "W2": a.T @ delta + 2 * reg * params["W2"],
        "b2": delta.sum(axis=0),
    }
    return p, loss, gradients


def test_the_first_parameters_come_from_the_global_generator_in_this_order():
    np.random.seed(7)  # noqa: NPY002
    net = TwoLayerNet(6, 5, 4, std=0.3)
    np.random.seed(7)  # noqa: NPY002
    W1, W2 = 0.3 * np.random.randn(6, 5), 0.3 * np.random.randn(5, 4)  # noqa: NPY002
    assert np.array_equal(net.params["W1"], W1)
    assert np.array_equal(net.params["W2"], W2)
    assert {name: p.shape for name, p in net.params.items()} == {
        "W1": (6, 5),
        "b1": (5,),
        "W2": (5, 4),
        "b2": (4,),
    }
    assert not net.params["b1"].any()
    assert not net.params["b2"].any()


def test_the_numbers_that_the_exercise_states():
    net, X, y = toy()
    assert net.loss(X)[0] == pytest.approx(CORRECT_PROBABILITIES, abs=1e-8)
    loss, gradients = net.loss(X, y, reg=0.05)
    assert abs(loss - 1.30378789133) < 1e-11
    for name, gradient in gradients.items():
        numeric = eval_numerical_gradient(
            lambda _: net.loss(X, y, reg=0.05)[0], net.params[name], verbose=False
        )
        error = np.abs(numeric - gradient) / np.maximum(1e-8, np.abs(numeric) + np.abs(gradient))
        assert error.max() < 1e-8, name
        assert ex2_FCnet.rel_error(numeric, gradient) == error.max()


def test_the_toy_training_reaches_what_the_exercise_asks_for():
    net, X, y = toy()
    stats = net.train(X, y, X, y, learning_rate=1e-1, reg=5e-6, num_iters=100)
    assert stats["loss_history"][-1] <= 0.02
    assert len(stats["loss_history"]) == 100
    assert len(stats["train_acc_history"]) == len(stats["val_acc_history"]) == 100


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), reg=st.sampled_from([0.0, 5e-6, 0.25]))
def test_loss_and_gradients_by_hand(seed, reg):
    rng = np.random.default_rng(seed)
    N, D, H, C = (int(k) for k in rng.integers(1, 8, 4))
    net = TwoLayerNet(D, H, C)
    for value in net.params.values():
        value[...] = rng.normal(size=value.shape)
    X, y = rng.normal(size=(N, D)), rng.integers(0, C, N)
    p, loss, expected = by_hand(net.params, X, y, reg)
    assert net.loss(X) == pytest.approx(p, rel=1e-12, abs=1e-300)
    found, gradients = net.loss(X, y, reg)
    assert found == pytest.approx(loss, rel=1e-10, abs=1e-12)
    for name, gradient in gradients.items():
        assert gradient.shape == net.params[name].shape
        assert gradient == pytest.approx(expected[name], rel=1e-9, abs=1e-12), name


def reference_training(params, X, y, X_val, y_val, rate, decay, reg, iterations, batch):
    """The exercise's loop, written out."""
    stats = {"loss_history": [], "train_acc_history": [], "val_acc_history": []}
    epoch = max(len(X) // batch, 1)
    for it in range(iterations):
        chosen = np.random.choice(len(X), batch)  # noqa: NPY002
        _, loss, gradients = by_hand(params, X[chosen], y[chosen], reg)
        stats["loss_history"].append(loss)
        for name in params:
            params[name] = params[name] - rate * gradients[name]
        if it in range(0, iterations, epoch):
            for key, (x, t) in (("train", (X[chosen], y[chosen])), ("val", (X_val, y_val))):
                right = by_hand(params, x, t, 0)[0].argmax(axis=1) == t
                stats[f"{key}_acc_history"].append(right.mean())
            rate *= decay
    return stats


@pytest.mark.parametrize(
    ("cases", "batch", "iterations", "epochs"),
    [
        (49, 12, 40, 10),  # 4 whole minibatches and a rest, as 49,000 have it in 128s
        (49, 12, 41, 11),
        (48, 12, 40, 10),
        (10, 6, 7, 7),
        (5, 200, 9, 9),
        (49_000, 128, 764, 2),  # 382 to an epoch
        (49_000, 128, 765, 3),
    ],
)
def test_every_epoch_is_recorded_once_and_lowers_the_rate(cases, batch, iterations, epochs):
    X, y = np.zeros((cases, 1)), np.zeros(cases, int)
    net = TwoLayerNet(1, 1, 2, std=0.0)
    stats = net.train(
        X, y, X[:3], y[:3], learning_rate=1.0, learning_rate_decay=1e-9,
        num_iters=iterations, batch_size=batch,
    )  # fmt: skip
    assert len(stats["loss_history"]) == iterations
    assert len(stats["train_acc_history"]) == len(stats["val_acc_history"]) == epochs
    # The rate is lowered to almost nothing behind the first step, which is by the gradient of b2.
    assert net.params["b2"] == pytest.approx([0.5, -0.5], abs=1e-5)


@pytest.mark.parametrize("batch", [3, 7, 8, 39, 40, 200])
def test_training_is_the_exercise_s_loop(batch):
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(40, 5)), rng.integers(0, 3, 40)
    np.random.seed(11)  # noqa: NPY002
    net = TwoLayerNet(5, 7, 3, std=0.5)
    stats = net.train(
        X, y, X[:9], y[:9], learning_rate=0.3, learning_rate_decay=0.8, reg=0.01,
        num_iters=37, batch_size=batch,
    )  # fmt: skip
    np.random.seed(11)  # noqa: NPY002
    params = {name: p.copy() for name, p in TwoLayerNet(5, 7, 3, std=0.5).params.items()}
    expected = reference_training(params, X, y, X[:9], y[:9], 0.3, 0.8, 0.01, 37, batch)
    assert stats["loss_history"] == pytest.approx(expected["loss_history"], rel=1e-9)
    assert stats["train_acc_history"] == pytest.approx(expected["train_acc_history"])
    assert stats["val_acc_history"] == pytest.approx(expected["val_acc_history"])
    for name, value in params.items():
        assert net.params[name] == pytest.approx(value, rel=1e-8, abs=1e-12)
    assert np.array_equal(net.predict(X), by_hand(params, X, y, 0)[0].argmax(axis=1))


def test_the_caller_may_change_params_or_replace_them():
    net, X, y = toy()
    net.params["W1"] += 0.1
    net.params["b2"] = [1.0, -1.0, 0.5]
    net.params["W2"] = np.asfortranarray(net.params["W2"] * 2)
    params = {name: np.array(value) for name, value in net.params.items()}
    assert net.loss(X, y, 0.1)[0] == pytest.approx(by_hand(params, X, y, 0.1)[1], rel=1e-12)
    net.params["W2"][0, 0] = 5.0  # in place, in the array that replaced the first
    params["W2"][0, 0] = 5.0
    assert net.loss(X, y, 0.1)[0] == pytest.approx(by_hand(params, X, y, 0.1)[1], rel=1e-12)
    net.train(X, y, X, y, num_iters=3)
    params = {name: np.array(value) for name, value in net.params.items()}
    assert net.loss(X) == pytest.approx(by_hand(params, X, y, 0)[0], rel=1e-12)
    net.params["b1"] += 3.0
    params["b1"] = params["b1"] + 3.0
    assert net.loss(X) == pytest.approx(by_hand(params, X, y, 0)[0], rel=1e-12)


def test_gradients_belong_to_the_caller_and_inputs_stay():
    net, X, y = toy()
    x, t = X.copy(), y.copy()
    _, first = net.loss(X, y, 0.1)
    kept = {name: gradient.copy() for name, gradient in first.items()}
    net.loss(X[:2] + 1, y[:2], 0.5)
    net.train(X, y, X, y, num_iters=2)
    for name, gradient in kept.items():
        assert np.array_equal(first[name], gradient)
    assert np.array_equal(X, x)
    assert np.array_equal(y, t)


def test_verbose_prints_every_hundredth_iteration(capsys):
    net, X, y = toy()
    net.train(X, y, X, y, num_iters=250, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        f"iteration {k} / 250" for k in (0, 100, 200)
    ]
    net.train(X, y, X, y, num_iters=250)
    assert not capsys.readouterr().out


def test_a_training_that_blows_up_ends_where_it_did(capsys):
    net, X, y = toy()
    stats = net.train(X, y, X, y, learning_rate=1e200, num_iters=100)
    assert len(stats["loss_history"]) < 100
    assert "no longer finite" in capsys.readouterr().out


def test_no_loss_before_the_end_is_lost(capsys):
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(400, 6)), rng.integers(0, 3, 400)
    np.random.seed(3)  # noqa: NPY002
    stats = TwoLayerNet(6, 8, 3, std=1.0).train(
        X, y, X, y, learning_rate=1e40, num_iters=100, batch_size=2
    )
    ended = int(capsys.readouterr().out.split()[1].rstrip(":"))
    assert len(stats["loss_history"]) == ended > 1
    with pytest.raises(ShapeError, match="at least 1 case"):
        TwoLayerNet(6, 8, 3).train(X, y, X, y, batch_size=0)


def test_what_does_not_fit_is_told():
    net, X, y = toy()
    with pytest.raises(ShapeError, match=r"\(cases, 4\)"):
        net.loss(X[:, :3])
    with pytest.raises(ShapeError, match="5 cases have 3 targets"):
        net.loss(X, y[:3])
    with pytest.raises(ShapeError):
        net.loss(X, [0, 1, 2, 3, 0])
    net.params["b1"] = np.zeros(9)
    with pytest.raises(ShapeError, match=r"params\['b1'\] has shape \(10,\), found \(9,\)"):
        net.loss(X)
    del net.params["b1"]
    with pytest.raises(ShapeError, match="params has no b1"):
        net.predict(X)


def test_a_grid_of_images():
    images = np.random.default_rng(0).normal(size=(5, 3, 2, 3))
    sheet = visualize_grid(images, padding=1)
    assert sheet.shape == (2 * 4 - 1, 3 * 3 - 1, 3)
    first = images[0]
    assert sheet[:3, :2] == pytest.approx(255 * (first - first.min()) / np.ptp(first))
    assert not sheet[4:, 6:].any()


def test_numeric_gradients_put_back_what_they_move(capsys):
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    gradient = eval_numerical_gradient(lambda _: float((x**3).sum()), x)
    assert gradient == pytest.approx(3 * x**2, rel=1e-8)
    assert np.array_equal(x, [[1.0, 2.0], [3.0, 4.0]])
    assert capsys.readouterr().out.startswith("(0, 0) ")
