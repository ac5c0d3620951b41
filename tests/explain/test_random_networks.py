"""Random networks: each printed formula gives its result, which is what the library computes."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import Dense, Network, Softmax
from chainrule.explain.naming import text_width
from chainrule.nn.activations import ACTIVATIONS
from chainrule.training.optimizers import OPTIMIZERS, norm, optimizer
from printed_formulas import equal_as_shown, latex_steps_of, steps_of, wrong_steps

LOSSES = ("mse", "mae", "huber", "log_cosh", "hinge", "cross_entropy", "binary_cross_entropy")
PENALTIES = (None, None, "L2", {"L1": 0.01, "L2": 0.1, "biases": True}, {"type": "L1"})


def _layers(rng, outputs, loss):
    names = list(ACTIVATIONS)
    hidden = [
        Dense(int(rng.integers(1, 7)), str(rng.choice(names)), bias=bool(rng.integers(4)))
        for _ in range(int(rng.integers(0, 4)))
    ]
    if loss == "cross_entropy":
        return [*hidden, Dense(outputs), Softmax()]
    last = "sigmoid" if loss == "binary_cross_entropy" else str(rng.choice(["linear", *names]))
    return [*hidden, Dense(outputs, last)]


def _targets(rng, loss, cases, outputs):
    if loss in ("cross_entropy", "hinge"):
        return rng.integers(outputs, size=cases)
    if loss == "binary_cross_entropy":
        return rng.integers(2, size=(cases, outputs)).astype(float)
    return rng.normal(size=(cases, outputs)) * 2


class Example:
    """A random network with data, and its explanation."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        loss = LOSSES[seed % len(LOSSES)]
        outputs = int(rng.integers(2 if loss in ("cross_entropy", "hinge") else 1, 6))
        cases, inputs = int(rng.choice([1, 1, 3])), int(rng.integers(1, 6))
        smooth = loss in ("cross_entropy", "binary_cross_entropy") and rng.integers(2)
        self.network = Network(
            _layers(rng, outputs, loss),
            input=inputs,
            loss={"type": loss, "label_smoothing": 0.1} if smooth else loss,
            penalty=PENALTIES[int(rng.integers(len(PENALTIES)))],
            learning_rate=float(rng.choice([0.5, 0.05])),
            seed=seed,
        )
        self.network.theta = self.network.theta + rng.normal(size=self.network.theta.shape) / 2
        self.x = rng.normal(size=(cases, inputs))
        self.t = _targets(rng, loss, cases, outputs)
        self.weights = rng.random(cases) + 0.5 if rng.integers(2) else None
        self.case = int(rng.integers(cases))
        self.rule = list(OPTIMIZERS)[int(rng.integers(len(OPTIMIZERS)))]
        if self.rule == "lbfgs":
            self.network.learning_rate = None
        self.clip = 0.1 if rng.integers(2) and self.rule != "lbfgs" else None
        self.width = int(rng.integers(40, 160))
        self.explanation = self.network.explain(
            self.x,
            self.t,
            case=self.case,
            weights=self.weights,
            optimizer=self.rule,
            clip_gradient_norm=self.clip,
        )

    def library(self):
        """The numbers that the library computes, by the names that are printed."""
        network, found = self.network, {}
        found["L"] = network.loss(self.x, self.t, weights=self.weights)
        gradients = network.backward_pass(self.t, weights=self.weights)
        for k, layer in enumerate(network.layers, start=1):
            for letter in ("z", "a", "delta"):
                array = getattr(layer, letter, None)
                if array is None or isinstance(layer, Softmax):
                    continue
                sign = {"delta": "δ"}.get(letter, letter)
                for j, value in enumerate(array[self.case], start=1):
                    found[f"{sign}{_layer(k)}{_at(j)}"] = value
            for name in layer.shapes():
                for index in np.ndindex(*layer.shapes()[name]):
                    symbol = f"{name}{_layer(k)}{''.join(_at(i + 1) for i in index)}"
                    found[f"∂L/∂{symbol}"] = gradients[f"{layer.name}.{name}"][index]
                    found[f"{symbol} new"] = (f"{layer.name}.{name}", index)
        for j, value in enumerate(network.forward_pass(self.x)[self.case], start=1):
            found[f"y{_at(j)}"] = value
        return found | self._updated({k: v for k, v in found.items() if k.endswith(" new")})

    def _updated(self, places):
        """The weights after the first step of the optimiser."""
        network = self.network
        network.loss(self.x, self.t, weights=self.weights)
        network.backward_pass(self.t, weights=self.weights)
        rule, layout = optimizer(self.rule), network.parameters.layout
        biases = [one.slice for one in layout.trained if one.is_bias]
        rates = layout.runs(network.rates(rule.default_rate))
        before = network.theta.copy()
        rule.bind(network.theta, network.gradients.vector, rates, biases)

        def evaluate():
            loss = network.loss(self.x, self.t, weights=self.weights)
            network.backward_pass(self.t, weights=self.weights)
            return loss, 0

        if self.rule == "lbfgs":
            rule.iterate(evaluate)
            rule.close()
        else:
            length = norm(network.gradients.vector)
            if self.clip is not None and length > self.clip:
                network.gradients.vector *= self.clip / length
            rule.step()
        found = {key: network.parameters[name][index] for key, (name, index) in places.items()}
        network.theta = before
        return found


def _layer(k):
    return f"⁽{'⁰¹²³⁴⁵⁶⁷⁸⁹'[k]}⁾"


def _at(j):
    return "₀₁₂₃₄₅₆₇₈₉"[j]


def _check(seed):
    example = Example(seed)
    text = example.explanation.text(example.width)
    assert max(map(text_width, text.splitlines())) <= example.width
    printed = steps_of(text)
    assert len(printed) == len(example.explanation.steps)
    assert wrong_steps(text) == []
    assert wrong_steps(latex_steps_of(example.explanation.markdown())) == []
    library = example.library()
    compared = 0
    for step in printed:
        name = step.name + (" new" if step.signs[0] == "←" else "")
        if name in library:
            compared += 1
            assert equal_as_shown(library[name], step.sides[-1]), name
    assert compared > len(printed) / 4
    for step in example.explanation.steps:
        for rule in step.rules:  # whatever digits the line keeps, the rule itself is right
            assert rule.evaluate() == pytest.approx(step.result.value, rel=1e-6, abs=1e-9)
    fits = [step.fit() for step in example.explanation.steps]
    assert all(fit.exact for fit in fits)
    return [fit.result for fit in fits]


@pytest.mark.parametrize("seed", range(7))
def test_a_random_network_is_explained_as_the_library_computes_it(seed):
    _check(seed)


@pytest.mark.exhaustive
@pytest.mark.parametrize("first", range(10, 210, 10))
def test_two_hundred_random_networks(first):
    digits = [n for seed in range(first, first + 10) for n in _check(seed)]
    assert np.mean(np.array(digits) == 9) > 0.99
