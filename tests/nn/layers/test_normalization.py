"""Batch and layer normalisation: what they compute, in which mode, from which numbers."""

from __future__ import annotations

import copy
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from proof.resumed_runs import TRAIN, VALIDATION, Setting, resume_everywhere

import all_layers
import chainrule
from chainrule import Network, nn
from chainrule.core.errors import ConfigError
from chainrule.gradients import check, relative_error
from chainrule.gradients.network_graph import graph_gradient
from chainrule.nn.description import describe
from chainrule.training import EarlyStopping, Part, Settings, Trainer
from chainrule.training.engines import NotFiniteError
from chainrule.training.tracing import as_text, trace

CASES = [name for name in all_layers.CASES if "_norm" in name]
BATCH_CASES = [name for name in CASES if name.startswith("batch")]
# One case leaves no digits to compare (see docs/training-and-evaluation.md), nor do two features.
CHECKED = {
    "rows": ([nn.Dense(5), nn.BatchNorm(activation="tanh"), nn.Dense(2)], [3]),
    "images": ([nn.Conv2D(3, 3), nn.BatchNorm(activation="silu"), nn.Flatten()], [2, 5, 4]),
    "sequences": ([nn.BatchNorm(), nn.Recurrent(3), nn.BatchNorm(activation="tanh")], [4, 2]),
    "rows by case": ([nn.Dense(5), nn.LayerNorm(activation="tanh"), nn.Dense(2)], [3]),
    "images by case": (
        [nn.Conv2D(2, 3), nn.LayerNorm(activation="silu"), nn.Flatten()],
        [2, 5, 4],
    ),
    "sequences by case": ([nn.LayerNorm(), nn.Recurrent(3), nn.LayerNorm()], [4, 3]),
}


def checked_network(name, **options):
    layers, shape = copy.deepcopy(CHECKED[name])
    net = Network([*layers, nn.Dense(2, "linear")], input=shape, loss="mse", seed=1, **options)
    rng = np.random.default_rng(4)
    net.theta[:] += rng.uniform(0.1, 0.4, net.theta.shape)
    x, t = rng.normal(size=(9, *shape)), rng.normal(size=(9, *net.layers[-1].output_shape))
    if len(shape) == 2:
        x[1, 2:] = t[1, 2:] = x[5, 3:] = t[5, 3:] = np.nan
    return net, x, t


def alone(layer, x, *, training=True, **options):
    """What a layer makes of x, and the network that it is in."""
    net = Network([layer], input=list(x.shape[1:]), loss="mse", **options)
    if not training:
        return net.forward_pass(x).reshape(x.shape), net
    with net.training_mode():
        return net.forward_pass(x).reshape(x.shape), net


# What is computed


@given(
    st.sampled_from([(2,), (3,), (2, 3, 2), (1, 2, 2)]), st.integers(2, 6), st.integers(0, 10**6)
)
def test_training_standardises_each_feature_over_the_batch(shape, cases, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(rng.normal(), rng.uniform(0.5, 3), size=(cases, *shape))
    axes = (0, 2, 3) if len(shape) == 3 else (0,)
    layer = nn.BatchNorm(epsilon=0.01)
    net = Network([layer], input=list(shape), loss="mse")
    layer.gamma, layer.beta = rng.normal(size=(2, shape[0]))
    along = (-1, *(1,) * (len(shape) - 1))
    with net.training_mode():
        y = net.forward_pass(x).reshape(x.shape)
    expected = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 0.01)
    expected = layer.gamma.reshape(along) * expected + layer.beta.reshape(along)
    np.testing.assert_allclose(y, expected, rtol=1e-10, atol=1e-10)


@given(st.sampled_from([(3,), (2, 3, 2), (4, 3)]), st.integers(1, 4), st.integers(0, 10**6))
def test_layer_normalisation_standardises_each_case_or_step_by_itself(shape, cases, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(2, 3, size=(cases, *shape))
    layer = nn.LayerNorm(epsilon=0.01)
    net = Network([layer], input=list(shape), loss="mse")
    own = shape[1:] if len(shape) == 2 else shape
    net.layers[0].gamma, net.layers[0].beta = rng.normal(size=(2, *own))
    axes = (2,) if len(shape) == 2 else tuple(range(1, x.ndim))
    expected = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 0.01)
    expected = layer.gamma * expected + layer.beta
    for mode in (net.training_mode(), net.reused_buffers({})):
        with mode:
            y = net.forward_pass(x).reshape(x.shape)
            np.testing.assert_allclose(y, expected, rtol=1e-10, atol=1e-10)


def padded(rng, cases=4, steps=5, features=3):
    x = rng.normal(3, 2, size=(cases, steps, features))
    lengths = 1 + np.arange(cases) % steps
    real = np.arange(steps) < lengths[:, None]
    x[~real] = np.nan
    return x, real


def test_padding_counts_in_no_statistics_and_stays_padding():
    x, real = padded(np.random.default_rng(0))
    y, net = alone(nn.BatchNorm(momentum=1), x)
    rows = x[real]
    expected = (rows - rows.mean(0)) / np.sqrt(rows.var(0) + 1e-5)
    np.testing.assert_allclose(y[real], expected, rtol=1e-12)
    assert np.isnan(y[~real]).all()
    net.update_untrained()
    np.testing.assert_allclose(net.layers[0].mean, rows.mean(0), rtol=1e-12)
    np.testing.assert_allclose(net.layers[0].variance, rows.var(0, ddof=1), rtol=1e-12)
    again = net.forward_pass(x).reshape(x.shape)
    expected = (rows - rows.mean(0)) / np.sqrt(rows.var(0, ddof=1) + 1e-5)
    np.testing.assert_allclose(again[real], expected, rtol=1e-12)
    assert np.isnan(again[~real]).all()


@pytest.mark.parametrize("case", CASES)
def test_in_evaluation_no_case_depends_on_another(case):
    net = all_layers.network(case)
    x, _ = all_layers.batch(net, 5)
    whole = net.forward_pass(x)
    by_case = np.concatenate([net.forward_pass(x[k : k + 1]) for k in range(5)])
    np.testing.assert_allclose(whole, by_case, rtol=1e-13, atol=1e-13)
    with net.training_mode():
        in_training = net.forward_pass(x)
    assert np.allclose(whole, in_training, equal_nan=True) is (case not in BATCH_CASES)


def test_an_activation_left_out_before_a_norm_with_one_is_linear():
    def words(*layers):
        net = Network([*layers, nn.Dense(2), nn.Softmax()], input=3)
        return [type(la.activation).__name__ for la in net.layers if hasattr(la, "activation")]

    relu = nn.LayerNorm(activation="relu")
    assert words(nn.Dense(4), relu) == ["Linear", "ReLU", "Linear"]
    assert words(nn.Dense(4), nn.BatchNorm()) == ["ReLU", "Linear", "Linear"]
    assert words(nn.Dense(4, "tanh"), nn.BatchNorm(activation="relu"))[0] == "Tanh"
    net = Network([nn.Dense(4), nn.Dense(2), nn.BatchNorm()], input=3, loss="mse")
    assert [type(la.activation).__name__ for la in net.layers] == ["ReLU", "Linear", "Linear"]


# The derivatives


@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("name", CHECKED)
def test_every_derivation_agrees_in_both_modes(name, explicit):
    net, x, t = checked_network(name, explicit_jacobians=explicit)
    before = net.theta.copy()
    report = check(net, x, t, methods=["complex", "projection"])
    assert report.right, report.diagnosis
    assert np.array_equal(net.theta, before)
    batch = "by case" not in name
    assert any("gamma in training" in one.name for one in report.parameters) is batch
    assert not any(".mean" in one.name or ".variance" in one.name for one in report.parameters)


@pytest.mark.parametrize("seed", range(4))
def test_eight_cases_as_the_command_takes_them_are_enough_for_a_check(seed):
    layers = [nn.Dense(6), nn.BatchNorm(activation="tanh"), nn.Dense(4), nn.BatchNorm()]
    net = Network([*layers, nn.Dense(3), nn.Softmax()], input=4, seed=seed)
    rng = np.random.default_rng(seed)
    x, t = rng.normal(size=(8, 4)), rng.integers(0, 3, 8)
    report = check(net, x, t, methods=["complex", "projection"])
    assert report.right, report.diagnosis


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", CHECKED)
def test_the_explicit_matrices_and_the_graph_give_the_same_gradient(name, training):
    net, x, t = checked_network(name)

    def gradient():
        net.loss(x, t)
        return net.backward_pass(t).vector.copy()

    with net.training_mode() if training else net.reused_buffers({}):
        found = gradient()
        assert relative_error(found, graph_gradient(net, x, t).vector) < 1e-13
        net.explicit_jacobians = True
        assert relative_error(found, gradient()) < 1e-13


@pytest.mark.parametrize("name", CHECKED)
def test_the_parts_of_a_jacobian_are_those_of_the_whole(name):
    net, x, _ = checked_network(name)
    rng = np.random.default_rng(0)
    with net.training_mode():
        net.forward_pass(x)
        layer = next(la for la in net.layers if "norm" in la.type)
        for jacobian in layer.jacobians().values():
            whole, some = jacobian.dense(), jacobian.cases(slice(2, 6))
            assert np.array_equal(some.dense(), whole[2:6])
            if whole.ndim == 4 and whole.shape[2] == len(x):  # the cases are coupled
                g, v = rng.normal(size=(4, whole.shape[1])), rng.normal(size=whole.shape[2:])
                assert np.allclose(some.vjp(g), np.tensordot(g, whole[2:6], 2))
                assert np.allclose(some.jvp(v), np.tensordot(whole[2:6], v, 2))


def test_with_reused_buffers_the_bits_are_the_same():
    for name in CHECKED:
        net, x, t = checked_network(name)
        found, buffers = [], {}
        for reused in (False, True, True):
            with net.training_mode(), net.reused_buffers(buffers if reused else {}):
                loss = net.loss(x, t)
                found.append((loss, net.backward_pass(t).vector.tobytes()))
        assert len({*found}) == 1


# Training


def train(net, x, t, **options):
    part = Part(x, t)
    settings = Settings(**{"epochs": 1, "batch_size": 3, "shuffle": False, **options})
    return Trainer(net, part, part, settings, classes=False)


def test_the_running_statistics_are_those_of_pytorchs_rule():
    net = Network([nn.BatchNorm(0.3), nn.Dense(1)], input=2, loss="mse", learning_rate=0)
    x = np.random.default_rng(1).normal(size=(6, 2))
    train(net, x, x[:, :1]).run()
    mean, variance = np.zeros(2), np.ones(2)
    for batch in (x[:3], x[3:]):
        mean = 0.7 * mean + 0.3 * batch.mean(0)
        variance = 0.7 * variance + 0.3 * batch.var(0, ddof=1)
    np.testing.assert_allclose(net.layers[0].mean, mean, rtol=1e-14)
    np.testing.assert_allclose(net.layers[0].variance, variance, rtol=1e-14)


def test_neither_passes_nor_evaluation_move_the_running_statistics():
    net = Network([nn.BatchNorm(), nn.Dense(1)], input=2, loss="mse")
    x, before = np.arange(6.0).reshape(3, 2), net.theta.copy()
    with net.training_mode():
        net.loss(x, x[:, :1])
        net.backward_pass(x[:, :1])
    net.loss(x, x[:, :1])
    net.update_untrained()  # the last pass was one of evaluation
    assert np.array_equal(net.theta, before)


def test_a_minibatch_of_one_case_gives_beta_and_moves_no_variance():
    net = Network([nn.Dense(3), nn.BatchNorm(), nn.Dense(1)], input=2, loss="mse", seed=1)
    layer = net.layers[1]
    layer.beta = [1.0, 2.0, 3.0]
    with net.training_mode():
        net.loss([[4.0, 5.0]], [[1.0]])
        assert layer.a.tolist() == [[1.0, 2.0, 3.0]]
        net.backward_pass([[1.0]])
        assert not net.layers[0].W_grad.any()
        assert not layer.gamma_grad.any()
        assert layer.beta_grad.any()
        net.update_untrained()
    assert layer.variance.tolist() == [1, 1, 1]
    assert np.allclose(layer.mean, 0.1 * net.layers[0].a[0])


def test_minibatches_of_one_case_are_refused_where_nothing_could_be_learnt():
    x = np.arange(8.0).reshape(4, 2)
    for batch_size, cases in ((1, 4), (3, 1)):
        net = Network([nn.Dense(2), nn.BatchNorm(name="norm")], input=2, loss="mse")
        with pytest.raises(ConfigError, match="norm takes mean and variance over the cases"):
            train(net, x[:cases], x[:cases], batch_size=batch_size)
    net = Network([nn.Dense(2), nn.BatchNorm()], input=2, loss="mse")
    trainer = train(net, x, x)
    trainer.run()  # its last minibatch is a single case
    assert np.isfinite(net.theta).all()
    images = Network([nn.Conv2D(2, 2), nn.BatchNorm(), nn.Flatten()], input=[1, 3, 3], loss="mse")
    train(images, np.ones((2, 1, 3, 3)), np.ones((2, 8)), batch_size=1).run()


def test_a_configuration_of_such_minibatches_is_refused_at_the_key(tmp_path):
    file = tmp_path / "one.yaml"
    layers = "[{size: 3}, batch_norm, {size: 3}, softmax]"
    file.write_text(f"network: {{layers: {layers}}}\ndata: {{generator: blobs}}\n"
                    "training: {epochs: 1, batch_size: 1}\n")  # fmt: skip
    with pytest.raises(ConfigError, match=r"one\.yaml:3:35: batch_norm_1 takes .* of at least 2"):
        chainrule.train(file, save=False)


def test_weights_of_cases_multiply_losses_and_no_statistics():
    rng = np.random.default_rng(2)
    x, t, w = rng.normal(size=(6, 2)), rng.normal(size=(6, 1)), rng.uniform(0.1, 3, 6)
    net = Network([nn.Dense(3, "tanh"), nn.BatchNorm(), nn.Dense(1)], input=2, loss="mse", seed=1)
    with net.training_mode():
        each = (net.forward_pass(x) - t) ** 2
        assert net.loss(x, t, weights=w) == pytest.approx(float((w[:, None] * each).mean()))
    assert check(net, x, t, weights=w, methods=["complex"]).right


@pytest.mark.parametrize("engine", ["numpy", "torch", "auto"])
@pytest.mark.filterwarnings("ignore:overflow")
def test_a_minibatch_that_is_not_finite_changes_nothing(engine):
    if engine == "torch":
        pytest.importorskip("torch", reason="PyTorch is not installed: the extra torch")
    layers = [nn.Dense(3), nn.BatchNorm(), nn.Dense(1)]
    net = Network(layers, input=2, loss="mse", dtype="float32", seed=1)
    x = np.random.default_rng(1).normal(size=(6, 2))
    x[4] = 1e30
    trainer = train(net, x, x[:, :1], engine=engine)
    trainer.engine.run(None, 0, 1)
    before = net.theta.copy()
    with pytest.raises(NotFiniteError):
        trainer.engine.run(None, 1, 2)
    assert np.array_equal(net.theta, before)


def test_a_variance_that_overflows_names_its_layer():
    net = Network([nn.BatchNorm(name="norm"), nn.Dense(1)], input=2, loss="mse", dtype="float32")
    x = 1e25 * np.random.default_rng(1).normal(size=(6, 2))
    with pytest.raises(NotFiniteError, match="layer norm"):
        train(net, x, np.ones((6, 1))).engine.run(None, 0, 1)


class WithNorms(Setting):
    def trainer(self, *callbacks):
        layers = [nn.Dense(5), nn.BatchNorm(activation="tanh"), nn.Dense(3), nn.LayerNorm()]
        net = Network([*layers, nn.Dense(3), nn.Softmax()], input=3, seed=2)
        options = {"epochs": 3, "seed": 6, "optimizer": self.rule}
        options["batch_size"] = "full" if self.rule == "lbfgs" else self.batch_size
        settings = Settings(engine=self.engine, **options)
        return Trainer(net, TRAIN, VALIDATION, settings, classes=True, callbacks=callbacks)


@pytest.mark.parametrize(("rule", "stops"), [("adam", 13), ("lbfgs", 7)])
def test_a_resumed_training_has_the_bits_of_one_never_stopped(tmp_path, rule, stops):
    setting = WithNorms("numpy", 4, rule, "constant", shuffle=rule == "adam")
    assert resume_everywhere(setting, tmp_path) == ([], stops)


def test_the_best_epoch_comes_back_with_its_running_statistics():
    layers = [nn.Dense(3), nn.BatchNorm(), nn.Dense(1)]
    net = Network(layers, input=2, loss="mse", learning_rate=0.5, seed=1)
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(9, 2)), rng.normal(size=(9, 1))
    part, settings = Part(x, t), Settings(epochs=20, batch_size=3, optimizer="adam")
    early = EarlyStopping("validation_loss", patience=1, restore_best=True)
    trainer = Trainer(net, part, part, settings, classes=False, callbacks=[early])
    trainer.run()
    assert early.best_epoch < trainer.epoch
    assert net.loss(x, t) == pytest.approx(early.best, rel=1e-12)


# Numbers that are hard


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("layer", [nn.BatchNorm, nn.LayerNorm])
def test_tiny_differences_of_large_numbers_keep_their_digits(layer, dtype):
    """The differences are exact in both types; the mean of the numbers themselves is not."""
    steps = np.random.default_rng(0).integers(-8, 9, size=(50, 50)).astype(float)
    shift, scale = (2.0**20, 2.0**-2) if dtype == "float32" else (2.0**40, 2.0**-8)
    y, _ = alone(layer(epsilon=1e-12), (shift + steps * scale).astype(dtype), dtype=dtype)
    expected, _ = alone(layer(epsilon=1e-12 / scale**2), steps)
    assert np.abs(y - expected).max() < (2e-6 if dtype == "float32" else 1e-13)


def test_the_mean_of_a_million_float32_numbers_is_right():
    x = np.full((1_000_000, 1), 0.1, "float32")
    x[::2] += np.float32(1e-3)
    y, net = alone(nn.BatchNorm(1.0, epsilon=1e-12), x, dtype="float32")
    net.update_untrained()
    assert net.layers[0].mean[0] == pytest.approx(0.1005, rel=1e-6)
    assert np.abs(np.abs(y) - 1).max() < 1e-4


@pytest.mark.parametrize("layer", [nn.BatchNorm, nn.LayerNorm])
def test_equal_numbers_give_beta(layer):
    y, net = alone(layer(), np.full((4, 3), 0.1))
    assert not y.any()
    assert not alone(layer(), np.full((4, 3), 1e300))[0].any()
    with net.training_mode():
        net.loss(np.full((4, 3), 0.1), np.ones((4, 3)))
        assert np.isfinite(net.backward_pass(np.ones((4, 3)), to_input=True).vector).all()


# What is said of them


def test_a_description_counts_the_running_statistics_apart():
    layers = [nn.Conv2D(4, 3), nn.BatchNorm(), nn.LayerNorm(), nn.Flatten(), nn.Dense(2)]
    found = describe(Network(layers, input=[1, 5, 5], loss="mse")).layers
    norm, other = found[1], found[2]
    assert (norm.weights, norm.biases, norm.untrained, norm.parameters) == (0, 8, 8, 16)
    assert (other.biases, other.untrained, other.output_shape) == (2 * 36, 0, (4, 3, 3))


@pytest.mark.parametrize("biases", [False, True])
def test_a_penalty_spares_gamma_and_beta_unless_biases_are_penalised(biases):
    penalty = {"type": "L2", "rate": 0.5, "biases": biases}
    net = Network([nn.Dense(2), nn.BatchNorm(), nn.LayerNorm()], input=3, penalty=penalty)
    names = [
        f"{la}.{name}" for la in ("batch_norm_1", "layer_norm_1") for name in ("gamma", "beta")
    ]
    rates = {"L2": 0.5} if biases else {}
    assert [net.penalty_rates(name) for name in names] == [rates] * 4
    assert (
        net.penalty_rates("batch_norm_1.mean") == net.penalty_rates("batch_norm_1.variance") == {}
    )


def test_a_verbose_pass_says_which_statistics_it_took():
    net = Network([nn.BatchNorm(), nn.Dense(1)], input=2, loss="mse")
    x = np.arange(8.0).reshape(4, 2)
    said = as_text(trace(net, x, x[:, :1]))
    assert "of the running statistics" in said
    with net.training_mode():
        said = as_text(trace(net, x, x[:, :1]))
    assert "of the minibatch" in said
    assert re.search(r"mean batch_norm_1 .*the running mean, not trained", said)
    assert "∂L/∂gamma batch_norm_1" in said
    assert "∂L/∂mean" not in said


@pytest.mark.parametrize("layer", [nn.BatchNorm, nn.LayerNorm])
@pytest.mark.parametrize("epsilon", [0, -1, np.nan, np.inf, "1", None, True])
def test_an_epsilon_that_is_not_above_0_is_refused(layer, epsilon):
    with pytest.raises(ConfigError, match="epsilon must be finite and above 0"):
        layer(epsilon=epsilon)


@pytest.mark.parametrize("momentum", [0, -0.1, 1.5, np.nan, "0.1", None, True])
def test_a_momentum_that_is_no_share_is_refused(momentum):
    with pytest.raises(ConfigError, match="the share of a minibatch"):
        nn.BatchNorm(momentum)
