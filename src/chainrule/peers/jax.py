"""The network as a JAX program, its loss differentiated by `jax.grad`, and JAX's counterparts.

An activation or a loss has a plain form, for training, and a formula, for the check of gradients;
see `Forms`. As in PyTorch, a case has its own shape between layers: (features,),
(channels, height, width) or (steps, features).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from math import inf, log, nan, sqrt
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax, nn
from jax.scipy.special import erfc, logsumexp

from chainrule.core.arrays import Array
from chainrule.core.sequences import NO_CLASS, are_sequences
from chainrule.nn import activations, layer_types, losses
from chainrule.nn.activations import Activation
from chainrule.nn.graph import INPUT
from chainrule.nn.layer_types import Layer
from chainrule.nn.losses import Loss
from chainrule.nn.network import Network
from chainrule.nn.sequences.gated import Gated
from chainrule.nn.sequences.losses import loss_of_a_step
from chainrule.peers.base import Peer
from chainrule.training import optimizers
from chainrule.training.engines.other_libraries import (
    Forms,
    Library,
    Step,
    decay_of,
    gru_step,
    log_cosh,
    lstm_step,
    rate_of,
    recurrence,
    recurrent_step,
    sigmoid,
    softmax,
    softplus,
    softsign,
    tanh,
)
from chainrule.training.optimizers import Optimizer

# Activations

SELU_SCALE, SELU_ALPHA = 1.0507009873554804935, 1.6732632423543772848


def elu(z: Any, alpha: float) -> Any:
    """z above 0, else alpha (eᶻ − 1).

    Below −1 it is written with exp, because JAX computes the derivative of expm1 as expm1 + 1,
    which loses its digits there.
    """
    below = jnp.where(z > 0, 0.0, z)
    near, far = jnp.expm1(jnp.where(z > -1, below, 0.0)), jnp.exp(below) - 1
    return jnp.where(z > 0, z, alpha * jnp.where(z > -1, near, far))


ACTIVATIONS: Mapping[type[Activation], Forms] = {
    activations.Linear: Forms(lambda phi: lambda z: z),
    activations.Sigmoid: Forms(lambda phi: nn.sigmoid, formula=lambda phi: partial(sigmoid, jnp)),
    activations.Tanh: Forms(lambda phi: jnp.tanh, formula=lambda phi: partial(tanh, jnp)),
    activations.ReLU: Forms(lambda phi: nn.relu),
    activations.LeakyReLU: Forms(lambda phi: partial(nn.leaky_relu, negative_slope=phi.slope)),
    activations.ELU: Forms(
        lambda phi: partial(nn.elu, alpha=phi.alpha),
        formula=lambda phi: partial(elu, alpha=phi.alpha),
    ),
    activations.SELU: Forms(
        lambda phi: nn.selu, formula=lambda phi: lambda z: SELU_SCALE * elu(z, SELU_ALPHA)
    ),
    activations.GELU: Forms(
        lambda phi: partial(nn.gelu, approximate=False),
        formula=lambda phi: lambda z: z * (0.5 * erfc(z / -sqrt(2))),
    ),
    activations.SiLU: Forms(
        lambda phi: nn.silu, formula=lambda phi: lambda z: z * sigmoid(jnp, z)
    ),
    activations.Mish: Forms(
        lambda phi: nn.mish,
        formula=lambda phi: lambda z: z * tanh(jnp, softplus(jnp, z)),
    ),
    activations.Softplus: Forms(
        lambda phi: nn.softplus, formula=lambda phi: partial(softplus, jnp)
    ),
    activations.Softsign: Forms(
        lambda phi: nn.soft_sign, formula=lambda phi: partial(softsign, jnp)
    ),
}
"""The activations."""

SOFTMAX = Forms(lambda layer: nn.softmax, formula=lambda layer: partial(softmax, jnp, logsumexp))
"""Softmax along the last axis."""


# Losses of each row along the last axis; a network's loss is their mean


def _of_true_class(values: Any, t: Any) -> Any:
    """The entry of each row at its true class."""
    return jnp.take_along_axis(values, t[..., None], axis=-1)[..., 0]


def plain_cross_entropy(z: Any, t: Any) -> Any:
    """−ln softmax(z) at the true class, or its sum weighted by the distribution t."""
    log_p = nn.log_softmax(z)
    return -_of_true_class(log_p, t) if t.ndim < z.ndim else -(t * log_p).sum(axis=-1)


def cross_entropy(z: Any, t: Any) -> Any:
    """As `chainrule.training.engines.torch.functions.softmax_cross_entropy`, for each row."""
    top = z.argmax(axis=-1, keepdims=True)
    is_top = jnp.arange(z.shape[-1]) == top
    below = jnp.where(is_top, 0.0, z - jnp.take_along_axis(z, top, axis=-1))
    log_sum = jnp.log1p(jnp.where(is_top, 0.0, jnp.exp(below)).sum(axis=-1))
    if t.ndim < z.ndim:
        return log_sum - _of_true_class(below, t)
    return log_sum * t.sum(axis=-1) - (t * below).sum(axis=-1)


def binary_cross_entropy(softplus_of: Any, z: Any, t: Any) -> Any:
    """The mean over the outputs of (1 − t) softplus(z) + t softplus(−z)."""
    return ((1 - t) * softplus_of(z) + t * softplus_of(-z)).mean(axis=-1)


def _smoothing(of_classes: bool, made: Any, loss: Any) -> Any:
    """A cross-entropy ``made(z, t)`` of targets that are smoothed where ``loss`` says so.

    Args:
        of_classes: whether the outputs are a distribution; otherwise each is a probability.
        made: the loss of each row without smoothing.
        loss: ours, with its ``label_smoothing``.
    """
    epsilon = loss.label_smoothing
    if not epsilon:
        return made

    def smoothed(z: Any, t: Any) -> Any:
        known = nn.one_hot(t, z.shape[-1], dtype=z.dtype) if t.ndim < z.ndim else t
        return made(z, (1 - epsilon) * known + epsilon / (z.shape[-1] if of_classes else 2))

    return smoothed


def huber(delta: float, y: Any, t: Any) -> Any:
    """The mean of ½ d² where |d| ≤ delta, and of its tangent beyond, for d = y − t."""
    r = jnp.abs(y - t)
    return jnp.where(r <= delta, 0.5 * r * r, delta * (r - 0.5 * delta)).mean(axis=-1)


def plain_log_cosh(y: Any, t: Any) -> Any:
    """The mean of ln cosh d = |d| + softplus(−2 |d|) − ln 2 for d = y − t."""
    r = jnp.abs(y - t)
    return (r + nn.softplus(-2 * r) - log(2)).mean(axis=-1)


def hinge(y: Any, t: Any) -> Any:
    """Σ_{j≠t} max(0, 1 + y_j − y_t)."""
    margins = nn.relu(1 + y - _of_true_class(y, t)[..., None])
    return jnp.where(jnp.arange(y.shape[-1]) == t[..., None], 0.0, margins).sum(axis=-1)


LOSSES: Mapping[type[Loss], Forms] = {
    losses.CrossEntropy: Forms(
        partial(_smoothing, True, plain_cross_entropy),
        formula=partial(_smoothing, True, cross_entropy),
    ),
    losses.BinaryCrossEntropy: Forms(
        partial(_smoothing, False, partial(binary_cross_entropy, nn.softplus)),
        formula=partial(_smoothing, False, partial(binary_cross_entropy, partial(softplus, jnp))),
    ),
    losses.MeanSquaredError: Forms(lambda loss: lambda y, t: jnp.square(y - t).mean(axis=-1)),
    losses.MeanAbsoluteError: Forms(lambda loss: lambda y, t: jnp.abs(y - t).mean(axis=-1)),
    losses.Huber: Forms(lambda loss: partial(huber, loss.delta)),
    losses.LogCosh: Forms(
        lambda loss: plain_log_cosh,
        formula=lambda loss: lambda y, t: log_cosh(jnp, y - t).mean(axis=-1),
    ),
    losses.Hinge: Forms(lambda loss: hinge),
}
"""The losses. Both cross-entropies take logits, since networks always compute them from these."""

PENALTIES: Mapping[str, Callable[[Any], Any]] = {
    "L2": lambda w: 0.5 * jnp.square(w).sum(),
    "L1": lambda w: (w * jnp.sign(w)).sum(),
}
"""|w| is written as w · sign(w), whose derivative at 0 is 0, as ours. JAX's derivative of |w| at 0
is 1, which would move biases, since they start at 0."""


# Layers


# A layer's entry computes its output from its input x (from the list of its inputs if it joins
# several), its parameters and its dropout mask by name, and the function φ that it ends with.


def _dense(layer: Any, x: Any, own: Mapping[str, Any], phi: Any) -> Any:
    """Sequences are mapped step by step; a step that is padding, all NaN, stays padding."""
    padded = jnp.isnan(x).all(axis=-1, keepdims=True) if x.ndim == 3 else None
    z = (x if padded is None else jnp.where(padded, 0.0, x)) @ own["W"]
    if layer.bias:
        z = z + own["b"]
    return phi(z if padded is None else jnp.where(padded, nan, z))


def _around(layer: Any) -> list[tuple[int, int]]:
    """The layer's padding before and after each axis of x."""
    top, bottom, left, right = layer.windows.padding
    return [(0, 0), (0, 0), (top, bottom), (left, right)]


def _conv2d(layer: Any, x: Any, own: Mapping[str, Any], phi: Any) -> Any:
    z = lax.conv(jnp.pad(x, _around(layer)), own["W"], layer.stride, "VALID")
    return phi(z + own["b"][:, None, None] if layer.bias else z)


def _locally_connected2d(layer: Any, x: Any, own: Mapping[str, Any], phi: Any) -> Any:
    columns = lax.conv_general_dilated_patches(
        jnp.pad(x, _around(layer)),
        layer.filter_size,
        layer.stride,
        "VALID",
        precision=lax.Precision.HIGHEST,
    )
    W = own["W"].reshape(*own["W"].shape[:3], -1)
    z = jnp.einsum("nkij,ijfk->nfij", columns, W)
    return phi(z + own["b"].transpose(2, 0, 1) if layer.bias else z)


def _pooled(layer: Any, x: Any, initial: float, combine: Any) -> Any:
    window, stride = (1, 1, *layer.window_size), (1, 1, *layer.stride)
    return lax.reduce_window(x, initial, combine, window, stride, _around(layer))


def _average_pool2d(layer: Any, x: Any, own: Mapping[str, Any], phi: Any) -> Any:
    return _pooled(layer, x, 0.0, lax.add) / (layer.window_size[0] * layer.window_size[1])


def _unrolled(step: Callable[[Any], Step]) -> Callable[..., Any]:
    """The entry of a layer with a state; ``step`` makes its step from its function(s)."""

    def output(layer: Any, x: Any, own: Mapping[str, Any], phi: Any) -> Any:
        starts = np.split(layer.start, len(layer.state_names))
        given = {
            f"{name}0": jnp.asarray(start, x.dtype)
            for name, start in zip(layer.state_names, starts, strict=True)
        }
        return recurrence(jnp, lax.stop_gradient, layer, x, {**given, **own}, step(phi))

    return output


def _without_padding(layer: Any, x: Any) -> tuple[Any, Any]:
    """The input with 0 at padding, and 1 at real steps and 0 at padding, or 1 alone."""
    if x.ndim != 3:
        return x, 1.0
    padded = jnp.isnan(x).all(axis=-1, keepdims=True)
    return jnp.where(padded, 0.0, x), jnp.where(padded, 0.0, 1.0)


def _layer_norm(layer: Any, x: Any, own: Mapping[str, Any], phi: Any) -> Any:
    numbers, real = _without_padding(layer, x)
    axes = tuple(range(2 if x.ndim == 3 else 1, x.ndim))
    away = numbers - numbers.mean(axes, keepdims=True)
    variance = jnp.square(away).mean(axes, keepdims=True)
    y = phi(own["gamma"] * (away / jnp.sqrt(variance + layer.epsilon)) + own["beta"])
    return y if x.ndim != 3 else jnp.where(real == 0, nan, y)


def _batch_statistics(layer: Any, x: Any) -> tuple[Any, Any, Any]:
    """Mean and variance of each feature or channel, and how many numbers it has."""
    x, real = _without_padding(layer, x)
    axes = (0, 1) if x.ndim == 3 else (0, *range(2, x.ndim))
    count = jnp.broadcast_to(real, (*x.shape[:-1], 1) if x.ndim == 3 else x.shape).sum(axes)
    shape = _of_channels(x)
    mean = x.sum(axes) / count
    away = (x - mean.reshape(shape)) * real
    return mean, jnp.square(away).sum(axes) / count, count


def _of_channels(x: Any) -> tuple[int, ...]:
    """The shape in which an array of a number a channel broadcasts to x."""
    return (-1,) if x.ndim == 3 else (-1, *(1,) * (x.ndim - 2))


def _batch_norm(layer: Any, x: Any, own: Mapping[str, Any], phi: Any) -> Any:
    numbers, real = _without_padding(layer, x)
    mean, variance = own["mean"], own["variance"]
    if own["training"]:
        mean, variance, _ = _batch_statistics(layer, x)
    shape = _of_channels(x)
    away = (numbers - mean.reshape(shape)) / jnp.sqrt(variance + layer.epsilon).reshape(shape)
    y = phi(own["gamma"].reshape(shape) * away + own["beta"].reshape(shape))
    return y if x.ndim != 3 else jnp.where(real == 0, nan, y)


def _after_batch_norm(layer: Any, x: Any, own: Mapping[str, Any]) -> dict[str, Any]:
    mean, variance, count = _batch_statistics(layer, x)
    several = count > 1
    unbiased = variance * count / jnp.where(several, count - 1, 1)
    target = {"mean": mean, "variance": jnp.where(several, unbiased, own["variance"])}
    return {name: own[name] + layer.momentum * (target[name] - own[name]) for name in target}


RUNNING: Mapping[type[Layer], Callable[[Any, Any, Mapping[str, Any]], dict[str, Any]]] = {
    layer_types.BatchNorm: _after_batch_norm,
}
"""What training makes of the untrained arrays of a layer, from its input and its arrays."""


def _embedding(layer: Any, x: Any, own: Mapping[str, Any], phi: Any) -> Any:
    """The vectors of class numbers; −1 becomes zeros, and padding, NaN, stays padding."""
    is_known = x >= 0
    vectors = own["E"][jnp.where(is_known, x, 0.0).astype(int)]
    rows = jnp.where(is_known[..., None], vectors, 0.0).reshape(*x.shape[:-1], -1)
    return jnp.where(jnp.isnan(x).all(axis=-1, keepdims=True), nan, rows)


LAYERS: Mapping[type[Layer], Callable[[Any, Any, Mapping[str, Any], Any], Any]] = {
    layer_types.Dense: _dense,
    layer_types.Conv2D: _conv2d,
    layer_types.LocallyConnected2D: _locally_connected2d,
    layer_types.MaxPool2D: lambda layer, x, own, phi: _pooled(layer, x, -inf, lax.max),
    layer_types.AveragePool2D: _average_pool2d,
    layer_types.GlobalAveragePool2D: lambda layer, x, own, phi: x.mean(axis=(2, 3)),
    layer_types.Embedding: _embedding,
    layer_types.Recurrent: _unrolled(recurrent_step),
    layer_types.LSTM: _unrolled(lambda functions: lstm_step(*functions)),
    layer_types.GRU: _unrolled(lambda functions: gru_step(*functions)),
    layer_types.Dropout: lambda layer, x, own, phi: (
        x * own["mask"].reshape(x.shape) if "mask" in own else x
    ),
    layer_types.BatchNorm: _batch_norm,
    layer_types.LayerNorm: _layer_norm,
    layer_types.Flatten: lambda layer, x, own, phi: x.reshape(len(x), -1),
    layer_types.Softmax: lambda layer, x, own, phi: phi(x),
    layer_types.Add: lambda layer, sources, own, phi: sum(sources[1:], start=sources[0]),
    layer_types.Concatenate: lambda layer, sources, own, phi: jnp.concatenate(
        sources, axis=layer.axis
    ),
}
"""The layers."""


# Update rules: the amount subtracted from one array in one step, and the array's new state


def _sgd(rule: Any, steps: Any, rate: Any, g: Any, state: Any) -> tuple[Any, Any]:
    return rate * g, state


def _momentum(rule: Any, steps: Any, rate: Any, g: Any, state: Any) -> tuple[Any, Any]:
    velocity = rule.momentum * state["velocity"] + g
    ahead = g + rule.momentum * velocity if rule.nesterov else velocity
    return rate * ahead, {"velocity": velocity}


def _adam(rule: Any, steps: Any, rate: Any, g: Any, state: Any) -> tuple[Any, Any]:
    m = rule.beta1 * state["m"] + (1 - rule.beta1) * g
    v = rule.beta2 * state["v"] + (1 - rule.beta2) * g * g
    root = jnp.sqrt(v / (1 - rule.beta2**steps)) + rule.epsilon
    return rate * (m / (1 - rule.beta1**steps)) / root, {"m": m, "v": v}


def _nadam(rule: Any, steps: Any, rate: Any, g: Any, state: Any) -> tuple[Any, Any]:
    def mu(n: Any) -> Any:
        return rule.beta1 * (1 - 0.5 * 0.96 ** (n * rule.momentum_decay))

    m = rule.beta1 * state["m"] + (1 - rule.beta1) * g
    v = rule.beta2 * state["v"] + (1 - rule.beta2) * g * g
    product = state["product"] * mu(steps)
    ahead = mu(steps + 1) * m / (1 - product * mu(steps + 1))
    m_hat = (1 - mu(steps)) * g / (1 - product) + ahead
    root = jnp.sqrt(v / (1 - rule.beta2**steps)) + rule.epsilon
    return rate * m_hat / root, {"m": m, "v": v, "product": product}


def _adagrad(rule: Any, steps: Any, rate: Any, g: Any, state: Any) -> tuple[Any, Any]:
    square = state["square"] + g * g
    return rate * g / (jnp.sqrt(square) + rule.epsilon), {"square": square}


def _rmsprop(rule: Any, steps: Any, rate: Any, g: Any, state: Any) -> tuple[Any, Any]:
    after = {"square": rule.alpha * state["square"] + (1 - rule.alpha) * g * g}
    spread = after["square"]
    if rule.centered:
        after["mean"] = rule.alpha * state["mean"] + (1 - rule.alpha) * g
        spread = jnp.maximum(spread - after["mean"] ** 2, 0)
    change = g / (jnp.sqrt(spread) + rule.epsilon)
    if rule.momentum:
        change = after["velocity"] = rule.momentum * state["velocity"] + change
    return rate * change, {**state, **after}


RULES: Mapping[type[Optimizer], Callable[[Any, Any, Any, Any, Any], tuple[Any, Any]]] = {
    optimizers.SGD: _sgd,
    optimizers.Momentum: _momentum,
    optimizers.AdaGrad: _adagrad,
    optimizers.RMSProp: _rmsprop,
    optimizers.Adam: _adam,
    optimizers.AdamW: _adam,
    optimizers.Nadam: _nadam,
}
"""The optimisers; the decay of AdamW is subtracted in `_step_of`."""


def _start_of(rule: Optimizer, w: Any) -> dict[str, Any]:
    """The state of a rule for one array before the first step."""
    state = {name: jnp.zeros_like(w) for name in rule.state_names}
    if isinstance(rule, optimizers.AdaGrad):
        state["square"] = jnp.full_like(w, rule.initial)
    if isinstance(rule, optimizers.Nadam):
        state["product"] = jnp.ones((), w.dtype)
    return state


LIBRARY = Library(LAYERS, ACTIVATIONS, LOSSES, PENALTIES, RULES)
"""The parts that have a counterpart in JAX."""


# The loss of a network


def masks_of(network: Network, cases: int) -> dict[str, Array]:
    """The masks of dropout at this step of training, by layer name; none in evaluation."""
    layers: list[Any] = [la for la in network.layers if isinstance(la, layer_types.Dropout)]
    masks = {layer.name: layer.draw_mask(cases, network.dtype) for layer in layers}
    return {name: mask for name, mask in masks.items() if mask is not None}


def total_loss(
    network: Network,
    form: str,
    theta: Iterable[Any],
    x: Any,
    t: Any,
    masks: Mapping[str, Any],
    weights: Any = None,
    *,
    training: bool,
) -> tuple[Any, list[Any]]:
    """The network's loss, penalty included, and what becomes of each array that is not trained.

    Args:
        network: made of parts that have a counterpart in JAX.
        form: the form of activations and losses, ``plain`` or ``formula``.
        theta: the arrays of θ in their order.
        x: inputs, (cases, input).
        t: prepared targets.
        masks: the masks of dropout, as `masks_of` gives them.
        weights: prepared weights.
        training: whether the layers are in training mode.

    Returns:
        The loss, and for each array of θ its value after a step of training where it is not
        trained, else None.
    """
    parameters = {
        s.full_name: w if s.trained else lax.stop_gradient(w)
        for s, w in zip(network.parameters.layout, theta, strict=True)
    }
    running: dict[str, Any] = {}
    made: dict[int, Any] = {INPUT: x.reshape(len(x), *network.input_shape)}
    last = network.graph.order[-1]
    for k in network.graph.order:
        layer = network.layers[k]
        own = {name: parameters[f"{layer.name}.{name}"] for name in layer.shapes()}
        if layer.name in masks:
            own["mask"] = masks[layer.name]
        own["training"] = training
        sources = [made[source] for source in network.graph.sources[k]]
        given = sources if layer.joins else sources[0]
        ends_with_logits = k == last and network.from_logits is not None
        phi = (lambda z: z) if ends_with_logits else _function_of(layer, form)
        made[k] = LAYERS[layer.__class__](layer, given, own, phi)
        if layer.untrained:
            after = RUNNING[layer.__class__](layer, lax.stop_gradient(given), own)
            running |= {f"{layer.name}.{name}": value for name, value in after.items()}
    value = _data_loss(network, form, made[last], t, weights)
    for name, w in parameters.items():
        for kind, rate in network.penalty_rates(name).items():
            value = value + rate * PENALTIES[kind](w)
    return value, [running.get(name) for name in parameters]


def _function_of(layer: Any, form: str) -> Any:
    """The function that a layer ends with: its activation, else softmax, if it uses any.

    Of a layer with gates it is a pair, the sigmoid of the gates and tanh.
    """
    if isinstance(layer, Gated):
        kinds = (activations.Sigmoid(), activations.Tanh())
        return [ACTIVATIONS[type(phi)].made(form, phi) for phi in kinds]
    phi = getattr(layer, "activation", None)
    return SOFTMAX.made(form, layer) if phi is None else ACTIVATIONS[type(phi)].made(form, phi)


def _data_loss(network: Network, form: str, y: Any, t: Any, weights: Any) -> Any:
    """The loss without penalty; for sequences the mean over the cases of the sum over the steps.

    A step without a target has no loss. Its output is replaced before the loss is computed, since
    the NaN of padding would otherwise reach the gradient as 0 · NaN.
    """
    ours = loss_of_a_step(network.loss_function)
    loss = LOSSES[type(ours)].made(form, ours)
    if not are_sequences(t):
        by_case = loss(y.reshape(len(t), -1), t)
        return by_case.mean() if weights is None else (weights * by_case).mean()
    has_target = t != NO_CLASS if t.ndim == 2 else ~jnp.isnan(t[:, :, 0])
    y = jnp.where(has_target[..., None], y, 0.0)
    t = jnp.where(has_target if t.ndim == 2 else has_target[..., None], t, 0)
    by_step = jnp.where(has_target, loss(y, t), 0.0)
    return (by_step if weights is None else weights[:, None] * by_step).sum() / len(t)


def gradient(network: Network, x: Array, t: Array, weights: Array | None = None) -> Array:
    """∂L/∂θ, penalty included, the shape of θ.

    Args:
        network: one that `LIBRARY` can compute.
        x: prepared inputs.
        t: prepared targets.
        weights: prepared weights.
    """
    with jax.enable_x64(True):
        theta = [jnp.asarray(network.parameters[name]) for name in network.parameters]
        loss = partial(total_loss, network, "formula", training=network.context.training)
        differentiate = jax.jit(jax.grad(loss, has_aux=True))
        masks = masks_of(network, len(x))
        w = None if weights is None else jnp.asarray(weights)
        found, _ = differentiate(theta, jnp.asarray(x), jnp.asarray(t), masks, w)
        return np.concatenate([np.asarray(g).ravel() for g in found])


# The training program


class JaxPeer(Peer):
    """A training program in the style of JAX's tutorials. See `Peer` for the arguments.

    θ is a list of arrays, and an epoch is one compiled `jax.lax.scan` over its minibatches. The
    number of threads is not used: the process must set it before JAX is imported.
    """

    name: ClassVar[str] = "jax"
    library: ClassVar[Library] = LIBRARY

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._wide = self.network.dtype == np.float64
        layout = self.network.parameters.layout
        rates = [rate_of(segment, self.optimizer) for segment in layout]
        loss = partial(total_loss, self.network, "plain", training=True)
        decays = [decay_of(segment, self.optimizer) for segment in layout]
        step = _step_of(loss, self.optimizer, rates, decays, self.clip_gradient_norm)
        self._epoch = jax.jit(partial(_epoch, step, self.batch_size), donate_argnums=0)
        with jax.enable_x64(self._wide):
            theta = [jnp.array(self.network.parameters[s.full_name]) for s in layout]
            state = [_start_of(self.optimizer, w) for w in theta]
            self._carry: Any = (theta, state, jnp.zeros((), theta[0].dtype))
            self._x, self._t = jnp.asarray(self.x), jnp.asarray(self.t)
            self._w = None if self.weights is None else jnp.asarray(self.weights)

    def run(self, order: Array | None, scales: Array | None = None) -> Array:
        """See `Peer.run`."""
        with jax.enable_x64(self._wide):
            minibatches = -(-len(self.x) // self.batch_size)
            of_each = np.full(minibatches, self.optimizer.scale) if scales is None else scales
            cases = np.arange(len(self.x)) if order is None else order
            self._carry, losses = self._epoch(
                *(self._carry, self._x, self._t, self._w, cases, self._masks()),
                of_each.astype(self.network.dtype),
            )
            self._carry[0][0].block_until_ready()  # wait for the whole program
            return np.asarray(losses).astype(float)

    def _masks(self) -> dict[str, Array]:
        """The masks of dropout for an epoch's minibatches, (minibatches, batch, width) a layer."""
        found = []
        with self.network.training_mode(self.seed) as context:
            for _ in range(0, len(self.x), self.batch_size):
                context.step = self.steps
                found.append(masks_of(self.network, self.batch_size))
                self.steps += 1
        return {name: np.stack([masks[name] for masks in found]) for name in found[0]}

    def theta(self) -> Array:
        """See `Peer.theta`."""
        return np.concatenate([np.asarray(w).ravel() for w in self._carry[0]])


def _step_of(
    loss: Any, rule: Optimizer, rates: list[Any], decays: list[float], clip: float | None
) -> Callable[..., tuple[Any, Any]]:
    """One training step: θ, the rule's state and the step count after it, and the loss."""
    update = RULES[type(rule)]

    def step(carry: Any, x: Any, t: Any, w: Any, masks: Any, scale: Any) -> tuple[Any, Any]:
        theta, state, steps = carry
        (value, running), gradient = jax.value_and_grad(loss, has_aux=True)(theta, x, t, masks, w)
        if clip is not None:
            norm = jnp.sqrt(sum(jnp.square(g).sum() for g in gradient))
            gradient = [jnp.where(norm > clip, g * (clip / norm), g) for g in gradient]
        steps = steps + 1
        changes = [
            (0, s) if rate is None else update(rule, steps, rate * scale, g, s)
            for rate, g, s in zip(rates, gradient, state, strict=True)
        ]
        theta = [
            _changed(w, change, rate * scale * decay) if after is None else after
            for w, (change, _), rate, decay, after in zip(
                theta, changes, rates, decays, running, strict=True
            )
        ]
        return (theta, [s for _, s in changes], steps), value

    return step


def _changed(w: Any, change: Any, decay: Any) -> Any:
    """An array after a step, which first falls by ``decay`` of itself."""
    return (1 - decay) * w - change


def _epoch(
    step: Any, batch: int, carry: Any, x: Any, t: Any, w: Any, order: Any, masks: Any, scales: Any
) -> Any:
    """All minibatches of an epoch: those of full size in a loop, then a smaller last one if any.

    The cases of a minibatch are gathered when its turn comes. For minibatches of one case this is
    a quarter faster than permuting all cases first, and it needs no copy of them.
    """

    def minibatch(carry: Any, given: Any) -> Any:
        cases, its_masks, scale = given
        own = None if w is None else w[cases]
        return step(carry, x[cases], t[cases], own, its_masks, scale)

    count, rest = divmod(len(order), batch)
    whole = order[: count * batch].reshape(-1, batch)
    of_whole = {name: m[:count] for name, m in masks.items()}
    carry, losses = lax.scan(minibatch, carry, (whole, of_whole, scales[:count]))
    if rest:
        last = {name: mask[count, :rest] for name, mask in masks.items()}
        carry, loss = minibatch(carry, (order[count * batch :], last, scales[count]))
        losses = jnp.append(losses, loss)
    return carry, losses
