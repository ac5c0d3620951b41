"""scikit-learn: the backward pass and the optimiser of MLPClassifier, minibatch by minibatch.

``partial_fit`` would check its arguments again at every minibatch, which takes longer than the
training; what it calls then is called here directly, and is all of scikit-learn's own.
"""

from __future__ import annotations

import inspect

import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks.programs import Run
from benchmarks.workloads import RATE, Problem

ACTIVATIONS = {"sigmoid": "logistic", "tanh": "tanh", "relu": "relu"}


def _make_model(problem: Problem) -> MLPClassifier:
    """The classifier with the weights that all start from."""
    workload = problem.workload
    model = MLPClassifier(
        hidden_layer_sizes=workload.widths[1:-1],
        activation=ACTIVATIONS[workload.activation],
        solver="sgd",
        alpha=workload.penalty * workload.batch,  # it divides its penalty by the cases
        batch_size=1,
        learning_rate_init=RATE,
        momentum=0.0,
        nesterovs_momentum=False,
    )
    model.partial_fit(problem.x[:1], problem.t[:1], classes=np.arange(workload.widths[-1]))
    for own_W, own_b, (W, b) in zip(model.coefs_, model.intercepts_, problem.start, strict=True):
        own_W[...], own_b[...] = W, b
    model._optimizer.velocities = [0 * v for v in model._optimizer.velocities]
    return model


def make(problem: Problem) -> Run:
    """Forward pass, backward pass and update as `MLPClassifier` does them within an epoch."""
    model = _make_model(problem)
    parameters = model.coefs_ + model.intercepts_
    rows = np.eye(problem.workload.widths[-1], dtype=bool)[problem.t]
    # From version 1.7 on it takes weights of the cases.
    weights = (None,) if "sample_weight" in inspect.signature(model._backprop).parameters else ()
    room = [[None] * len(model.coefs_) for _ in range(3)]

    def step(x: np.ndarray, y: np.ndarray) -> float:
        activations = [x, *[None] * len(model.coefs_)]
        loss, W_grads, b_grads = model._backprop(x, y, *weights, activations, *room)
        model._optimizer.update_params(parameters, W_grads + b_grads)
        return loss

    def run(first: int, last: int) -> np.ndarray:
        chosen = problem.chosen(first, last)
        return np.array([step(problem.x[cases], rows[cases]) for cases in chosen])

    return run
