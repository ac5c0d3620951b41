"""Update rules against the same rules written out number by number."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from chainrule.core.errors import ConfigError, unknown
from chainrule.training.optimizers import OPTIMIZERS, Adam, Momentum, Nadam, optimizer

SIZE, STEPS = 7, 6
RATES = ((slice(0, 3), 0.1), (slice(3, 5), 0.0), (slice(5, 7), 0.7))
RULES = {
    "sgd": {},
    "momentum": {"momentum": 0.8},
    "nesterov": {"momentum": 0.8, "nesterov": True},
    "adam": {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3},
    "adamw": {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3, "weight_decay": 0.2},
    "adamw on biases": {"weight_decay": 0.2, "biases": True},
    "nadam": {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3, "momentum_decay": 0.5},
    "adagrad": {"initial": 0.3, "epsilon": 1e-3},
    "rmsprop": {"alpha": 0.7, "epsilon": 1e-3},
    "rmsprop centred": {"alpha": 0.7, "epsilon": 1e-3, "centered": True},
    "rmsprop with momentum": {"alpha": 0.7, "epsilon": 1e-3, "momentum": 0.6},
    "rmsprop in full": {"alpha": 0.7, "epsilon": 1e-3, "momentum": 0.6, "centered": True},
}
BIASES = (slice(2, 3), slice(6, 7))
every_rule = pytest.mark.parametrize("name", RULES)


def make(name):
    kind = "momentum" if name == "nesterov" else name.split()[0]
    return optimizer({"type": kind, **RULES[name]})


def gradients(seed=0):
    return np.random.default_rng(seed).normal(size=(STEPS, SIZE))


def start(dtype="float64"):
    return np.linspace(-1, 1, SIZE).astype(dtype)


def rate_of(i):
    return next(rate for part, rate in RATES if part.start <= i < part.stop)


def by_hand(name, theta, rows):
    """Each number of θ after every step, by its own small program."""
    formulas = {"adam": _adam, "adamw": _adam, "nadam": _nadam, "rmsprop": _rmsprop}
    formula = formulas.get(name.split()[0], _one_number)
    found = []
    for i in range(SIZE):
        is_bias = any(part.start <= i < part.stop for part in BIASES)
        options = {**RULES[name], "is_bias": is_bias}
        found.append(formula(name, theta[i], rows[:, i], rate_of(i), options))
    return np.array(found).T


def _adam(name, value, slopes, rate, options):
    decay = options.get("weight_decay", 0)
    if options["is_bias"] and not options.get("biases"):
        decay = 0
    beta1, beta2 = options.get("beta1", 0.9), options.get("beta2", 0.999)
    values, m, v = [], 0.0, 0.0
    for k, g in enumerate(slopes, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**k), v / (1 - beta2**k)
        adam = m_hat / (sqrt(v_hat) + options.get("epsilon", 1e-8))
        value = value - rate * (adam + decay * value)
        values.append(value)
    return values


def _nadam(name, value, slopes, rate, options):
    values, m, v, product = [], 0.0, 0.0, 1.0
    for k, g in enumerate(slopes, start=1):
        mu, later = (0.8 * (1 - 0.5 * 0.96 ** (n * 0.5)) for n in (k, k + 1))
        product *= mu
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g**2
        m_hat = later * m / (1 - product * later) + (1 - mu) * g / (1 - product)
        value = value - rate * m_hat / (sqrt(v / (1 - 0.95**k)) + 1e-3)
        values.append(value)
    return values


def _rmsprop(name, value, slopes, rate, options):
    values, square, mean, velocity = [], 0.0, 0.0, 0.0
    for g in slopes:
        square = 0.7 * square + 0.3 * g**2
        mean = 0.7 * mean + 0.3 * g
        spread = square - mean**2 if options.get("centered") else square
        velocity = options.get("momentum", 0) * velocity + g / (sqrt(spread) + 1e-3)
        value = value - rate * velocity
        values.append(value)
    return values


def _one_number(name, value, slopes, rate, options):
    values, velocity, squares = [], 0.0, 0.3
    for g in slopes:
        if name == "sgd":
            value = value - rate * g
        elif name == "adagrad":
            squares += g**2
            value = value - rate * g / (sqrt(squares) + 1e-3)
        else:
            velocity = 0.8 * velocity + g
            ahead = g + 0.8 * velocity if name == "nesterov" else velocity
            value = value - rate * ahead
        values.append(value)
    return values


def trace(rule, theta, rows, rates=RATES):
    """θ after every step; the gradient vector is refilled in place, as a network does."""
    gradient = np.empty_like(theta)
    rule.bind(theta, gradient, rates, BIASES)
    values = []
    for row in rows:
        gradient[...] = row
        rule.step()
        values.append(theta.copy())
    return np.array(values)


@every_rule
def test_every_step_is_the_rule_by_hand_at_every_rate(name):
    expected = by_hand(name, start(), gradients())
    assert trace(make(name), start(), gradients()) == pytest.approx(expected, rel=1e-13)


@every_rule
def test_a_rate_of_0_holds_its_parameters_still(name):
    assert np.array_equal(trace(make(name), start(), gradients())[-1, 3:5], start()[3:5])


@every_rule
def test_the_gradient_is_only_read(name):
    theta, gradient = start(), gradients()[0].copy()
    rule = make(name)
    rule.bind(theta, gradient, RATES)
    rule.step()
    assert np.array_equal(gradient, gradients()[0])


@every_rule
def test_a_step_goes_downhill(name):
    theta = np.ones(SIZE)
    trace(make(name), theta, np.ones((1, SIZE)), ((slice(0, SIZE), 0.1),))
    assert np.all(theta < 1)


@every_rule
def test_float32_stays_float32_and_close(name):
    theta = start("float32")
    rule = make(name)
    found = trace(rule, theta, gradients())
    assert found.dtype == "float32"
    assert {vector.dtype for vector in rule.state.values()} <= {np.dtype("float32")}
    assert found == pytest.approx(by_hand(name, start(), gradients()), abs=1e-5)


def test_adam_moves_by_the_rate_at_first_whatever_the_gradient():
    theta = np.zeros(4)
    slopes = np.array([[1e-3, -1.0, 1e3, -1e6]])
    trace(Adam(), theta, slopes, ((slice(0, 4), 0.25),))
    assert theta == pytest.approx([-0.25, 0.25, -0.25, 0.25], rel=2e-5)


def test_without_momentum_momentum_is_plain_descent():
    plain = trace(optimizer("sgd"), start(), gradients())
    for nesterov in (False, True):
        rule = Momentum(momentum=0.0, nesterov=nesterov)
        assert trace(rule, start(), gradients()) == pytest.approx(plain, rel=1e-15)


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("sgd", ()),
        ("momentum", ("velocity",)),
        ("adam", ("m", "v")),
        ("adamw", ("m", "v")),
        ("nadam", ("m", "v")),
        ("adagrad", ("square",)),
        ("rmsprop", ("square",)),
        ({"type": "rmsprop", "momentum": 0.5, "centered": True}, ("square", "mean", "velocity")),
    ],
)
def test_the_state_is_named_vectors_as_long_as_theta(name, states):
    rule = optimizer(name)
    trace(rule, start(), gradients())
    assert tuple(rule.state) == states == rule.state_names
    assert all(vector.shape == (SIZE,) and vector.any() for vector in rule.state.values())
    assert rule.steps == STEPS


@every_rule
def test_state_and_steps_are_all_there_is_to_resume_from(name):
    whole = trace(make(name), start(), gradients())
    rule, theta = make(name), start()
    trace(rule, theta, gradients()[:2])
    state, steps = {n: v.copy() for n, v in rule.state.items()}, rule.steps
    again, gradient = make(name), np.empty(SIZE)
    again.bind(theta, gradient, RATES, BIASES)
    again.steps = steps
    for key, vector in state.items():
        again.state[key][...] = vector
    for row in gradients()[2:]:
        gradient[...] = row
        again.step()
    assert np.array_equal(theta, whole[-1])


@every_rule
def test_to_bind_is_to_start_anew(name):
    rule = make(name)
    first = trace(rule, start(), gradients())
    assert np.array_equal(trace(rule, start(), gradients()), first)


def test_adamw_without_a_decay_is_adam_to_the_bit():
    adam = trace(optimizer("adam"), start(), gradients())
    without = {"type": "adamw", "weight_decay": 0.0}
    assert np.array_equal(trace(optimizer(without), start(), gradients()), adam)


def test_adamw_spares_what_it_is_told_and_nothing_else():
    zeros = np.zeros((1, SIZE))
    theta = start()
    trace(optimizer({"type": "adamw", "weight_decay": 0.5}), theta, zeros)
    kept = np.array([1 - 0.05, 1 - 0.05, 1, 1, 1, 1 - 0.35, 1])  # rates 0.1, 0 and 0.7; two biases
    assert theta == pytest.approx(start() * kept, rel=1e-15)


def test_a_variance_that_rounds_below_0_is_0():
    """A gradient that hardly changes has a variance of rounding errors, of either sign."""
    rule = optimizer({"type": "rmsprop", "centered": True, "alpha": 0.7})
    slopes = np.full((200, 99), np.linspace(0.1, 1, 99))
    found = trace(rule, np.zeros(99), slopes, ((slice(0, 99), 1e-3),))
    spread = rule.state["square"] - rule.state["mean"] ** 2
    assert spread.min() < 0
    assert np.isfinite(found).all()


def test_nadams_product_of_momenta_is_found_again_at_any_step():
    rule, other = Nadam(beta1=0.99), Nadam(beta1=0.99)
    for step in range(1, 40):
        rule.product(step)
    assert rule.product(40) == other.product(40)
    assert other.product(3) == np.prod([other.mu(n) for n in (1, 2, 3)])
    assert 0 < Nadam().product(10**9) < 1e-29


def test_two_optimisers_share_nothing():
    first, second = optimizer("adam"), optimizer("adam")
    trace(first, start(), gradients())
    assert second.state == {}
    assert second.steps == 0


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("adma", "unknown optimizer 'adma'; did you mean 'adam'?"),
        (
            {"type": "sgd", "momentum": 0.9},
            "unknown option of sgd 'momentum'; that is an optimizer of its own: {type: momentum",
        ),
        ({"type": "momentum", "momentun": 0.9}, "did you mean 'momentum'?"),
        ({"type": "momentum", "momentum": 1.0}, "at least 0 and below 1, found 1.0"),
        ({"type": "momentum", "momentum": -0.1}, "momentum must be"),
        ({"type": "momentum", "momentum": "high"}, "found 'high'"),
        ({"type": "momentum", "nesterov": "yes"}, "nesterov must be true or false"),
        ({"type": "adam", "beta1": 1}, "beta1 must be"),
        ({"type": "adam", "beta2": float("nan")}, "beta2 must be"),
        ({"type": "adam", "epsilon": 0.0}, "epsilon must be finite and above 0"),
        ({"type": "adagrad", "initial": -1}, "initial must be finite and at least 0, found -1"),
        ({"type": "adagrad", "epsilon": 0}, "epsilon must be finite and above 0"),
        ({"type": "adagrad", "square": 1}, "unknown option of adagrad 'square'"),
        ({"type": "rmsprop", "alpha": 1.0}, "alpha must be at least 0 and below 1"),
        ({"type": "rmsprop", "momentum": 2}, "momentum must be"),
        ({"type": "rmsprop", "epsilon": "small"}, "epsilon must be"),
        ({"type": "rmsprop", "centered": 1}, "centered must be true or false, found 1"),
        ({"type": "rmsprop", "centred": True}, "did you mean 'centered'?"),
        ({"type": "adamw", "weight_decay": -0.1}, "weight_decay must be finite and at least 0"),
        ({"type": "adamw", "weight_decay": True}, "weight_decay must be"),
        ({"type": "adamw", "biases": "no"}, "biases must be true or false"),
        ({"type": "adamw", "beta1": 1}, "beta1 must be"),
        ({"type": "nadam", "momentum_decay": float("inf")}, "momentum_decay must be"),
        ({"type": "nadam", "decaying": []}, "unknown option of nadam 'decaying'"),
        ({"type": "lbfgs", "memory": 0}, "memory must be a whole number from 1 to 1000, found 0"),
        ({"type": "lbfgs", "memory": 2.5}, "memory must be a whole number"),
        ({"type": "lbfgs", "line_search": 10**9}, "line_search must be a whole number"),
        ({"type": "lbfgs", "gradient_tolerance": -1}, "gradient_tolerance must be finite and at"),
        ({"type": "lbfgs", "loss_tolerance": float("nan")}, "loss_tolerance must be finite"),
        ({"type": "adam", "state": {}}, "unknown option of adam 'state'"),
        ({"type": "adam", "steps": 3}, "unknown option of adam 'steps'"),
        (3, "optimizer is a name, or a mapping"),
    ],
)
def test_what_describes_no_optimiser_is_refused(value, message):
    with pytest.raises(ConfigError) as caught:
        optimizer(value)
    assert message in str(caught.value)


def test_an_optimiser_without_a_type_is_told_as_such():
    with pytest.raises(ConfigError) as caught:
        optimizer({"momentum": 0.9})
    assert str(caught.value) == unknown("optimizer", "", OPTIMIZERS)
