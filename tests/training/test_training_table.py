"""Every activation x optimiser: training beside a program that knows no chain rule.

The program here evaluates the loss by its formula, differentiates it by the complex step and
writes the optimisers out; it shares with the library the activations' values alone. Squares
among the layers, a minibatch that is smaller, orders, private rates and a penalty are in it.
"""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import Dense, Network, Softmax
from chainrule.gradients import complex_step
from chainrule.nn.activations import ACTIVATIONS
from chainrule.training.engines import NumpyEngine
from chainrule.training.optimizers import optimizer
from networks import difference

CASES, INPUTS, BATCH, EPOCHS = 7, 3, 3, 2
PENALTY, FIRST_RATE, RATE = 0.05, 0.1, 0.03
SHAPES = {"cross_entropy": [(3, 3), (3, 3), (3, 4)], "mse": [(3, 3), (3, 3), (3, 1)]}
RULES = {
    "sgd": "sgd",
    "momentum": {"type": "momentum", "momentum": 0.8},
    "nesterov": {"type": "momentum", "momentum": 0.8, "nesterov": True},
    "adam": {"type": "adam", "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3},
}


def arrays_in(theta, shapes):
    """W and b of every layer, in the order in which they lie in θ."""
    start = 0
    for inputs, outputs in shapes:
        W = theta[start : start + inputs * outputs].reshape(inputs, outputs)
        start += inputs * outputs
        yield W, theta[start : start + outputs]
        start += outputs


def plain_loss(theta, x, t, loss, value):
    """The formula of the loss, at real or complex parameters."""
    *hidden, (W, b) = arrays_in(theta, SHAPES[loss])
    a = x
    for V, c in hidden:
        a = value(a @ V + c)
    z = a @ W + b
    if loss == "mse":
        mean = sum((z[n, 0] - t[n]) ** 2 for n in range(len(t))) / len(t)
    else:
        mean = sum(np.log(np.exp(z[n] - z[n, t[n]]).sum()) for n in range(len(t))) / len(t)
    return mean + PENALTY * sum((W * W).sum() for W, _ in arrays_in(theta, SHAPES[loss])) / 2


def plain_step(rule, rate, g, state, n):
    """What a step takes off θ; the state is changed."""
    if rule == "sgd":
        return rate * g
    if rule in ("momentum", "nesterov"):
        state[0] = 0.8 * state[0] + g
        return rate * (g + 0.8 * state[0]) if rule == "nesterov" else rate * state[0]
    state[0] = 0.8 * state[0] + 0.2 * g
    state[1] = 0.95 * state[1] + 0.05 * g**2
    return rate * (state[0] / (1 - 0.8**n)) / (np.sqrt(state[1] / (1 - 0.95**n)) + 1e-3)


def plain_training(theta, x, t, orders, loss, value, rule):
    """θ and the loss of every minibatch, the smaller last one of an epoch included."""
    first = SHAPES[loss][0][0] * SHAPES[loss][0][1] + SHAPES[loss][0][1]
    rate = np.where(np.arange(len(theta)) < first, FIRST_RATE, RATE)
    state, losses = [np.zeros_like(theta), np.zeros_like(theta)], []
    for order in orders:
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]

            def at(vector, chosen=chosen):
                return plain_loss(vector, x[chosen], t[chosen], loss, value)

            losses.append(at(theta))
            step = plain_step(rule, rate, complex_step(at, theta), state, len(losses))
            theta = theta - step
    return theta, losses


def network_of(activation, loss):
    layers = [
        Dense(
            outputs, activation, biases=[-0.5, 0.5], learning_rate=FIRST_RATE if k == 0 else None
        )
        for k, (_, outputs) in enumerate(SHAPES[loss][:-1])
    ]
    layers.append(Dense(SHAPES[loss][-1][1], "linear", biases=[-0.5, 0.5]))
    if loss == "cross_entropy":
        layers.append(Softmax())
    penalty = {"type": "L2", "rate": PENALTY}
    return Network(layers, input=INPUTS, loss=loss, penalty=penalty, learning_rate=RATE, seed=4)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("loss", SHAPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_training_is_that_of_formulas_and_numeric_gradients(activation, loss, rule):
    rng = np.random.default_rng(17)
    x = 2 * rng.normal(size=(CASES, INPUTS))
    t = rng.integers(0, 4, CASES) if loss == "cross_entropy" else 2 * rng.normal(size=CASES)
    orders = [rng.permutation(CASES) for _ in range(EPOCHS)]
    network, step = network_of(activation, loss), optimizer(RULES[rule])
    layout, value = network.parameters.layout, ACTIVATIONS[activation]().value
    theta, losses = plain_training(network.theta.copy(), x, t, orders, loss, value, rule)
    step.bind(network.theta, network.gradients.vector, layout.runs(network.rates(RATE)))
    x, t = network.prepare_inputs(x), network.prepare_targets(t)
    engine = NumpyEngine(network, step, x, t, batch_size=BATCH, classes=False)
    found = np.concatenate([engine.run(order, 0, 3).losses for order in orders])
    assert difference(losses, found) <= 1e-11
    assert difference(theta, network.theta) <= 1e-10
