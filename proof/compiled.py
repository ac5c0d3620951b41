"""Activations and losses as the compiled engine computes them, one value at a time."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from chainrule import Dense, Network, Softmax
from chainrule.core.arrays import Array
from chainrule.nn.kernels.jit import SUMS
from chainrule.training.engines import ENGINES
from chainrule.training.engines.compiled.activations import apply_activation
from chainrule.training.engines.compiled.tables import (
    SLOPE,
    A,
    Index,
    Workspace,
    Z,
    make_tables,
)
from chainrule.training.optimizers import SGD


def _apply(k: int, ws: Workspace, start: int, stop: int) -> None:
    apply_activation(k, ws, start, stop)


_compiled: Any = numba.njit(fastmath=SUMS, error_model="numpy")(_apply)


def activation(name: str, z: Array) -> tuple[Array, Array]:
    """φ(z) and φ'(z) as the compiled engine computes them.

    Args:
        name: of the activation.
        z: (n,), float64 or float32.
    """
    network = Network([Dense(len(z), name)], input=1, loss="mse", dtype=str(z.dtype))
    tables = make_tables(network, [False], fill=True)
    units, none = np.zeros((7, tables.units), z.dtype), np.empty((0, 0), z.dtype)
    units[Z, : len(z)] = z
    ws = Workspace(tables.layers, tables.options, none, none, none, none, units)
    _compiled(Index(0), ws, Index(0), Index(tables.units))
    return units[A, : len(z)].copy(), units[SLOPE, : len(z)].copy()


def losses(z: Array, t: Array, loss: str, batch: int) -> tuple[Array, Array]:
    """Losses and δ of single cases as the compiled engine computes them.

    The logits of the network are its inputs. A step of rate 1 from biases of 0 leaves −δ in the
    biases. A batch holds the case several times, which changes neither the mean loss nor δ.

    Args:
        z: logits, (cases, outputs).
        t: prepared targets, one a case.
        loss: ``cross_entropy`` or ``binary_cross_entropy``.
        batch: cases in a minibatch; the engine has a program of its own for 1.
    """
    found, deltas = [], []
    for row, target in zip(z, t, strict=True):
        network = passing_on(len(row), loss)
        optimizer = SGD()
        rates = network.parameters.layout.runs(network.rates(1.0))
        optimizer.bind(network.theta, network.gradients.vector, rates)
        x, same = np.repeat(row[None], batch, axis=0), np.repeat(np.array([target]), batch, axis=0)
        engine = ENGINES["compiled"](
            network, optimizer, x, same, batch_size=batch, classes=loss == "cross_entropy"
        )
        found.append(engine.run(None, 0, 1).losses[0])
        deltas.append(-network.parameters["dense_1.b"])
    return np.array(found), np.array(deltas)


def passing_on(size: int, loss: str) -> Network:
    """A network whose logits are its inputs."""
    end = [Softmax()] if loss == "cross_entropy" else []
    phi = "linear" if loss == "cross_entropy" else "sigmoid"
    network = Network([Dense(size, phi), *end], input=size, loss=loss)
    network.parameters["dense_1.W"] = np.eye(size)
    return network
