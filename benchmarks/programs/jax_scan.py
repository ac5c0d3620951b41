"""JAX: one step differentiated and scanned over the minibatches, all in one compiled program."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.programs import Run
from benchmarks.workloads import RATE, Problem

ACTIVATIONS = {"sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh, "relu": jax.nn.relu}


def make(problem: Problem) -> Run:
    """Parameters stay on the device, and are given back to the program each time."""
    workload = problem.workload
    jax.config.update("jax_enable_x64", workload.dtype == "float64")
    x, t = jnp.asarray(problem.x), jnp.asarray(problem.t, jnp.int32)
    order = None if problem.order is None else jnp.asarray(problem.order, jnp.int32)
    activation, penalty, batch = ACTIVATIONS[workload.activation], workload.penalty, workload.batch

    def objective(weights, x, t):
        for W, b in weights[:-1]:
            x = activation(x @ W + b)
        W, b = weights[-1]
        logs = jax.nn.log_softmax(x @ W + b)
        loss = -jnp.take_along_axis(logs, t[:, None], axis=1).mean()
        if penalty:
            loss += penalty / 2 * sum(jnp.vdot(W, W) for W, _ in weights)
        return loss

    def step(weights, x, t):
        loss, gradient = jax.value_and_grad(objective)(weights, x, t)
        return jax.tree.map(lambda w, g: w - RATE * g, weights, gradient), loss

    @partial(jax.jit, static_argnames=("first", "last"), donate_argnums=0)
    def train(weights, x, t, order, first, last):
        part, shape = slice(first * batch, last * batch), (last - first, batch)
        if workload.full:
            return jax.lax.scan(lambda w, _: step(w, x, t), weights, length=last - first)
        if order is None:
            cases = x[part].reshape(*shape, -1), t[part].reshape(shape)
            return jax.lax.scan(lambda w, case: step(w, *case), weights, cases)
        cases = order[part].reshape(shape)
        return jax.lax.scan(lambda w, chosen: step(w, x[chosen], t[chosen]), weights, cases)

    weights = jax.tree.map(jnp.asarray, problem.weights())

    def run(first: int, last: int) -> np.ndarray:
        nonlocal weights
        weights, losses = train(weights, x, t, order, first=first, last=last)
        return np.asarray(losses)

    return run
