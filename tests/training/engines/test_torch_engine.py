"""The same network by PyTorch: from the same θ, the same step as the layers themselves."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: the extra torch")

from hypothesis import assume, given
from hypothesis import strategies as st

import chainrule
from chainrule import Dense, Network, Softmax
from chainrule.core.errors import ConfigError
from chainrule.nn import losses, penalties
from chainrule.nn.activations import ACTIVATIONS, Tanh
from chainrule.nn.losses import LOSSES, MeanSquaredError
from chainrule.nn.penalties import PENALTIES
from chainrule.training import Part, Settings, Trainer
from chainrule.training.engines import ENGINES, NotFiniteError
from chainrule.training.engines.threads import one_thread_is_best
from chainrule.training.engines.torch.engine import TorchEngine
from chainrule.training.optimizers import Adam, optimizer
from networks import difference
from rules import ELEMENT_WISE

EXAMPLES = Path(__file__).parents[3] / "examples"
ROOM = 1e-9
"""Adam turns a gradient of noise, such as a sum that is 0 but for rounding, into a whole step."""


def targets_for(loss, cases, outputs, rng):
    if LOSSES[loss].for_classes:
        return rng.integers(0, outputs, cases)
    if loss == "binary_cross_entropy":
        return rng.integers(0, 2, (cases, outputs)).astype(float)
    return rng.normal(size=(cases, outputs))


def last_layers(loss, activation, outputs, softmax, **options):
    """What may stand at the end of a network with that loss."""
    last = {"cross_entropy": "linear", "binary_cross_entropy": "sigmoid"}.get(loss, activation)
    behind = [Softmax()] if loss == "cross_entropy" or softmax else []
    return [Dense(outputs, last, **options), *behind]


def engine(name, net, x, t, *, rule="sgd", batch_size=4, classes=False):
    step = (
        optimizer(rule) if not isinstance(rule, chainrule.training.optimizers.Optimizer) else rule
    )
    step.bind(
        net.theta,
        net.gradients.vector,
        net.parameters.layout.runs(net.rates(step.default_rate)),
    )
    x, t = net.prepare_inputs(x), net.prepare_targets(t)
    return ENGINES[name](net, step, x, t, batch_size=batch_size, classes=classes)


def both(net, *args, **options):
    """The reference on ``net``, and PyTorch on a copy of it."""
    other = copy.deepcopy(net)
    return engine("numpy", net, *args, **options), engine("torch", other, *args, **options)


def check(reference, found, within=1e-12):
    """θ array by array, the optimiser's state, and the steps."""
    for name, array in reference.network.parameters.items():
        assert difference(array, found.network.parameters[name]) <= within, name
    for name, vector in reference.optimizer.state.items():
        assert difference(vector, found.optimizer.state[name]) <= within, name
    assert reference.optimizer.steps == found.optimizer.steps


def small(*, seed=1, hidden="tanh", dtype="float64", **options):
    layers = [Dense(4, hidden, learning_rate=0.2), Dense(2, "linear"), Softmax()]
    return Network(layers, input=3, learning_rate=0.5, seed=seed, dtype=dtype, **options)


RNG = np.random.default_rng(8)
X, T = RNG.normal(size=(11, 3)), RNG.integers(0, 2, 11)

RULES = [
    "sgd",
    "momentum",
    {"type": "momentum", "momentum": 0.5, "nesterov": True},
    {"type": "momentum", "momentum": 0.0, "nesterov": True},
    "adam",
    {"type": "adam", "beta1": 0.5, "beta2": 0.9, "epsilon": 1e-4},
]
RATES = st.sampled_from([None, 0.3, 0.0])


@st.composite
def trainings(draw):
    """A network with a batch of its kind, an update rule, a batch size and an order."""
    loss = draw(st.sampled_from(list(LOSSES)))
    outputs, cases = draw(st.integers(1, 4)), draw(st.integers(1, 7))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    spread = {"weights": [-1, 1]}
    spread |= draw(st.sampled_from([{"biases": [-1, 1]}, {"bias": False}]))
    activation = st.sampled_from(list(ACTIVATIONS))
    layers = [
        Dense(
            draw(st.integers(1, 5)),
            draw(activation),
            learning_rate=draw(RATES),
            penalty=draw(st.sampled_from([None, "none", {"L1": 0.3, "L2": 0.2}])),
            **spread,
        )
        for _ in range(draw(st.integers(0, 4)))
    ]
    layers += last_layers(loss, draw(activation), outputs, softmax=False, **spread)
    if loss not in ("cross_entropy", "binary_cross_entropy") and draw(st.booleans()):
        layers.append(Softmax())
    rate = {"rate": draw(st.sampled_from([0.0, 0.1])), "biases": draw(st.booleans())}
    net = Network(
        layers,
        input=draw(st.integers(1, 5)),
        loss=loss,
        learning_rate=draw(RATES),
        penalty=draw(st.sampled_from([None, {"type": "L1", **rate}, {"type": "L2", **rate}])),
        seed=draw(st.integers(0, 10**6)),
    )
    x = rng.normal(size=(cases, net.input))
    orders = st.sampled_from([None, rng.permutation(cases), rng.integers(0, cases, cases)])
    return {
        "net": net,
        "x": x,
        "t": targets_for(loss, cases, outputs, rng),
        "rule": draw(st.sampled_from(RULES)),
        "batch_size": draw(st.integers(1, 8)),
        "order": draw(orders),
    }


@given(trainings())
def test_from_the_same_theta_a_step_is_that_of_the_layers(training):
    order = training.pop("order")
    reference, found = both(**training)
    expected = reference.run(order, 0, 1)
    if isinstance(reference.optimizer, Adam):
        gradient = np.abs(reference.network.gradients.vector)
        assume(((gradient == 0) | (gradient > ROOM)).all())
    result = found.run(order, 0, 1)
    assert result.losses == pytest.approx(expected.losses, rel=1e-12, abs=1e-15)
    whole = np.abs(reference.network.gradients.vector).max()
    apart = reference.network.gradients.vector - found.network.gradients.vector
    assert np.abs(apart).max() <= 1e-12 * max(whole, 1e-3)
    for name, array in reference.network.parameters.items():
        assert difference(array, found.network.parameters[name]) <= 1e-12, name


@pytest.mark.parametrize(
    "name",
    [
        "by_hand.yaml",
        "compact.txt",
        "deep.yaml",
        "iris.yaml",
        "no_hidden_layer.yaml",
        "regression.yaml",
        "shapes.yaml",
        "spirals.yaml",
    ],
)
def test_an_epoch_of_an_example_is_the_same(name):
    if name == "iris.yaml":
        pytest.importorskip("sklearn", reason="iris comes with scikit-learn")
    ours, theirs = (
        chainrule.train(
            EXAMPLES / name,
            overrides=["training.epochs=1", f"training.engine={engine}"],
            save=False,
        )
        for engine in ("numpy", "torch")
    )
    assert (ours.engine, theirs.engine) == ("numpy", "torch")
    for array, values in ours.network.parameters.items():
        assert difference(values, theirs.network.parameters[array]) <= 1e-12, array
    for column in ours.history:
        if column != "seconds":
            assert theirs.history[column] == pytest.approx(ours.history[column], rel=1e-12)


@pytest.mark.parametrize(("dtype", "within"), [("float64", 1e-12), ("float32", 2e-4)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_runs(activation, dtype, within):
    net = small(hidden=activation, dtype=dtype)
    reference, found = both(net, X, T, rule="momentum")
    expected, result = reference.run(None, 0, 3), found.run(None, 0, 3)
    assert result.losses == pytest.approx(expected.losses, rel=within)
    assert found.network.theta.dtype == dtype
    check(reference, found, within)


@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_runs_with_softmax_and_without(loss, softmax):
    softmax = softmax and loss != "binary_cross_entropy"  # which has no place for it
    layers = [Dense(4, "tanh"), *last_layers(loss, "softsign", 3, softmax)]
    net = Network(layers, input=3, loss=loss, seed=2)
    t = targets_for(loss, 11, 3, np.random.default_rng(1))
    reference, found = both(net, X, t)
    expected, result = reference.run(None, 0, 3), found.run(None, 0, 3)
    assert result.losses == pytest.approx(expected.losses, rel=1e-12, abs=0)
    check(reference, found)


@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("penalty", PENALTIES)
def test_every_penalty_runs(penalty, biases):
    net = small(penalty={"type": penalty, "rate": 0.1, "biases": biases})
    reference, found = both(net, X, T)
    expected, result = reference.run(None, 0, 3), found.run(None, 0, 3)
    assert result.losses == pytest.approx(expected.losses, rel=1e-12, abs=0)
    check(reference, found)


@pytest.mark.parametrize("rule", [*ELEMENT_WISE, *RULES], ids=str)
def test_every_optimiser_runs(rule):
    reference, found = both(small(), X, T, rule=rule)
    for _ in range(3):
        reference.run(None, 0, 3)
        found.run(None, 0, 3)
    check(reference, found)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_zero_weights_stand_on_every_kink(activation):
    layers = [Dense(4, activation, weights="zeros"), Dense(3, weights="zeros"), Softmax()]
    net = Network(layers, input=3, seed=1)
    t = np.array([0, 1, 2, 2, 2, 1, 0, 2, 2, 2, 2])
    reference, found = both(net, X, t, batch_size=11)
    for _ in range(2):
        reference.run(None, 0, 1)
        found.run(None, 0, 1)
    check(reference, found)


def test_far_out_logits_keep_their_digits():
    """Where the network is right, p − 1 is noise; the gradient is a sum of small numbers."""
    net = Network([Dense(4, "sigmoid"), Dense(2), Softmax()], input=3, seed=1)
    net.layers[1].W *= 60
    t = net.forward_pass(X).argmax(axis=1)
    sure = np.abs(np.diff(net.logits, axis=1)[:, 0]) > 20
    x, t = X[sure], t[sure]
    reference, found = both(net, x, t, batch_size=len(x), rule="momentum")
    reference.run(None, 0, 1)
    found.run(None, 0, 1)
    assert 0 < np.abs(reference.network.gradients.vector).max() < 1e-8
    check(reference, found)


@pytest.mark.parametrize("batch_size", [1, 4, 11, 99])
@pytest.mark.parametrize("order", [None, RNG.permutation(11)], ids=["file order", "shuffled"])
def test_any_batch_size_with_a_ragged_last_minibatch(batch_size, order):
    reference, found = both(small(), X, T, batch_size=batch_size, classes=True)
    for _ in range(2):
        expected = reference.run(order, 0, reference.minibatches)
        result = found.run(order, 0, found.minibatches)
        assert result.losses == pytest.approx(expected.losses, rel=1e-12, abs=0)
        assert result.correct == expected.correct
    check(reference, found)


@pytest.mark.parametrize(
    ("layers", "loss"),
    [
        ([Dense(1, "sigmoid")], "binary_cross_entropy"),
        ([Dense(2, "tanh")], "mse"),
        ([Dense(2), Softmax()], "hinge"),
    ],
)
def test_cases_are_counted_as_they_ran_whatever_the_output(layers, loss):
    net = Network(layers, input=3, loss=loss, seed=3)
    reference, found = both(net, X, T, classes=True)
    assert found.run(None, 0, 3).correct == reference.run(None, 0, 3).correct


def test_an_order_may_repeat_cases_and_be_longer_than_the_data():
    order = np.array([2, 0, 0, 1, 2, 2, 1, 10, 9, 0, 0, 0, 3, 2], dtype=np.int32)
    reference, found = both(small(), X, T)
    assert found.run(order, 0, 4).losses == pytest.approx(reference.run(order, 0, 4).losses)
    check(reference, found)


@pytest.mark.parametrize("rule", ELEMENT_WISE)
def test_two_stretches_are_one_to_the_bit(rule):
    whole, parts = (engine("torch", small(), X, T, rule=rule) for _ in range(2))
    expected = whole.run(None, 0, 3)
    found = [parts.run(None, 0, 1), parts.run(None, 1, 3)]
    assert np.array_equal(np.concatenate([s.losses for s in found]), expected.losses)
    assert whole.network.theta.tobytes() == parts.network.theta.tobytes()


@pytest.mark.parametrize("rule", ELEMENT_WISE)
@pytest.mark.parametrize("turns", [("numpy", "torch"), ("torch", "numpy")], ids="-".join)
def test_another_engine_goes_on_where_one_stopped(rule, turns):
    """θ, state and steps are the optimiser's own vectors, whoever runs the chunk."""
    net, alone = small(), engine("numpy", small(), X, T, rule=rule)
    first = engine(turns[0], net, X, T, rule=rule)
    second = ENGINES[turns[1]](net, first.optimizer, first.x, first.t, batch_size=4, classes=False)
    for runner in (first, second, first, second):
        runner.run(None, 0, 3)
        alone.run(None, 0, 3)
    check(alone, first)


@pytest.mark.parametrize("rule", ELEMENT_WISE)
def test_an_optimiser_bound_anew_starts_anew(rule):
    runner = engine("torch", small(), X, T, rule=rule)
    runner.run(None, 0, 3)
    runner.network.theta = small().theta
    rates = runner.optimizer.rates
    runner.optimizer.bind(runner.network.theta, runner.network.gradients.vector, rates)
    runner.run(None, 0, 3)
    once = engine("torch", small(), X, T, rule=rule)
    once.run(None, 0, 3)
    assert runner.network.theta.tobytes() == once.network.theta.tobytes()
    assert runner.optimizer.steps == 3


def test_rate_scale_and_penalty_may_change_between_stretches():
    reference, found = both(small(), X, T)
    for scale, penalty in ((1.0, None), (0.5, "L2"), (0.1, {"type": "L1", "rate": 0.3})):
        for runner in (reference, found):
            runner.optimizer.scale = scale
            runner.network.penalty = penalty
            runner.run(None, 0, 3)
    check(reference, found)


def test_its_modules_are_pytorchs_on_the_memory_of_theta():
    net = small()
    runner = engine("torch", net, X, T, rule="adam")
    linears = [m for m in runner.module if isinstance(m, torch.nn.Linear)]
    assert [m.weight.data_ptr() for m in linears] == [la.W.ctypes.data for la in net.layers[:2]]
    net.layers[0].W = 7.0
    assert (linears[0].weight == 7).all()


def test_the_gradient_of_the_last_minibatch_is_the_networks():
    reference, found = both(small(penalty="L2"), X, T)
    reference.run(None, 0, 3)
    found.run(None, 0, 3)
    for name, gradient in reference.network.gradients.items():
        assert difference(gradient, found.network.gradients[name]) <= 1e-12


@pytest.mark.parametrize("rule", ELEMENT_WISE)
def test_a_loss_that_is_not_finite_is_found_before_anything_changes(rule):
    x = X.copy()
    x[5] = 1e308
    net = Network([Dense(2, "linear"), Dense(2, "linear")], input=3, loss="mse", seed=1)
    reference, found = both(net, x, T, rule=rule)
    caught = []
    for runner in (reference, found):
        runner.run(None, 0, 1)
        before, state = runner.network.theta.copy(), copy.deepcopy(runner.optimizer.state)
        with pytest.raises(NotFiniteError) as error:
            runner.run(None, 1, 3)
        caught.append((error.value.minibatch, error.value.what, error.value.layer))
        assert np.array_equal(runner.network.theta, before)
        assert all(np.array_equal(state[k], v) for k, v in runner.optimizer.state.items())
        assert runner.optimizer.steps == 1
    assert caught == [(1, "loss", "dense_2")] * 2


def test_a_penalty_that_is_not_finite_is_named():
    net = Network([Dense(2)], input=3, loss="mse", penalty="L2", seed=1)
    net.theta[0] = 1e200
    with pytest.raises(NotFiniteError) as caught:
        engine("torch", net, 0 * X, T).run(None, 0, 1)
    assert (caught.value.what, caught.value.origin) == ("loss", ("penalty", None))


@pytest.mark.parametrize("rule", ELEMENT_WISE)
def test_a_gradient_that_is_not_finite_names_the_layer_where_it_went_wrong(rule):
    """A finite loss whose gradient overflows: 1e160 for the residual, times inputs of 1e160."""
    layers = [Dense(1, "linear", weights="zeros"), Dense(1, "linear", weights="zeros")]
    net = Network(layers, input=3, loss="mae", seed=1)
    net.layers[1].W = 1e160
    reference, found = both(net, 1e160 * X, T, rule=rule)
    caught = []
    for runner in (reference, found):
        before = runner.network.theta.copy()
        with pytest.raises(NotFiniteError) as error:
            runner.run(None, 2, 3)
        caught.append((error.value.minibatch, error.value.what, error.value.layer))
        assert np.array_equal(runner.network.theta, before)
        assert runner.optimizer.steps == 0
    assert caught == [(2, "gradient", "dense_1")] * 2


def test_a_huge_but_finite_gradient_is_no_error():
    net = Network([Dense(1, "linear")], input=3, loss="mse", learning_rate=0.0, seed=1)
    engine("torch", net, X * 1e150, np.zeros(11)).run(None, 0, 3)
    assert np.abs(net.gradients.vector).max() > 1e200


def test_the_same_seed_gives_the_same_bits():
    def trained(offset):
        room = np.empty((11 * 3 + 8) * 8, np.uint8)[offset:]
        x = room[: 11 * 3 * 8].view(np.float64).reshape(11, 3)
        x[...] = X
        net = small()
        settings = Settings(epochs=3, batch_size=4, seed=5, optimizer="adam", engine="torch")
        empty = Part(X[:0], T[:0])
        Trainer(net, Part(x, T), empty, settings, classes=True).run()
        return net.theta.tobytes()

    assert len({trained(offset) for offset in (0, 8, 16, 0)}) == 1


@pytest.fixture
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_pytorchs_random_state_and_threads_are_as_before(three_threads):
    random, seen = torch.random.get_rng_state(), []
    runner = engine("torch", small(), X, T)
    runner.module.register_forward_hook(lambda *_: seen.append(torch.get_num_threads()))
    runner.run(None, 0, 3)
    with pytest.raises(NotFiniteError):
        engine("torch", small(), X * np.inf, T).run(None, 0, 3)
    assert one_thread_is_best(runner.network, 4)
    assert seen == [1, 1, 1]
    assert torch.get_num_threads() == 3
    assert torch.equal(torch.random.get_rng_state(), random)


def test_it_learns_where_gradients_are_switched_off():
    net = small()
    with torch.no_grad():
        engine("torch", net, X, T).run(None, 0, 3)
    assert not np.array_equal(net.theta, small().theta)


def test_data_that_may_not_be_written_to_are_only_read():
    x, t = X.copy(), T.copy()
    x.flags.writeable = t.flags.writeable = False
    reference, found = both(small(), x, t)
    for order in (None, np.arange(11)[::-1]):
        reference.run(order, 0, 3)
        found.run(order, 0, 3)
    check(reference, found)


# What it cannot run


def test_an_activation_of_no_table_is_named():
    class Sine(Tanh):
        def value(self, z, out=None):
            return np.sin(z, out=out)

    with pytest.raises(ConfigError, match=r"dense_1 has the activation Sine.*numpy engine"):
        engine("torch", small(hidden=Sine()), X, T)


def test_a_loss_of_no_table_is_named():
    class Cubic(MeanSquaredError):
        def rho(self, d):
            return np.abs(d) ** 3

    net = Network([Dense(2)], input=3, loss=Cubic())
    with pytest.raises(ConfigError, match="cannot run the loss Cubic; the numpy engine can"):
        engine("torch", net, X, T)


def test_a_loss_of_the_logits_that_was_changed_is_not_mistaken_for_the_tables():
    class Smoothed(losses.CrossEntropy):
        pass

    net = Network([Dense(2), Softmax()], input=3, loss=Smoothed())
    with pytest.raises(ConfigError, match="cannot run the loss Smoothed"):
        engine("torch", net, X, T)


def test_an_optimiser_of_no_table_is_named():
    class Slower(Adam):
        pass

    with pytest.raises(ConfigError, match="cannot run the optimizer Slower"):
        engine("torch", small(), X, T, rule=Slower())


def test_a_penalty_of_no_table_is_named(monkeypatch):
    monkeypatch.setattr(penalties, "PENALTIES", {**PENALTIES, "L3": penalties.L2()})
    net = small(penalty="L3")
    with pytest.raises(ConfigError, match="cannot run the penalty L3; the numpy engine can"):
        engine("torch", net, X, T)


def test_explicit_jacobians_are_refused():
    with pytest.raises(ConfigError, match="multiplies no explicit Jacobians"):
        engine("torch", small(explicit_jacobians=True), X, T)


# On the command line

CONFIG = """
network: {{loss: mse, layers: [{{size: 3}}, {{size: 1}}]}}
data: {{generator: xor, count: 40}}
training: {{epochs: 2, engine: {engine}}}
"""


@pytest.mark.parametrize(("engine", "arguments"), [("torch", []), ("auto", ["--engine", "torch"])])
def test_the_run_records_the_engine(command, folder, engine, arguments):
    (folder / "small.yaml").write_text(CONFIG.format(engine=engine))
    outcome = command("train", "small.yaml", *arguments, "--quiet")
    assert (outcome.status, outcome.err) == (0, "")
    assert json.loads((folder / "runs/small-1/run.json").read_text())["engine"] == "torch"
    assert "engine: torch" in (folder / "runs/small-1/config.yaml").read_text()
    assert command("evaluate", "runs/small-1").status == 0


def test_auto_is_not_torch(command, folder):
    (folder / "small.yaml").write_text(CONFIG.format(engine="auto"))
    assert command("train", "small.yaml", "--quiet").status == 0
    assert json.loads((folder / "runs/small-1/run.json").read_text())["engine"] != "torch"


def test_every_number_can_be_shown(command, folder):
    (folder / "small.yaml").write_text(CONFIG.format(engine="torch"))
    shown = command("train", "small.yaml", "--verbose", "--jacobians", "--set", "data.count=4")
    assert shown.status == 0
    assert "∂L/∂W" in shown.out


def test_without_pytorch_one_message_gives_the_command_and_nothing_is_written(folder):
    (folder / "small.yaml").write_text(CONFIG.format(engine="torch"))
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "sys.argv = ['chainrule', 'train', 'small.yaml']\n"
        "from chainrule.cli.main import main; main()"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 2
    assert "pip install 'chainrule[torch]'" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert [path.name for path in folder.iterdir()] == ["small.yaml"]


def test_the_class_is_the_tables():
    assert ENGINES["torch"] is TorchEngine
    assert TorchEngine.name == "torch"
