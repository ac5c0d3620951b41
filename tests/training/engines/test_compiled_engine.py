"""The compiled engine does what the numpy engine does, number for number."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Dense, Network, Softmax
from chainrule.nn.activations import ACTIVATIONS, Tanh
from chainrule.nn.losses import LOSSES
from chainrule.nn.penalties import NO_PENALTY, PenaltySetting
from chainrule.training import Part, Settings, Trainer
from chainrule.training.engines import ENGINES, Engine, NotFiniteError, NumpyEngine
from chainrule.training.engines.compiled import engine as programs
from chainrule.training.engines.compiled import lanes as few_units
from chainrule.training.engines.compiled.engine import CompiledEngine
from chainrule.training.optimizers import optimizer
from chainrule.training.scores import evaluate
from networks import difference, network_for, targets_for

RULES = [
    *("sgd", "momentum", {"type": "momentum", "nesterov": True}, "adam", "adagrad", "rmsprop"),
    *({"type": "rmsprop", "centered": True}, {"type": "rmsprop", "momentum": 0.5}, "nadam"),
    *({"type": "adamw", "weight_decay": 0.3}, {"type": "adamw", "biases": True}),
    {"type": "rmsprop", "centered": True, "momentum": 0.5, "alpha": 0.7},
]
PENALTIES = [
    None,
    "L1",
    {"type": "L2", "rate": 0.1},
    {"type": "L1", "rate": 0.01, "biases": True},
    {"L1": 0.02, "L2": 0.1, "biases": True},
]
OWN_PENALTIES = st.sampled_from(
    [None, None, NO_PENALTY, *(PenaltySetting({k: 0.3}, True) for k in ("L1", "L2"))]
)
EXACT, SEVERAL, SINGLE = 1e-12, 1e-10, 1e-4
BATCHES = st.integers(1, 9)
# Programs for float32 are compiled anew, a minute of work where nothing is cached yet.
DTYPES = ["float64", pytest.param("float32", marks=pytest.mark.exhaustive)]


def engine_of(
    kind: type[Engine], network: Network, x, t, rule="sgd", batch_size=1, classes=True
) -> Engine:
    step = optimizer(rule)
    layout = network.parameters.layout
    biases = [segment.slice for segment in layout if segment.is_bias]
    runs = layout.runs(network.rates(0.1))
    step.bind(network.theta, network.gradients.vector, runs, biases)
    x, t = network.prepare_inputs(x), network.prepare_targets(t)
    return kind(network, step, x, t, batch_size=batch_size, classes=classes)


CHOSEN, BLAS, LANES = "as chosen", "with BLAS", "a case a lane"
WAYS = st.sampled_from([CHOSEN, BLAS, LANES])


def sizes_and_ways(size: int):
    """One case at a time, and minibatches of that many in both ways."""
    return pytest.mark.parametrize(
        ("batch_size", "way"), [(1, CHOSEN), (size, BLAS), (size, LANES)]
    )


@contextmanager
def the_way(way: str) -> Iterator[None]:
    """While this lasts, engines run minibatches of several cases in that way."""
    if way == CHOSEN:
        yield
        return
    with (
        mock.patch.object(programs, "has_few_units", return_value=way == LANES),
        mock.patch.object(few_units, "LARGEST_BLOCK", 8),  # a minibatch is several blocks
    ):
        yield


def pair(network: Network, x, t, rule="sgd", batch_size=1, way=CHOSEN) -> tuple[Engine, Engine]:
    """The reference and the compiled engine, on networks of their own with the same θ."""
    twin = copy.deepcopy(network)
    with the_way(way):
        compiled = engine_of(CompiledEngine, twin, x, t, rule, batch_size)
    assert compiled.fallback_reason is None
    assert compiled.name == "compiled"
    return engine_of(NumpyEngine, network, x, t, rule, batch_size), compiled


def assert_same(reference: Engine, compiled: Engine, found, expected, bound: float) -> None:
    assert difference(expected.losses, found.losses) <= bound
    assert found.correct == expected.correct
    for name, array in reference.network.parameters.items():
        assert difference(array, compiled.network.parameters[name]) <= bound, name
    assert compiled.optimizer.steps == reference.optimizer.steps
    for name, vector in reference.optimizer.state.items():
        assert difference(vector, compiled.optimizer.state[name]) <= bound, name


def inputs(rng: np.random.Generator, cases: int, width: int) -> np.ndarray:
    """Of which a good part is 0."""
    return rng.normal(size=(cases, width)) * (rng.random((cases, width)) < 0.6)


@st.composite
def trainings(draw, losses=tuple(LOSSES), dtype="float64"):
    """A network with cases, a penalty, private rates and an optimiser."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    network = network_for(
        draw(st.sampled_from(list(ACTIVATIONS))),
        draw(st.sampled_from(losses)),
        draw(st.sampled_from(PENALTIES)),
        inputs=draw(st.integers(1, 9)),
        hidden=draw(st.lists(st.integers(1, 9), max_size=4)),
        outputs=draw(st.integers(1, 9)),
        seed=draw(st.integers(0, 10**6)),
        bias=draw(st.booleans()),
        learning_rate=0.3,
        dtype=dtype,
    )
    for layer in network.layers:
        layer.penalty = draw(OWN_PENALTIES)
    network.penalty = network.penalty  # which looks at the layers' own again
    cases = draw(st.integers(1, 9))
    rule = draw(st.sampled_from(RULES))
    return network, inputs(rng, cases, network.input), targets_for(network, cases, rng), rule


@given(trainings(), BATCHES, WAYS)
@settings(max_examples=400)
def test_a_step_is_that_of_the_reference(training, batch_size, way):
    network, x, t, rule = training
    reference, compiled = pair(network, x[:batch_size], t[:batch_size], rule, batch_size, way)
    expected, found = reference.run(None, 0, 1), compiled.run(None, 0, 1)
    assert_same(reference, compiled, found, expected, EXACT)


@given(trainings(), BATCHES, WAYS)
@settings(max_examples=200)
def test_a_gradient_is_that_of_the_reference(training, batch_size, way):
    """With a huge rate θ after a step is the gradient, and no digit of it is lost in θ."""
    network, x, t, _ = training
    network.learning_rate = 1e6
    reference, compiled = pair(network, x[:batch_size], t[:batch_size], "sgd", batch_size, way)
    expected, found = reference.run(None, 0, 1), compiled.run(None, 0, 1)
    assert_same(reference, compiled, found, expected, EXACT)


@given(trainings(), st.integers(2, 5), st.booleans(), WAYS)
@settings(max_examples=150)
def test_minibatches_of_which_the_last_is_smaller(training, batch_size, shuffled, way):
    network, x, t, rule = training
    network.learning_rate = 1e-3
    order = np.random.default_rng(1).permutation(len(x)) if shuffled else None
    reference, compiled = pair(network, x, t, rule, batch_size, way)
    expected, found = (e.run(order, 0, e.minibatches) for e in (reference, compiled))
    assert_same(reference, compiled, found, expected, SEVERAL)


@pytest.mark.exhaustive
@given(trainings(dtype="float32"), BATCHES, WAYS)
@settings(max_examples=150)
def test_a_step_in_single_precision(training, batch_size, way):
    network, x, t, rule = training
    reference, compiled = pair(network, x[:batch_size], t[:batch_size], rule, batch_size, way)
    expected, found = reference.run(None, 0, 1), compiled.run(None, 0, 1)
    assert compiled.network.theta.dtype == np.float32
    assert difference(expected.losses, found.losses) <= SINGLE
    assert difference(network.theta, compiled.network.theta) <= SINGLE


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("scale", [1e-9, 1.0, 50.0])
def test_every_activation_far_and_near(name, scale):
    rng = np.random.default_rng(1)
    layers = [Dense(20, name, biases=[-scale, scale]), Dense(3, "linear"), Softmax()]
    network = Network(layers, input=4, learning_rate=1e6)
    reference, compiled = pair(network, scale * inputs(rng, 1, 4), [1])
    expected, found = reference.run(None, 0, 1), compiled.run(None, 0, 1)
    assert_same(reference, compiled, found, expected, EXACT)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("z", [-17.0, 17.0])
def test_a_derivative_keeps_its_digits_where_the_unit_is_saturated(name, z):
    """One unit, so that no larger number hides it; 1 − tanh² would have no digit here."""
    layers = [Dense(1, name, weights="zeros", biases=[z, z]), Dense(2), Softmax()]
    network = Network(layers, input=1, learning_rate=1.0)
    reference, compiled = pair(network, [[1.0]], [1])
    expected, found = reference.run(None, 0, 1), compiled.run(None, 0, 1)
    assert_same(reference, compiled, found, expected, EXACT)


def test_options_of_activations_and_losses():
    layers = [
        Dense(7, {"type": "leaky_relu", "slope": 0.3}),
        Dense(6, {"type": "elu", "alpha": 1.7}),
        Dense(2, "linear"),
    ]
    network = Network(layers, input=4, loss={"type": "huber", "delta": 0.4}, learning_rate=0.1)
    rng = np.random.default_rng(2)
    reference, compiled = pair(network, inputs(rng, 30, 4), 2 * rng.normal(size=(30, 2)))
    assert_same(reference, compiled, compiled.run(None, 0, 30), reference.run(None, 0, 30), EXACT)


@pytest.mark.parametrize("activation", ["linear", "tanh"])
@pytest.mark.parametrize("loss", ["mse", "hinge", "cross_entropy"])
def test_softmax_with_any_loss_behind_any_activation(loss, activation):
    network = Network([Dense(6), Dense(5, activation), Softmax()], input=4, loss=loss)
    rng = np.random.default_rng(3)
    reference, compiled = pair(network, inputs(rng, 20, 4), rng.integers(0, 5, 20))
    assert_same(reference, compiled, compiled.run(None, 0, 20), reference.run(None, 0, 20), EXACT)


def test_targets_that_are_distributions():
    network = Network([Dense(6), Dense(5), Softmax()], input=4, penalty="L2")
    rng = np.random.default_rng(4)
    t = rng.dirichlet(np.ones(5), 20)
    t[0] = [0.5, 0.5, 0, 0, 0]
    reference, compiled = pair(network, inputs(rng, 20, 4), t)
    assert_same(reference, compiled, compiled.run(None, 0, 20), reference.run(None, 0, 20), EXACT)


@pytest.mark.parametrize("right", [True, False])
@sizes_and_ways(2)
def test_a_confident_case_loses_no_digit(right, batch_size, way):
    """Where p is 1 but for rounding, δ and the loss still have all their digits."""
    network = Network([Dense(2, weights="zeros"), Softmax()], input=1, learning_rate=1.0)
    network.layers[0].b = [0.0, -40.0]
    x, t = [[1.0]] * batch_size, [0 if right else 1] * batch_size
    reference, compiled = pair(network, x, t, "sgd", batch_size, way)
    expected, found = reference.run(None, 0, 1), compiled.run(None, 0, 1)
    assert_same(reference, compiled, found, expected, EXACT)
    assert found.losses[0] == pytest.approx(np.exp(-40) if right else 40, rel=1e-12)


# An epoch of letters: 0 and 1, a quarter ones, in the order of the file


def letters(cases=500, dtype="float64"):
    rng = np.random.default_rng(5)
    x = (rng.random((cases, 128)) < 0.25).astype(dtype)
    layers = [Dense(50, "sigmoid", weights=[-0.1, 0.1]), Dense(10, weights=[-0.1, 0.1]), Softmax()]
    network = Network(layers, input=128, learning_rate=0.1, dtype=dtype, seed=6)
    return network, x, rng.integers(0, 10, cases)


def test_three_epochs_of_letters():
    network, x, t = letters()
    reference, compiled = pair(network, x, t)
    for _ in range(3):
        expected, found = reference.run(None, 0, 500), compiled.run(None, 0, 500)
        assert_same(reference, compiled, found, expected, EXACT)
    assert 0 < found.correct < 500


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_many_inputs_and_few_units(rule, dtype):
    """Their weights are turned in float64."""
    rng = np.random.default_rng(13)
    network = Network([Dense(5, "relu"), Dense(3), Softmax()], input=1100, dtype=dtype)
    x, t = inputs(rng, 10, 1100), rng.integers(0, 3, 10)
    reference, compiled = pair(network, x, t, rule, 4)
    expected, found = reference.run(None, 0, 3), compiled.run(None, 0, 3)
    bound = SEVERAL if dtype == "float64" else SINGLE
    assert_same(reference, compiled, found, expected, bound)


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("penalty", [None, "L2"])
@sizes_and_ways(7)
def test_how_a_run_is_cut_into_stretches_changes_no_bit(rule, penalty, batch_size, way):
    network, x, t = letters(60 * batch_size - batch_size // 2)
    network.penalty = penalty
    order = np.random.default_rng(7).permutation(len(x))
    with the_way(way):
        whole, parts = (
            engine_of(CompiledEngine, copy.deepcopy(network), x, t, rule, batch_size) for _ in "ab"
        )
    expected = whole.run(order, 0, 60)
    cuts = [0, 1, 2, 30, 60]
    found = [parts.run(order, a, b) for a, b in pairwise(cuts)]
    assert np.array_equal(np.concatenate([s.losses for s in found]), expected.losses)
    assert sum(s.correct for s in found) == expected.correct
    assert whole.network.theta.tobytes() == parts.network.theta.tobytes()


@sizes_and_ways(4)
def test_an_order_may_repeat_cases_and_be_longer_than_the_data(batch_size, way):
    network, x, t = letters(8)
    order = np.random.default_rng(8).integers(0, 8, 30 * batch_size).astype(np.int32)
    reference, compiled = pair(network, x, t, "sgd", batch_size, way)
    expected, found = reference.run(order, 3, 30), compiled.run(order, 3, 30)
    assert_same(reference, compiled, found, expected, EXACT)


@pytest.mark.parametrize("way", [BLAS, LANES])
def test_a_minibatch_may_be_larger_than_the_data(way):
    network, x, t = letters(8)
    order = np.random.default_rng(8).integers(0, 8, 20)
    reference, compiled = pair(network, x, t, "sgd", 15, way)
    for drawn, last in ((None, 1), (order, 2), (order[:3], 1)):
        expected, found = reference.run(drawn, 0, last), compiled.run(drawn, 0, last)
        assert_same(reference, compiled, found, expected, EXACT)


@sizes_and_ways(4)
def test_penalty_and_optimiser_may_change_between_two_stretches(batch_size, way):
    network, x, t = letters(12)
    reference, compiled = pair(network, x, t, "momentum", batch_size, way)
    minibatches = reference.minibatches
    for penalty, rate in ((None, 0.1), ("L1", 0.1), ("L2", 0.3)):
        for engine in (reference, compiled):
            engine.network.penalty = penalty
            layout = engine.network.parameters.layout
            rates = layout.runs(engine.network.rates(rate))
            theta, gradient = engine.network.theta, engine.network.gradients.vector
            engine.optimizer.bind(theta, gradient, rates)
        expected, found = (e.run(None, 0, minibatches) for e in (reference, compiled))
        assert_same(reference, compiled, found, expected, EXACT)


@sizes_and_ways(2)
def test_a_penalty_of_the_other_kind_needs_a_gradient(batch_size, way):
    network, x, t = letters(12)
    reference, compiled = pair(network, x, t, "sgd", batch_size, way)
    for penalty in ("L2", "L1"):
        reference.network.penalty = compiled.network.penalty = penalty
        expected, found = (e.run(None, 0, e.minibatches) for e in (reference, compiled))
        assert_same(reference, compiled, found, expected, EXACT)


@pytest.mark.parametrize("batch_size", [1, 2])
def test_no_case_beyond_the_data_is_read(batch_size):
    network, x, t = letters(8)
    compiled = engine_of(CompiledEngine, network, x, t, batch_size=batch_size)
    with pytest.raises(IndexError):
        compiled.run(np.array([0, 1, 0, 8]), 0, 4 // batch_size)


def test_schedules_and_private_rates_are_read_for_every_stretch():
    layers = [Dense(5, "tanh", learning_rate=0.7), Dense(3, learning_rate=0.0), Softmax()]
    network = Network(layers, input=4, learning_rate=0.2)
    rng = np.random.default_rng(9)
    reference, compiled = pair(network, inputs(rng, 10, 4), rng.integers(0, 3, 10))
    for scale in (1.0, 0.25):
        reference.optimizer.scale = compiled.optimizer.scale = scale
        expected, found = reference.run(None, 0, 10), compiled.run(None, 0, 10)
        assert_same(reference, compiled, found, expected, EXACT)
    compiled.network.penalty = network.penalty = "L2"
    assert_same(reference, compiled, compiled.run(None, 0, 10), reference.run(None, 0, 10), EXACT)


def test_views_of_theta_stay_views_and_the_cases_stay_as_they_are():
    network, x, t = letters(20)
    before = x.copy(), t.copy(), network.theta
    engine_of(CompiledEngine, network, x, t).run(None, 0, 20)
    assert network.theta is before[2]
    assert np.shares_memory(network.layers[0].W, network.theta)
    assert np.array_equal(x, before[0])
    assert np.array_equal(t, before[1])


# What is not finite is found, and told, as the reference does it


def diverging(case: int, value: float, loss="mse"):
    rng = np.random.default_rng(10)
    x = rng.normal(size=(9, 3))
    x[case] = value
    network = Network([Dense(4, "relu"), Dense(2, "linear")], input=3, loss=loss, seed=1)
    return network, x, rng.normal(size=(9, 2))


@pytest.mark.parametrize("value", [1e300, np.inf, np.nan])
@pytest.mark.parametrize("rule", ["sgd", "adam"])
@sizes_and_ways(2)
def test_training_stops_before_the_minibatch_that_is_not_finite(value, rule, batch_size, way):
    network, x, t = diverging(5, value)
    reference, compiled = pair(network, x, t, rule, batch_size, way)
    found = []
    for engine in (reference, compiled):
        with pytest.raises(NotFiniteError) as caught:
            engine.run(None, 0, engine.minibatches)
        found.append((caught.value.minibatch, caught.value.what, caught.value.layer))
    assert found[0] == found[1]
    assert found[0][0] == 5 // batch_size
    assert difference(reference.network.theta, compiled.network.theta) <= EXACT
    assert compiled.optimizer.steps == reference.optimizer.steps == 5 // batch_size


@pytest.mark.parametrize("size", [8, 16, 5])
@sizes_and_ways(2)
def test_what_went_well_before_is_kept_also_where_theta_needs_no_padding(size, batch_size, way):
    rng = np.random.default_rng(14)
    x = rng.normal(size=(9, 3))
    x[5] = 1e300
    network = Network([Dense(size, "linear")], input=3, loss="mse", seed=1)
    reference, compiled = pair(network, x, rng.normal(size=(9, size)), "sgd", batch_size, way)
    for engine in (reference, compiled):
        with pytest.raises(NotFiniteError):
            engine.run(None, 0, engine.minibatches)
    assert difference(reference.network.theta, compiled.network.theta) <= EXACT


@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_a_gradient_beyond_all_numbers_is_found(rule):
    """The loss and every δ are finite, but not the product of one with its input."""
    network = Network([Dense(1, "linear", weights="zeros")], input=2, loss="mse")
    network.learning_rate = 1e-200
    x, t = np.array([[1.0, 0.0], [1e300, 1.0]]), np.array([0.0, 1e120])
    reference, compiled = pair(network, x, t, rule)
    for engine in (reference, compiled):
        with pytest.raises(NotFiniteError) as caught:
            engine.run(None, 0, 2)
        found = caught.value
        assert (found.minibatch, found.what, found.layer) == (1, "gradient", "dense_1")
    assert difference(reference.network.theta, compiled.network.theta) <= EXACT


def test_a_huge_but_finite_gradient_is_no_error():
    rng = np.random.default_rng(11)
    network = Network([Dense(1, "linear")], input=3, loss="mse", learning_rate=0.0, seed=1)
    reference, compiled = pair(network, 1e150 * rng.normal(size=(3, 3)), np.zeros(3))
    assert_same(reference, compiled, compiled.run(None, 0, 3), reference.run(None, 0, 3), EXACT)


def test_a_suspicious_minibatch_is_run_by_the_reference_and_training_goes_on():
    """A sum of |δ| beyond all numbers, of which each is finite."""
    network = Network([Dense(40, "linear", weights="zeros")], input=1, loss="mae")
    network.learning_rate = 1e-300
    x = np.array([[1.0], [1.7e308], [1.0]])
    reference, compiled = pair(network, x, np.ones((3, 40)))
    assert_same(reference, compiled, compiled.run(None, 0, 3), reference.run(None, 0, 3), EXACT)


# Cases side by side


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("classes", [1, 2, 40])
def test_the_product_of_many_losses_is_no_number_too_large(dtype, classes):
    """All logits are equal: every case puts a factor of as many as there are classes."""
    layers = [Dense(3, "relu"), Dense(classes, weights="zeros"), Softmax()]
    network = Network(layers, input=2, dtype=dtype)
    x, t = np.ones((700, 2)), np.zeros(700, int)
    reference, compiled = pair(network, x, t, batch_size=700, way=LANES)
    expected, found = reference.run(None, 0, 1), compiled.run(None, 0, 1)
    bound = EXACT if dtype == "float64" else SINGLE
    assert_same(reference, compiled, found, expected, bound)
    assert found.losses[0] == pytest.approx(np.log(classes), rel=1e-6, abs=0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_as_many_units_as_a_line_has_numbers_and_more(name, loss, dtype):
    rng = np.random.default_rng(15)
    widths = (16, 33, 7)
    tail = [Dense(6), Softmax()] if loss == "cross_entropy" else [Dense(6, "linear")]
    network = Network(
        [*(Dense(w, name) for w in widths), *tail], input=5, loss=loss, dtype=dtype, seed=3
    )
    t = rng.integers(0, 6, 310) if loss == "cross_entropy" else rng.normal(size=(310, 6))
    reference, compiled = pair(network, inputs(rng, 310, 5), t, "sgd", 310, LANES)
    expected, found = reference.run(None, 0, 1), compiled.run(None, 0, 1)
    assert_same(reference, compiled, found, expected, EXACT if dtype == "float64" else SINGLE)


# What compiled code cannot run


class Cube(Tanh):
    """An activation of somebody else's."""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"activation": Cube()}, "Cube of dense_1"),
        ({"explicit_jacobians": True}, "explicit Jacobians"),
    ],
)
def test_the_rest_is_handed_to_the_reference_with_a_reason(change, reason):
    layers = [Dense(4, change.pop("activation", "tanh")), Dense(2), Softmax()]
    network = Network(layers, input=3, **change)
    rng = np.random.default_rng(12)
    x, t = rng.normal(size=(6, 3)), rng.integers(0, 2, 6)
    twin = copy.deepcopy(network)
    handed = engine_of(CompiledEngine, twin, x, t)
    assert reason in handed.fallback_reason
    assert handed.name == "numpy"
    assert CompiledEngine.name == "compiled"
    reference = engine_of(NumpyEngine, network, x, t)
    expected = reference.run(None, 0, reference.minibatches)
    assert np.array_equal(handed.run(None, 0, handed.minibatches).losses, expected.losses)
    assert np.array_equal(twin.theta, network.theta)


def test_complex_inputs_are_handed_to_the_reference():
    network, x, t = letters(3)
    assert "complex128" in engine_of(CompiledEngine, network, x + 0j, t).fallback_reason


def test_targets_beyond_the_outputs_are_never_read():
    network, x, t = letters(3)
    step = optimizer("sgd")
    step.bind(network.theta, network.gradients.vector, [(slice(0, len(network.theta)), 0.1)])
    engine = CompiledEngine(network, step, x, t + 10, batch_size=1, classes=True)
    assert "class numbers" in engine.fallback_reason


# Evaluation


@given(trainings(losses=("cross_entropy", "hinge", "mse")), st.sampled_from([1, 4]))
@settings(max_examples=80)
def test_evaluation_gives_the_same_score(training, batch_size):
    network, x, t, _ = training
    if network.outputs > 1 and np.ndim(t) == 2:
        t = np.eye(network.outputs)[np.abs(t).argmax(axis=1)]
    x = np.where(np.arange(x.shape[1]) % 2, x, 0.0)
    engine = engine_of(CompiledEngine, network, x, t, batch_size=batch_size)
    theta = network.theta.copy()
    expected, found = evaluate(network, x, t, classes=True), engine.evaluate(x, t)
    assert found.loss == pytest.approx(expected.loss, rel=1e-12)
    assert (found.accuracy, found.r2, found.cases) == (expected.accuracy, None, expected.cases)
    assert np.array_equal(network.theta, theta)


def test_evaluation_of_what_compiled_code_leaves_to_others():
    network, x, t = letters(20)
    engine = engine_of(CompiledEngine, network, x, t)
    assert engine.evaluate(x[:0], t[:0]) is None
    dense = x + 1.0
    assert engine.evaluate(dense, t) == evaluate(network, dense, t, classes=True)
    values = Network([Dense(1)], input=128)
    regression = engine_of(CompiledEngine, values, x, t.astype(float), classes=False)
    assert regression.evaluate(x, t) == evaluate(values, x, t, classes=False)
    network.layers[-2].b = np.inf
    assert not np.isfinite(engine.evaluate(x, t).loss)


# As a whole


@pytest.mark.parametrize("batch_size", [1, 32])
def test_the_trainer_runs_it_by_name_and_the_run_is_the_same(batch_size):
    network, x, t = letters(200)
    histories = []
    for name in ("numpy", "compiled"):
        chosen = Settings(epochs=3, batch_size=batch_size, seed=3, engine=name)
        twin = copy.deepcopy(network)
        trainer = Trainer(twin, Part(x, t), Part(x[:9], t[:9]), chosen, classes=True)
        assert trainer.engine.name == name
        histories.append(trainer.run())
    for column in ("train_loss", "train_accuracy", "validation_loss"):
        assert histories[1][column] == pytest.approx(histories[0][column], rel=1e-12)


def test_it_is_in_the_table():
    assert ENGINES["compiled"] is CompiledEngine


@pytest.mark.parametrize("hidden", [4, 50, 57])
def test_units_that_start_alike_stay_alike_to_the_last_bit(hidden):
    _, x, t = letters(300)
    layers = [Dense(hidden, "sigmoid", weights="zeros"), Dense(10, weights="zeros"), Softmax()]
    network = Network(layers, input=128, learning_rate=0.1)
    engine_of(CompiledEngine, network, x, t).run(None, 0, 300)
    W = network.layers[0].W
    assert np.abs(W).max() > 0
    assert np.array_equal(W, np.repeat(W[:, :1], hidden, axis=1))


@sizes_and_ways(4)
def test_a_set_is_evaluated_in_pieces_between_which_it_may_be_left(batch_size, way):
    rng = np.random.default_rng(1)
    x, t = rng.normal(size=(23, 6)) * (rng.random((23, 6)) < 0.2), rng.integers(0, 3, 23)
    network = Network([Dense(4, "tanh"), Dense(3), Softmax()], input=6, penalty="L2", seed=1)
    with the_way(way):
        engine = engine_of(CompiledEngine, network, x, t, batch_size=batch_size)
        whole = engine.evaluate(x, t)
        module, program = "chainrule.training.engines.compiled.engine", type(engine._loop)
        with (
            mock.patch(f"{module}.FEWEST_AT_ONCE", 5),
            mock.patch(f"{module}.MULTIPLICATIONS_AT_ONCE", 1),
            mock.patch.object(
                program, "evaluate", autospec=True, side_effect=program.evaluate
            ) as piece,
        ):
            found = engine.evaluate(x, t)
    assert [len(call.args[1]) for call in piece.call_args_list] == [5, 5, 5, 5, 3]
    assert (found.accuracy, found.cases) == (whole.accuracy, 23)
    assert found.loss == pytest.approx(whole.loss, rel=1e-14)
