"""The network as a JAX program: an epoch is one compiled `jax.lax.scan` over its minibatches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import log
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax, nn

from chainrule.core.arrays import Array
from chainrule.nn import activations, losses
from chainrule.nn.activations import Activation
from chainrule.nn.layer_types import Softmax
from chainrule.nn.losses import Loss
from chainrule.nn.network import Network
from chainrule.peers.base import Peer
from chainrule.peers.parts import dense_layers, rate_of, unknown_part
from chainrule.training import optimizers
from chainrule.training.optimizers import Optimizer

Function = Callable[[Any], Any]
LossFunction = Callable[[Any, Any], Any]
Update = Callable[[Any, Any, Any, Any, Any], tuple[Any, Any]]

ACTIVATIONS: Mapping[type[Activation], Callable[[Any], Function]] = {
    activations.Linear: lambda phi: lambda z: z,
    activations.Sigmoid: lambda phi: nn.sigmoid,
    activations.Tanh: lambda phi: jnp.tanh,
    activations.ReLU: lambda phi: nn.relu,
    activations.LeakyReLU: lambda phi: partial(nn.leaky_relu, negative_slope=phi.slope),
    activations.ELU: lambda phi: partial(nn.elu, alpha=phi.alpha),
    activations.SELU: lambda phi: nn.selu,
    activations.GELU: lambda phi: partial(nn.gelu, approximate=False),
    activations.SiLU: lambda phi: nn.silu,
    activations.Mish: lambda phi: nn.mish,
    activations.Softplus: lambda phi: nn.softplus,
    activations.Softsign: lambda phi: nn.soft_sign,
}
"""JAX's function for each activation of the table."""


def _cross_entropy(z: Any, t: Any) -> Any:
    log_p = nn.log_softmax(z)
    if t.ndim == 1:
        return -jnp.take_along_axis(log_p, t[:, None], axis=1).mean()
    return -(t * log_p).sum() / len(z)


def _binary_cross_entropy(z: Any, t: Any) -> Any:
    return ((1 - t) * nn.softplus(z) + t * nn.softplus(-z)).mean()


def _huber(y: Any, t: Any, delta: float) -> Any:
    r = jnp.abs(y - t)
    return jnp.where(r <= delta, 0.5 * r * r, delta * (r - 0.5 * delta)).mean()


def _log_cosh(y: Any, t: Any) -> Any:
    r = jnp.abs(y - t)
    return (r + nn.softplus(-2 * r) - log(2)).mean()


def _hinge(y: Any, t: Any) -> Any:
    true = jnp.take_along_axis(y, t[:, None], axis=1)
    # The true class would add its margin of 1, whatever its output.
    return (nn.relu(1 + y - true).sum() - len(y)) / len(y)


LOSSES: Mapping[type[Loss], Callable[[Any], LossFunction]] = {
    losses.CrossEntropy: lambda loss: _cross_entropy,
    losses.BinaryCrossEntropy: lambda loss: _binary_cross_entropy,
    losses.MeanSquaredError: lambda loss: lambda y, t: jnp.square(y - t).mean(),
    losses.MeanAbsoluteError: lambda loss: lambda y, t: jnp.abs(y - t).mean(),
    losses.Huber: lambda loss: partial(_huber, delta=loss.delta),
    losses.LogCosh: lambda loss: _log_cosh,
    losses.Hinge: lambda loss: _hinge,
}
"""The losses; those of the first two lines take logits."""

PENALTIES: Mapping[str, Function] = {
    "L2": lambda w: 0.5 * jnp.square(w).sum(),
    "L1": lambda w: (w * jnp.sign(w)).sum(),
}
"""JAX's derivative of |w| at 0 is 1; that of w · sign(w) is 0, as ours: biases start at 0."""


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


RULES: Mapping[type[Optimizer], Update] = {
    optimizers.SGD: _sgd,
    optimizers.Momentum: _momentum,
    optimizers.Adam: _adam,
}
"""What is taken from one array in one step, and the array's new state."""


class JaxPeer(Peer):
    """JAX as its tutorials write it. See `Peer` for the arguments.

    θ is a list of arrays, and an epoch is a single compiled program. The number of threads is
    for the process to say, before JAX is imported.
    """

    name: ClassVar[str] = "jax"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._wide = self.network.dtype == np.float64
        layout = self.network.parameters.layout
        rates = [rate_of(segment, self.optimizer) for segment in layout]
        step = _step_of(_loss_of(self.network), self.optimizer, rates)
        epoch = partial(_epoch, step, self.batch_size)
        self._epoch = jax.jit(epoch, donate_argnums=0)
        with jax.enable_x64(self._wide):
            theta = [jnp.array(self.network.parameters[s.full_name]) for s in layout]
            state = [{n: jnp.zeros_like(w) for n in self.optimizer.state_names} for w in theta]
            self._carry: Any = (theta, state, jnp.zeros((), theta[0].dtype))
            self._x, self._t = jnp.asarray(self.x), jnp.asarray(self.t)

    @classmethod
    def obstacle(cls, network: Network, optimizer: Optimizer) -> str | None:
        """See `Peer.obstacle`."""
        return unknown_part(
            network, optimizer, activations=ACTIVATIONS, losses=LOSSES, rules=RULES
        )

    def run(self, order: Array | None) -> Array:
        """See `Peer.run`."""
        with jax.enable_x64(self._wide):
            scale = self.network.dtype.type(self.optimizer.scale)
            cases = np.arange(len(self.x)) if order is None else order
            self._carry, losses = self._epoch(self._carry, self._x, self._t, cases, scale)
            self._carry[0][0].block_until_ready()  # as all of the program is then
            return np.asarray(losses).astype(float)

    def theta(self) -> Array:
        """See `Peer.theta`."""
        return np.concatenate([np.asarray(w).ravel() for w in self._carry[0]])


def _loss_of(network: Network) -> Callable[[Any, Any, Any], Any]:
    """The network's loss, penalty included, as a function of its arrays and a minibatch."""
    layers, arrays = dense_layers(network), [*network.parameters]
    phis: list[Function] = [ACTIVATIONS[type(la.activation)](la.activation) for la in layers]  # type: ignore[index]
    if isinstance(network.layers[-1], Softmax) and network.from_logits is None:
        phis[-1] = _then_softmax(phis[-1])
    elif network.from_logits is not None and not isinstance(network.layers[-1], Softmax):
        phis[-1] = lambda z: z
    loss = LOSSES[type(network.loss_function)](network.loss_function)
    penalties = {name: network.penalty_rates(name) for name in arrays}

    def total(theta: Any, x: Any, t: Any) -> Any:
        own = dict(zip(arrays, theta, strict=True))
        for layer, phi in zip(layers, phis, strict=True):
            z = x @ own[f"{layer.name}.W"]
            x = phi(z + own[f"{layer.name}.b"] if layer.bias else z)
        value = loss(x, t)
        for name, rates in penalties.items():
            for kind, rate in rates.items():
                value = value + rate * PENALTIES[kind](own[name])
        return value

    return total


def _then_softmax(phi: Function) -> Function:
    return lambda z: nn.softmax(phi(z))


def _step_of(loss: Any, rule: Optimizer, rates: list[float]) -> Callable[..., tuple[Any, Any]]:
    """One minibatch: from θ, the rule's state and the count of steps to the next, and the loss."""
    update = RULES[type(rule)]

    def step(carry: Any, x: Any, t: Any, scale: Any) -> tuple[Any, Any]:
        theta, state, steps = carry
        value, gradient = jax.value_and_grad(loss)(theta, x, t)
        steps = steps + 1
        changes = [
            update(rule, steps, rate * scale, g, s)
            for rate, g, s in zip(rates, gradient, state, strict=True)
        ]
        theta = [w - change for w, (change, _) in zip(theta, changes, strict=True)]
        return (theta, [s for _, s in changes], steps), value

    return step


def _epoch(step: Any, batch: int, carry: Any, x: Any, t: Any, order: Any, scale: Any) -> Any:
    """All minibatches of an epoch: the whole ones in a loop, then a smaller one if there is.

    A minibatch is gathered when its turn comes: with one case each that was a quarter faster
    than to bring all cases into order first, and it takes no copy of them.
    """

    def minibatch(now: Any, cases: Any) -> Any:
        return step(now, x[cases], t[cases], scale)

    whole = len(order) // batch * batch
    carry, losses = lax.scan(minibatch, carry, order[:whole].reshape(-1, batch))
    if whole < len(order):
        carry, last = minibatch(carry, order[whole:])
        losses = jnp.append(losses, last)
    return carry, losses
