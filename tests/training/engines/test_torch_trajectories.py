"""Fifty steps of every optimiser on random networks are those of PyTorch's own programs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="PyTorch is not installed: the extra torch")

from chainrule import Network
from chainrule.data.dataset import Dataset
from chainrule.nn import Dense
from chainrule.training import Settings, Trainer

pytestmark = pytest.mark.exhaustive

STEPS = 50
SMALL = st.floats(0, 0.95)
EPSILON = st.sampled_from([1e-3, 1e-6, 1e-8])
MOMENTS = {"beta1": SMALL, "beta2": st.floats(0.9, 0.9995), "epsilon": EPSILON}
OPTIONS = {
    "sgd": {},
    "momentum": {"momentum": SMALL, "nesterov": st.booleans()},
    "adagrad": {"epsilon": EPSILON, "initial": st.floats(0, 1)},
    "rmsprop": {
        "alpha": st.floats(0.9, 0.999),  # less, and the variance is soon nothing but rounding
        "epsilon": EPSILON,
        "momentum": st.just(0.0) | SMALL,
        "centered": st.booleans(),
    },
    "adam": MOMENTS,
    "adamw": {**MOMENTS, "weight_decay": st.floats(0, 3), "biases": st.booleans()},
    "nadam": {**MOMENTS, "momentum_decay": st.floats(0, 1)},
}


def theirs(name, parameters, rate, options):
    """PyTorch's optimiser as its users make it; ``parameters`` are weights and biases by turns."""
    own = dict(options)
    if name in ("adam", "adamw", "nadam"):
        own["betas"] = own.pop("beta1"), own.pop("beta2")
    if "epsilon" in own:
        own["eps"] = own.pop("epsilon")
    if name == "sgd":
        return torch.optim.SGD(parameters, lr=rate)
    if name == "momentum":
        own["nesterov"] = own["nesterov"] and own["momentum"] > 0
        return torch.optim.SGD(parameters, lr=rate, **own)
    if name == "adagrad":
        initial = own.pop("initial")
        return torch.optim.Adagrad(parameters, lr=rate, initial_accumulator_value=initial, **own)
    if name == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=rate, **own)
    if name == "adam":
        return torch.optim.Adam(parameters, lr=rate, **own)
    if name == "nadam":
        return torch.optim.NAdam(parameters, lr=rate, **own)
    decay, of_biases = own.pop("weight_decay"), own.pop("biases")
    groups = [
        {"params": parameters[0::2], "weight_decay": decay},
        {"params": parameters[1::2], "weight_decay": decay if of_biases else 0.0},
    ]
    return torch.optim.AdamW(groups, lr=rate, **own)


def trajectory_of_pytorch(network, x, t, make):
    """θ after every step of a program of PyTorch's that starts from the network's θ."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        layers, parameters = [], []
        for layer in network.layers:
            linear = torch.nn.Linear(*layer.W.shape)
            linear.weight.data = torch.tensor(layer.W.T.copy())
            linear.bias.data = torch.tensor(layer.b.copy())
            layers += [linear, torch.nn.Tanh()]
            parameters += [linear.weight, linear.bias]
        model, step = torch.nn.Sequential(*layers[:-1]), make(parameters)
        found = []
        for _ in range(STEPS):
            step.zero_grad()
            torch.nn.functional.mse_loss(model(torch.tensor(x)), torch.tensor(t)).backward()
            step.step()
            found.append(np.concatenate([p.detach().numpy().T.ravel() for p in parameters]))
        return np.array(found)
    finally:
        torch.set_default_dtype(before)


def own_trajectory(network, x, t, rule, engine):
    """θ after every step of ours."""
    options = {"optimizer": rule, "batch_size": "full", "shuffle": False, "engine": engine}
    nothing = Dataset(x[:0], t[:0])
    trainer = Trainer(network, Dataset(x, t), nothing, Settings(epochs=STEPS, **options))
    found = []
    for _ in range(STEPS):
        trainer.engine.run(None, 0, 1)
        found.append(network.theta.copy())
    return np.array(found)


@pytest.mark.parametrize("engine", ["numpy", "compiled", "torch"])
@pytest.mark.parametrize("name", OPTIONS)
@given(data=st.data())
@settings(max_examples=12, deadline=None)
def test_fifty_steps_are_those_of_pytorch(name, engine, data):
    options = {key: data.draw(values, key) for key, values in OPTIONS[name].items()}
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6), "seed"))
    sizes = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3), "sizes")
    rate = 10.0 ** data.draw(st.floats(-4, -3), "exponent of the rate")
    inputs = data.draw(st.integers(1, 5), "inputs")
    x, t = rng.normal(size=(9, inputs)), rng.normal(size=(9, 2))

    def network():
        layers = [Dense(size, "tanh", biases=[-1, 1]) for size in sizes]
        last = Dense(2, "linear", biases=[-1, 1])
        return Network([*layers, last], input=inputs, loss="mse", learning_rate=rate, seed=5)

    def make(parameters):
        return theirs(name, parameters, rate, options)

    found = own_trajectory(network(), x, t, {"type": name, **options}, engine)
    expected = trajectory_of_pytorch(network(), x, t, make)
    assert np.abs(found - expected).max() <= 1e-12 * max(1.0, np.abs(expected).max())
