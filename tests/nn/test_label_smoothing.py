"""Label smoothing: the loss, its derivatives and every engine are those of the targets t′."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Dense, Network, Softmax
from chainrule.config.load import load_config
from chainrule.core.errors import ConfigError
from chainrule.data.dataset import Dataset
from chainrule.gradients import check
from chainrule.gradients.network_graph import graph_gradient
from chainrule.nn import Recurrent
from chainrule.nn.activations import sigmoid
from chainrule.nn.layers.softmax import softmax
from chainrule.nn.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    loss_function,
)
from chainrule.training.engines import ENGINES
from chainrule.training.settings import Settings
from chainrule.training.trainer import Trainer

EPSILONS = st.floats(0.0, 0.99)
SMOOTHED = {"type": "cross_entropy", "label_smoothing": 0.1}
BINARY = {"type": "binary_cross_entropy", "label_smoothing": 0.3}


def close(found, expected):
    assert found == pytest.approx(expected, rel=1e-13, abs=1e-15)


@settings(deadline=None, max_examples=30)
@given(EPSILONS, st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_cross_entropy_is_that_of_the_smoothed_distribution(epsilon, classes, seed):
    rng = np.random.default_rng(seed)
    z, t = rng.normal(size=(4, classes)) * 3, rng.integers(0, classes, 4)
    rows = (1 - epsilon) * np.eye(classes)[t] + epsilon / classes
    y, ours, pair = softmax(z), CrossEntropy(epsilon), SoftmaxCrossEntropy(CrossEntropy(epsilon))
    expected = -(rows * np.log(y)).sum(axis=1)
    for given_targets in (t, np.eye(classes)[t]):
        close(ours.by_case(y, given_targets), expected)
        close(float(ours.value(y, given_targets)), expected.mean())
        close(ours.jacobian(y, given_targets), -rows / y / 4)
        close(pair.by_case(z, given_targets), expected)
        close(pair.jacobian(z, y, given_targets), -rows / y / 4)
        assert pair.delta(z, y, given_targets) == pytest.approx((y - rows) / 4, abs=1e-15)


@settings(deadline=None, max_examples=30)
@given(EPSILONS, st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_binary_cross_entropy_is_that_of_targets_drawn_towards_one_half(epsilon, outputs, seed):
    rng = np.random.default_rng(seed)
    z, t = rng.normal(size=(4, outputs)) * 3, rng.uniform(size=(4, outputs)).round()
    rows = (1 - epsilon) * t + epsilon / 2
    loss = BinaryCrossEntropy(epsilon)
    y, pair = sigmoid(z), SigmoidCrossEntropy(loss)
    expected = -(rows * np.log(y) + (1 - rows) * np.log(1 - y)).mean(axis=1)
    close(loss.by_case(y, t), expected)
    close(pair.by_case(z, t), expected)
    close(loss.jacobian(y, t), (y - rows) / (y * (1 - y)) / y.size)
    assert pair.delta(z, y, t) == pytest.approx((y - rows) / y.size, abs=1e-15)


def test_it_is_the_loss_of_pytorch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(2)
    z, t = rng.normal(size=(5, 3)), rng.integers(0, 3, 5)
    theirs = torch.nn.CrossEntropyLoss(label_smoothing=0.1)(torch.tensor(z), torch.tensor(t))
    close(float(SoftmaxCrossEntropy(CrossEntropy(0.1)).value(z, t)), float(theirs))


def test_it_is_the_loss_that_pytorch_computed_once():
    z, t = np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]]), np.array([1, 0])
    close(float(SoftmaxCrossEntropy(CrossEntropy(0.1)).value(z, t)), 1.7734596772660207)


@pytest.mark.parametrize("function", [CrossEntropy, BinaryCrossEntropy])
@pytest.mark.parametrize("epsilon", [-0.1, 1.0, 2.0, float("nan")])
def test_what_smooths_nothing_or_all_is_refused(function, epsilon):
    with pytest.raises(ConfigError, match="label_smoothing is at least 0 and below 1"):
        function(epsilon)


@pytest.mark.parametrize("epsilon", ["much", None, float("inf"), 10**400, True])
def test_what_is_no_number_is_refused(epsilon):
    with pytest.raises(ConfigError, match="label_smoothing"):
        loss_function({"type": "cross_entropy", "label_smoothing": epsilon})


def networks(**options):
    """Networks with smoothed labels: of classes, of one probability, of labels, of sequences."""
    yield Network(
        [Dense(4, "tanh"), Dense(3), Softmax()], input=3, loss=SMOOTHED, seed=1, **options
    )
    yield Network([Dense(4, "tanh"), Dense(1, "sigmoid")], input=3, loss=BINARY, seed=1, **options)
    yield Network([Dense(2, "sigmoid")], input=3, loss=BINARY, seed=1, **options)
    of_steps = [Recurrent(4, outputs="all"), Dense(3), Softmax()]
    yield Network(of_steps, input=[2, 3], loss=SMOOTHED, seed=1, **options)


RNG = np.random.default_rng(5)
X, CLASSES = RNG.normal(size=(8, 3)), RNG.integers(0, 3, 8)
TARGETS = (
    CLASSES,
    CLASSES % 2,
    np.eye(3, dtype=int)[CLASSES][:, :2],
    np.stack([CLASSES, -1 + 0 * CLASSES], 1),
)


def inputs(network):
    return X if network.input == 3 else np.stack([X, X[::-1]], 1)


@pytest.mark.parametrize("explicit", [False, pytest.param(True, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("which", [0, pytest.param(1, marks=pytest.mark.exhaustive), 2, 3])
def test_every_gradient_is_right(which, explicit):
    network = [*networks(explicit_jacobians=explicit)][which]
    report = check(network, inputs(network), TARGETS[which], seed=3)
    assert report.right, report


@pytest.mark.parametrize("which", range(4))
def test_the_graph_and_the_other_libraries_find_the_same_gradient(which):
    network = [*networks()][which]
    x, t = inputs(network), TARGETS[which]
    network.loss(x, t)
    network.forward_pass(x)
    ours = network.backward_pass(t).vector.copy()
    size = np.abs(ours).max()
    assert graph_gradient(network, x, t).vector == pytest.approx(ours, abs=1e-14 * size)
    for library in ("torch", "jax"):
        if ENGINES.is_installed("torch"):
            module = pytest.importorskip(f"chainrule.peers.{library}")
            found = module.gradient(network, network.prepare_inputs(x), network.prepare_targets(t))
            assert found == pytest.approx(ours, abs=1e-14 * size)


@pytest.mark.parametrize("batch_size", [1, 3, 8])
@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("engine", sorted(set(ENGINES) - {"auto", "numpy"}))
def test_every_engine_takes_the_steps_of_the_reference(engine, which, batch_size):
    if not ENGINES.is_installed(engine):
        pytest.skip(f"{engine} is not installed")
    found = []
    for name in ("numpy", engine):
        network = [*networks()][which]
        options = Settings(epochs=3, batch_size=batch_size, engine=name)
        data = Dataset(X, TARGETS[which])
        found.append(Trainer(network, data, data, options, classes=which < 2))
        found[-1].run()
    expected, other = found
    assert other.engine.name == engine
    assert other.network.theta == pytest.approx(expected.network.theta, rel=1e-11)
    for column, values in expected.history.items():
        if column != "seconds":
            assert other.history[column] == pytest.approx(values, rel=1e-12), column


def test_the_verbose_pass_says_what_is_smoothed():
    from chainrule.training.tracing import trace

    network = next(networks())
    shown = "\n".join(str(e) for e in trace(network, X[:2], CLASSES[:2], jacobians=True))
    assert "(s − t′) / cases with t′ = 0.9 t + 0.1 · 1/classes" in shown


def test_a_configuration_that_smooths_nothing_names_the_loss_as_it_always_did():
    def read(loss):
        network = {"input": 3, "loss": loss, "layers": [{"size": 2}, "softmax"]}
        return load_config({"network": network}).network["loss"]

    assert read("cross_entropy") == "cross_entropy"
    assert read({"type": "cross_entropy", "label_smoothing": 0}) == "cross_entropy"
    assert read(SMOOTHED) == SMOOTHED
    with pytest.raises(ConfigError, match="did you mean 'label_smoothing'"):
        read({"type": "cross_entropy", "label_smothing": 0.1})
    with pytest.raises(ConfigError, match="label_smoothing is at least 0 and below 1, found 1"):
        read({"type": "cross_entropy", "label_smoothing": 1})
