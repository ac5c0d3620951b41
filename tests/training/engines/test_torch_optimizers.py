"""PyTorch's update rules on the memory of our optimisers: the same steps, the same state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: the extra torch")

from chainrule.core.errors import ConfigError
from chainrule.nn.parameters import Layout
from chainrule.training.engines.torch.modules import tensor_view
from chainrule.training.engines.torch.optimizers import RULES, TorchUpdate
from chainrule.training.optimizers import SGD, optimizer
from networks import difference
from rules import ELEMENT_WISE

LAYOUT = Layout({"a": {"W": (3, 4), "b": (4,)}, "c": {"W": (4, 2), "b": (2,)}})
RATES = LAYOUT.runs({"a.W": 0.1, "a.b": 0.1, "c.W": 0.02, "c.b": 0.0})
ASKED = [
    *ELEMENT_WISE,
    {"type": "momentum", "momentum": 0.5, "nesterov": True},
    {"type": "momentum", "momentum": 0.0},
    {"type": "momentum", "momentum": 0.0, "nesterov": True},
    {"type": "adam", "beta1": 0.0, "beta2": 0.0, "epsilon": 1e-3},
    {"type": "adam", "beta1": 0.6, "beta2": 0.99},
    {"type": "adamw", "weight_decay": 0.3, "biases": True},
    {"type": "nadam", "beta1": 0.6, "momentum_decay": 0.5},
    {"type": "adagrad", "initial": 0.1, "epsilon": 1e-3},
    {"type": "rmsprop", "alpha": 0.7, "centered": True},
    {"type": "rmsprop", "momentum": 0.6, "epsilon": 1e-3},
    {"type": "rmsprop", "alpha": 0.8, "momentum": 0.6, "centered": True},
]


class Pair:
    """One rule twice over the same start: by our own step, and by PyTorch's."""

    def __init__(self, asked, dtype="float64", rates=RATES):
        rng = np.random.default_rng(2)
        start = rng.normal(size=LAYOUT.size).astype(dtype)
        self.gradient = np.zeros_like(start)
        self.theta, self.theirs = start.copy(), start.copy()
        self.ours, self.bound = optimizer(asked), optimizer(asked)
        biases = [segment.slice for segment in LAYOUT if segment.is_bias]
        self.ours.bind(self.theta, self.gradient, rates, biases)
        self.bound.bind(self.theirs, self.gradient, rates, biases)
        self.rng = rng

    def update(self):
        parameters = []
        for segment in LAYOUT:
            parameter = torch.nn.Parameter(tensor_view(self.theirs, segment))
            parameter.grad = tensor_view(self.gradient, segment)
            parameters.append((segment, parameter))
        return TorchUpdate(self.bound, parameters)

    def step(self, update):
        self.gradient[...] = self.rng.normal(size=LAYOUT.size)
        update.step()
        self.ours.step()

    def check(self, within):
        assert self.bound.steps == self.ours.steps
        assert difference(self.theta, self.theirs) <= within
        for name, vector in self.ours.state.items():
            assert difference(vector, self.bound.state[name]) <= within


def test_the_table_is_complete():
    assert {type(optimizer(name)) for name in ELEMENT_WISE} == set(RULES)


@pytest.mark.parametrize(("dtype", "within"), [("float64", 1e-14), ("float32", 1e-5)])
@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_steps_and_state_are_those_of_the_rule(asked, dtype, within):
    pair = Pair(asked, dtype)
    update = pair.update()
    for _ in range(6):
        pair.step(update)
        pair.check(within)


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_a_rate_of_0_keeps_its_part_where_it_is(asked):
    pair = Pair(asked)
    start = pair.theirs.copy()
    pair.step(pair.update())
    still = LAYOUT["c.b"].slice
    assert np.array_equal(pair.theirs[still], start[still])
    assert not np.array_equal(pair.theirs, start)


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_it_goes_on_where_the_optimiser_stood(asked):
    pair = Pair(asked)
    first = pair.update()
    pair.step(first)
    pair.step(first)
    pair.step(pair.update())  # made anew, from state and steps alone
    pair.check(1e-14)


@pytest.mark.parametrize("asked", ELEMENT_WISE)
def test_the_scale_of_a_schedule_counts_once_taken(asked):
    pair = Pair(asked)
    update = pair.update()
    pair.step(update)
    pair.ours.scale = pair.bound.scale = 0.25
    update.refresh()
    pair.step(update)
    pair.check(1e-14)


@pytest.mark.parametrize("asked", ELEMENT_WISE)
def test_an_optimiser_bound_anew_needs_a_new_one(asked):
    pair = Pair(asked)
    update = pair.update()
    assert update.is_current
    pair.bound.bind(pair.theirs, pair.gradient, RATES)
    assert update.is_current == (asked == "sgd")  # SGD has no state; the rates are the same
    pair.bound.bind(pair.theirs, pair.gradient, [(slice(0, LAYOUT.size), 1.0)])
    assert not update.is_current


def test_rates_within_an_array_are_refused():
    halves = [(slice(0, 5), 0.1), (slice(5, LAYOUT.size), 0.2)]
    with pytest.raises(ConfigError, match="one learning rate for each array"):
        Pair("sgd", rates=halves).update()


def test_a_rule_of_no_table_is_named():
    @dataclass
    class Signs(SGD):
        def _update(self, rate, theta, gradient, scratch, **state):
            theta -= rate * np.sign(gradient)

    pair = Pair("sgd")
    pair.bound = Signs()
    with pytest.raises(ConfigError, match="cannot run the optimizer Signs"):
        pair.update()
