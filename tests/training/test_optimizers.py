"""Update rules against the same rules written out number by number."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from chainrule.core.errors import ConfigError, unknown
from chainrule.training.optimizers import OPTIMIZERS, Adam, Momentum, optimizer

SIZE, STEPS = 7, 6
RATES = ((slice(0, 3), 0.1), (slice(3, 5), 0.0), (slice(5, 7), 0.7))
RULES = {
    "sgd": {},
    "momentum": {"momentum": 0.8},
    "nesterov": {"momentum": 0.8, "nesterov": True},
    "adam": {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3},
}
every_rule = pytest.mark.parametrize("name", RULES)


def make(name):
    return optimizer({"type": "momentum" if name == "nesterov" else name, **RULES[name]})


def gradients(seed=0):
    return np.random.default_rng(seed).normal(size=(STEPS, SIZE))


def start(dtype="float64"):
    return np.linspace(-1, 1, SIZE).astype(dtype)


def rate_of(i):
    return next(rate for part, rate in RATES if part.start <= i < part.stop)


def by_hand(name, theta, rows):
    """Each number of θ after every step, by its own small program."""
    return np.array([_one_number(name, theta[i], rows[:, i], rate_of(i)) for i in range(SIZE)]).T


def _one_number(name, value, slopes, rate):
    values, velocity, m, v = [], 0.0, 0.0, 0.0
    for k, g in enumerate(slopes, start=1):
        if name == "sgd":
            value = value - rate * g
        elif name == "adam":
            m = 0.8 * m + 0.2 * g
            v = 0.95 * v + 0.05 * g**2
            m_hat, v_hat = m / (1 - 0.8**k), v / (1 - 0.95**k)
            value = value - rate * m_hat / (sqrt(v_hat) + 1e-3)
        else:
            velocity = 0.8 * velocity + g
            ahead = g + 0.8 * velocity if name == "nesterov" else velocity
            value = value - rate * ahead
        values.append(value)
    return values


def trace(rule, theta, rows, rates=RATES):
    """θ after every step; the gradient vector is refilled in place, as a network does."""
    gradient = np.empty_like(theta)
    rule.bind(theta, gradient, rates)
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
    ("name", "states"), [("sgd", ()), ("momentum", ("velocity",)), ("adam", ("m", "v"))]
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
    again.bind(theta, gradient, RATES)
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


def test_two_optimisers_share_nothing():
    first, second = optimizer("adam"), optimizer("adam")
    trace(first, start(), gradients())
    assert second.state == {}
    assert second.steps == 0


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("adma", "unknown optimizer 'adma'; did you mean 'adam'?"),
        ({"type": "sgd", "momentum": 0.9}, "unknown option of sgd 'momentum'. Known: none"),
        ({"type": "momentum", "momentun": 0.9}, "did you mean 'momentum'?"),
        ({"type": "momentum", "momentum": 1.0}, "at least 0 and below 1, found 1.0"),
        ({"type": "momentum", "momentum": -0.1}, "momentum must be"),
        ({"type": "momentum", "momentum": "high"}, "found 'high'"),
        ({"type": "momentum", "nesterov": "yes"}, "nesterov must be true or false"),
        ({"type": "adam", "beta1": 1}, "beta1 must be"),
        ({"type": "adam", "beta2": float("nan")}, "beta2 must be"),
        ({"type": "adam", "epsilon": 0.0}, "epsilon must be finite and above 0"),
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
