"""The network's loss in JAX, differentiated by `jax.grad`.

As in `chainrule.peers.torch_gradient` the functions are written so that their derivatives cancel
nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import log, sqrt
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.special import erfc, logsumexp

from chainrule.core.arrays import Array
from chainrule.core.registry import name_in
from chainrule.nn import activations, losses
from chainrule.nn.activations import Activation
from chainrule.nn.layer_types import (
    AveragePool2D,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    LocallyConnected2D,
    MaxPool2D,
    Recurrent,
    Softmax,
)
from chainrule.nn.losses import LOSSES, Loss
from chainrule.nn.network import Network
from chainrule.peers.forward import (
    JOINS,
    Layers,
    at_each_step,
    dropout,
    logits_and_outputs,
    obstacle_of_layers,
    of_a_step,
    recurrent,
    summed,
)
from chainrule.peers.jax_peer import ACTIVATIONS as PLAIN
from chainrule.peers.jax_peer import LOSSES as PLAIN_LOSSES
from chainrule.peers.jax_peer import PENALTIES, Function, LossFunction

SELU_SCALE, SELU_ALPHA = 1.0507009873554804935, 1.6732632423543772848


def softplus(z: Any) -> Any:
    """ln(1 + eᶻ)."""
    return jnp.logaddexp(z, 0.0)


def sigmoid(z: Any) -> Any:
    """e^(−softplus(−z)), whose derivative is a product."""
    return jnp.exp(-softplus(-z))


def tanh(z: Any) -> Any:
    """As `chainrule.peers.torch_gradient.tanh`."""
    r = jnp.where(z < 0, -z, z)
    m = jnp.expm1(-2 * jnp.where(r < 0.5, r, 0.0))
    t = jnp.exp(-2 * r)
    a = jnp.where(r < 0.5, -m / (2 + m), (1 - t) / (1 + t))
    return jnp.where(z < 0, -a, a)


def softsign(z: Any) -> Any:
    """As `chainrule.peers.torch_gradient.softsign`."""
    r = jnp.where(z < 0, -z, z)
    far = 1 - 1 / (1 + r)
    return jnp.where(r < 1, z / (1 + r), jnp.where(z < 0, -far, far))


def elu(z: Any, alpha: float) -> Any:
    """z above 0, else alpha (eᶻ − 1); JAX's derivative of expm1 is its result and 1."""
    below = jnp.where(z > 0, 0.0, z)
    near, far = jnp.expm1(jnp.where(z > -1, below, 0.0)), jnp.exp(below) - 1
    return jnp.where(z > 0, z, alpha * jnp.where(z > -1, near, far))


def softmax(z: Any) -> Any:
    """e^(−ln Σ_k e^(z_k − z_j)), one for each j, as `chainrule.peers.torch_gradient.softmax`."""
    d = z[:, None, :] - z[:, :, None]
    own = jnp.eye(z.shape[1], dtype=bool)
    return jnp.exp(-logsumexp(jnp.where(own, 0.0, d), axis=2))


FUNCTIONS: Mapping[type[Activation], Callable[[Any], Function]] = {
    **PLAIN,
    activations.Sigmoid: lambda phi: sigmoid,
    activations.Tanh: lambda phi: tanh,
    activations.Softsign: lambda phi: softsign,
    activations.ELU: lambda phi: partial(elu, alpha=phi.alpha),
    activations.SELU: lambda phi: lambda z: SELU_SCALE * elu(z, SELU_ALPHA),
    activations.Softplus: lambda phi: softplus,
    activations.GELU: lambda phi: lambda z: z * (0.5 * erfc(z / -sqrt(2))),
    activations.SiLU: lambda phi: lambda z: z * sigmoid(z),
    activations.Mish: lambda phi: lambda z: z * tanh(softplus(z)),
}


def softmax_cross_entropy(z: Any, t: Any) -> Any:
    """The mean of ln(1 + Σ_{j≠m} e^(z_j − z_m)) + z_m − z_t; the largest is left out by a mask."""
    top = z.argmax(axis=1, keepdims=True)
    is_top = jnp.arange(z.shape[1]) == top
    below = jnp.where(is_top, 0.0, z - jnp.take_along_axis(z, top, axis=1))
    log_sum = jnp.log1p(jnp.where(is_top, 0.0, jnp.exp(below)).sum(axis=1))
    if t.ndim == 1:
        return (log_sum - jnp.take_along_axis(below, t[:, None], axis=1)[:, 0]).mean()
    return (log_sum * t.sum(axis=1) - (t * below).sum(axis=1)).mean()


def sigmoid_cross_entropy(z: Any, t: Any) -> Any:
    """The mean of (1 − t) softplus(z) + t softplus(−z)."""
    return ((1 - t) * softplus(z) + t * softplus(-z)).mean()


def log_cosh(y: Any, t: Any) -> Any:
    """The mean of ln cosh(y − t)."""
    r = jnp.abs(y - t)
    near = jnp.sinh(0.5 * jnp.where(r < 1, y - t, 0.0))
    far = r + jnp.log1p(jnp.exp(-2 * r)) - log(2)
    return jnp.where(r < 1, jnp.log1p(2 * near * near), far).mean()


def hinge(y: Any, t: Any) -> Any:
    """(1/N) Σ_n Σ_{j≠t} max(0, 1 + y_j − y_t)."""
    margins = jax.nn.relu(1 + y - jnp.take_along_axis(y, t[:, None], axis=1))
    return jnp.where(jnp.arange(y.shape[1]) == t[:, None], 0.0, margins).sum() / len(y)


LOSS_FUNCTIONS: Mapping[type[Loss], Callable[[Any], LossFunction]] = {
    **PLAIN_LOSSES,
    losses.CrossEntropy: lambda loss: softmax_cross_entropy,
    losses.BinaryCrossEntropy: lambda loss: sigmoid_cross_entropy,
    losses.LogCosh: lambda loss: log_cosh,
    losses.Hinge: lambda loss: hinge,
}


def _dense(layer: Any, x: Any, own: Mapping[str, Any]) -> tuple[Any, Any]:
    z = x @ own["W"]
    if layer.bias:
        z = z + own["b"]
    return z, FUNCTIONS[type(layer.activation)](layer.activation)(z)


def _images(layer: Any, x: Any) -> Any:
    return x.reshape(len(x), *layer.input_shape)


def _around(layer: Any) -> list[tuple[int, int]]:
    """The layer's padding, before and behind, rows first."""
    top, bottom, left, right = layer.windows.padding
    return [(top, bottom), (left, right)]


def _finished(layer: Any, z: Any) -> tuple[Any, Any]:
    rows = z.reshape(len(z), -1)
    return rows, FUNCTIONS[type(layer.activation)](layer.activation)(rows)


def _conv2d(layer: Any, x: Any, own: Mapping[str, Any]) -> tuple[Any, Any]:
    z = lax.conv(_padded(layer, x), own["W"], layer.stride, "VALID")
    if layer.bias:
        z = z + own["b"][:, None, None]
    return _finished(layer, z)


def _padded(layer: Any, x: Any) -> Any:
    return jnp.pad(_images(layer, x), [(0, 0), (0, 0), *_around(layer)])


def _locally_connected2d(layer: Any, x: Any, own: Mapping[str, Any]) -> tuple[Any, Any]:
    columns = lax.conv_general_dilated_patches(
        _padded(layer, x),
        layer.filter_size,
        layer.stride,
        "VALID",
        precision=lax.Precision.HIGHEST,
    )
    W = own["W"].reshape(*own["W"].shape[:3], -1)
    z = jnp.einsum("nkij,ijfk->nfij", columns, W)
    if layer.bias:
        z = z + own["b"].transpose(2, 0, 1)
    return _finished(layer, z)


def _pooled(layer: Any, x: Any, start: float, combine: Any) -> Any:
    around = [(0, 0), (0, 0), *_around(layer)]
    window, stride = (1, 1, *layer.window_size), (1, 1, *layer.stride)
    return lax.reduce_window(_images(layer, x), start, combine, window, stride, around)


def _max_pool2d(layer: Any, x: Any, own: Mapping[str, Any]) -> tuple[Any, Any]:
    y = _pooled(layer, x, -jnp.inf, lax.max).reshape(len(x), -1)
    return y, y


def _average_pool2d(layer: Any, x: Any, own: Mapping[str, Any]) -> tuple[Any, Any]:
    total = _pooled(layer, x, 0.0, lax.add).reshape(len(x), -1)
    y = total / (layer.window_size[0] * layer.window_size[1])
    return y, y


LAYERS: Layers = {
    **JOINS,
    Dense: at_each_step(jnp, _dense),
    Softmax: at_each_step(jnp, lambda layer, x, own: (x, softmax(x))),
    Recurrent: recurrent(jnp, lambda phi, z: FUNCTIONS[type(phi)](phi)(z)),
    Conv2D: _conv2d,
    LocallyConnected2D: _locally_connected2d,
    MaxPool2D: _max_pool2d,
    AveragePool2D: _average_pool2d,
    Flatten: lambda layer, x, own: (x, x),
    Dropout: dropout(jnp),
}
"""What each layer computes, in JAX."""


def obstacle(network: Network) -> str | None:
    """Why the program cannot be that network; None where it can."""
    found = obstacle_of_layers(network, LAYERS, FUNCTIONS)
    loss = of_a_step(network.loss_function)
    if found is None and type(loss) not in LOSS_FUNCTIONS:
        return f"it has no loss {name_in(LOSSES, loss)}"
    return found


def gradient(network: Network, x: Array, t: Array) -> Array:
    """∂L/∂θ, penalty included, the shape of θ.

    Args:
        network: one that `obstacle` has nothing against.
        x: prepared inputs.
        t: prepared targets.
    """
    with jax.enable_x64(True):
        theta = [jnp.asarray(network.parameters[name]) for name in network.parameters]
        differentiate = jax.jit(jax.grad(partial(_value, network, t)))
        found = differentiate(theta, jnp.asarray(x))
        return np.concatenate([np.asarray(g).ravel() for g in found])


def _value(network: Network, t: Array, theta: Any, x: Any) -> Any:
    parameters = dict(zip(network.parameters, theta, strict=True))
    z, y = logits_and_outputs(network, x, parameters, LAYERS, partial(jnp.concatenate, axis=1))
    start = y if network.from_logits is None else z
    loss = of_a_step(network.loss_function)
    value = summed(LOSS_FUNCTIONS[type(loss)](loss), start, t, jnp.asarray)
    for name, w in parameters.items():
        for kind, rate in network.penalty_rates(name).items():
            value = value + rate * PENALTIES[kind](w)
    return value
