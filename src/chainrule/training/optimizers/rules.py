"""The update rules that treat every parameter by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import ClassVar

import numpy as np

from chainrule.core.arguments import (
    require_above_0,
    require_at_least_0,
    require_flag,
    require_fraction,
)
from chainrule.core.arrays import Array
from chainrule.training.optimizers.base import Optimizer, Rates, without


@dataclass
class SGD(Optimizer):
    """Stochastic gradient descent: ``theta -= rate * gradient``."""

    def _update(
        self, rate: float, theta: Array, gradient: Array, scratch: Array, **state: Array
    ) -> None:
        np.multiply(gradient, rate, out=scratch)
        np.subtract(theta, scratch, out=theta)


@dataclass
class Momentum(Optimizer):
    """Stochastic gradient descent with momentum.

    ``velocity = momentum * velocity + gradient``, then ``theta -= rate * velocity``, or with
    Nesterov's momentum ``theta -= rate * (gradient + momentum * velocity)``.

    Source: Sutskever et al., *On the importance of initialization and momentum in deep
    learning* (2013), with the rate applied to the velocity, as PyTorch does.

    Attributes:
        momentum: at least 0, below 1.
        nesterov: use Nesterov's momentum.
    """

    default_rate: ClassVar[float] = 0.05
    state_names: ClassVar[tuple[str, ...]] = ("velocity",)

    momentum: float = 0.9
    nesterov: bool = False

    def __post_init__(self) -> None:
        require_fraction("momentum", self.momentum)
        require_flag("nesterov", self.nesterov)

    def _update(
        self, rate: float, theta: Array, gradient: Array, scratch: Array, **state: Array
    ) -> None:
        velocity = state["velocity"]
        velocity *= self.momentum
        velocity += gradient
        if self.nesterov:
            np.multiply(velocity, self.momentum, out=scratch)
            scratch += gradient
            scratch *= rate
        else:
            np.multiply(velocity, rate, out=scratch)
        theta -= scratch


@dataclass
class AdaGrad(Optimizer):
    """AdaGrad: each parameter's rate falls with the sum of its squared gradients so far.

    ``square = square + gradient**2``, starting at ``initial``;
    ``theta -= rate * gradient / (sqrt(square) + epsilon)``.

    Source: Duchi, Hazan and Singer, *Adaptive subgradient methods for online learning and
    stochastic optimization* (2011), with diagonal matrices.

    Attributes:
        epsilon: added to the denominator so that it is never 0; above 0.
        initial: the sum of squares to start with, at least 0.
    """

    default_rate: ClassVar[float] = 0.05
    state_names: ClassVar[tuple[str, ...]] = ("square",)

    epsilon: float = 1e-10
    initial: float = 0.0

    def __post_init__(self) -> None:
        require_above_0("epsilon", self.epsilon)
        require_at_least_0("initial", self.initial)

    def bind(
        self, theta: Array, gradient: Array, rates: Rates, biases: Sequence[slice] = ()
    ) -> None:
        """See `Optimizer.bind`."""
        super().bind(theta, gradient, rates, biases)
        self.state["square"][...] = self.initial

    def _update(
        self, rate: float, theta: Array, gradient: Array, scratch: Array, **state: Array
    ) -> None:
        square = state["square"]
        square += np.multiply(gradient, gradient, out=scratch)
        np.sqrt(square, out=scratch)
        scratch += self.epsilon
        np.divide(gradient, scratch, out=scratch)
        scratch *= rate
        theta -= scratch


@dataclass
class RMSProp(Optimizer):
    """RMSProp: the gradient is divided by the root of a running mean of its squares.

    ``square = alpha * square + (1 - alpha) * gradient**2``;
    ``theta -= rate * gradient / (sqrt(square) + epsilon)``.

    Centred, the mean of the gradient is taken off, which leaves an estimate of its variance:
    ``mean = alpha * mean + (1 - alpha) * gradient``, and ``square - mean**2``, but at least 0,
    stands in place of ``square`` under the root. With momentum,
    ``velocity = momentum * velocity + gradient / (sqrt(…) + epsilon)`` and
    ``theta -= rate * velocity``.

    Source: Hinton, *Neural networks for machine learning*, lecture 6.5 (2012); centred: Graves,
    *Generating sequences with recurrent neural networks* (2013), equations 38 to 41. ``epsilon``
    stands outside of the root and the rate outside of the velocity, as in PyTorch.

    Attributes:
        alpha: decay rate of the running means, at least 0, below 1.
        epsilon: added to the denominator so that it is never 0; above 0.
        momentum: at least 0, below 1.
        centered: whether to divide by the root of the variance.
    """

    default_rate: ClassVar[float] = 0.005

    alpha: float = 0.99
    epsilon: float = 1e-8
    momentum: float = 0.0
    centered: bool = False

    def __post_init__(self) -> None:
        require_fraction("alpha", self.alpha)
        require_above_0("epsilon", self.epsilon)
        require_fraction("momentum", self.momentum)
        require_flag("centered", self.centered)

    @property
    def is_plain(self) -> bool:
        """Whether it is neither centred nor has momentum."""
        return not (self.centered or self.momentum)

    @property
    def state_names(self) -> tuple[str, ...]:  # type: ignore[override]  # they follow from options
        """The mean square; beside it the mean and the velocity, unless the rule is plain."""
        return ("square",) if self.is_plain else ("square", "mean", "velocity")

    def _update(
        self, rate: float, theta: Array, gradient: Array, scratch: Array, **state: Array
    ) -> None:
        square = state["square"]
        square *= self.alpha
        np.multiply(gradient, gradient, out=scratch)
        scratch *= 1 - self.alpha
        square += scratch
        if self.centered:
            mean = state["mean"]
            mean *= self.alpha
            mean += np.multiply(gradient, 1 - self.alpha, out=scratch)
            np.multiply(mean, mean, out=scratch)
            np.subtract(square, scratch, out=scratch)
            np.maximum(scratch, 0, out=scratch)  # rounding makes some differences negative
            np.sqrt(scratch, out=scratch)
        else:
            np.sqrt(square, out=scratch)
        scratch += self.epsilon
        np.divide(gradient, scratch, out=scratch)
        if self.momentum:
            velocity = state["velocity"]
            np.multiply(velocity, self.momentum, out=velocity)
            velocity += scratch
            scratch[...] = velocity
        scratch *= rate
        theta -= scratch


@dataclass
class Adam(Optimizer):
    """Adam: adaptive moment estimation, with bias correction of both moments.

    ``m = beta1 * m + (1 - beta1) * gradient``, ``v = beta2 * v + (1 - beta2) * gradient**2``,
    ``theta -= rate * m / (1 - beta1**steps) / (sqrt(v / (1 - beta2**steps)) + epsilon)``.

    Source: Kingma and Ba, *Adam: a method for stochastic optimization* (2015), algorithm 1.

    Attributes:
        beta1: decay rate of the first moment m, at least 0, below 1.
        beta2: decay rate of the second moment v, at least 0, below 1.
        epsilon: added to the denominator so that it is never 0; above 0.
    """

    default_rate: ClassVar[float] = 0.005
    state_names: ClassVar[tuple[str, ...]] = ("m", "v")

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        require_fraction("beta1", self.beta1)
        require_fraction("beta2", self.beta2)
        require_above_0("epsilon", self.epsilon)

    def _update(
        self, rate: float, theta: Array, gradient: Array, scratch: Array, **state: Array
    ) -> None:
        m, v = self._moments(gradient, scratch, **state)
        np.sqrt(v, out=scratch)
        scratch /= sqrt(1 - self.beta2**self.steps)
        scratch += self.epsilon
        np.divide(m, scratch, out=scratch)
        scratch *= rate / (1 - self.beta1**self.steps)
        theta -= scratch

    def _moments(self, gradient: Array, scratch: Array, m: Array, v: Array) -> tuple[Array, Array]:
        """Both moments with the gradient of this step."""
        m *= self.beta1
        m += np.multiply(gradient, 1 - self.beta1, out=scratch)
        v *= self.beta2
        np.multiply(gradient, gradient, out=scratch)
        scratch *= 1 - self.beta2
        v += scratch
        return m, v


@dataclass
class AdamW(Adam):
    """AdamW: Adam with a decay of the weights that the gradient does not pass through.

    First ``theta *= 1 - rate * weight_decay``, then Adam's step. The decay of a parameter does not
    depend on the size of its gradients, as that by an L2 penalty would: Adam divides the
    derivative of a penalty by the root of v like the rest of the gradient.

    Biases, learnt initial states and the parameters of normalisations do not decay, unless
    ``biases`` is true.

    Source: Loshchilov and Hutter, *Decoupled weight decay regularization* (2019), algorithm 2,
    with the decay multiplied by the learning rate, as in PyTorch.

    Attributes:
        weight_decay: by how much of itself, times the rate, a weight falls in each step; at least
            0.
        biases: whether biases decay as well.
        decaying: the slices of θ that decay, with their learning rates.
    """

    weight_decay: float = 0.01
    biases: bool = False
    decaying: Rates = field(default=(), init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least_0("weight_decay", self.weight_decay)
        require_flag("biases", self.biases)

    def bind(
        self, theta: Array, gradient: Array, rates: Rates, biases: Sequence[slice] = ()
    ) -> None:
        """See `Optimizer.bind`."""
        super().bind(theta, gradient, rates, biases)
        self.decaying = without(rates, () if self.biases else biases, len(theta))
        self._decaying = [(theta[part], rate) for part, rate in self.decaying]

    def step(self) -> None:
        """See `Optimizer.step`."""
        for theta, rate in self._decaying:
            theta *= 1 - rate * self.scale * self.weight_decay
        super().step()


NEGLIGIBLE = 1e-30
"""A product of momenta that is subtracted from 1 is not multiplied any further below this."""


@dataclass
class Nadam(Adam):
    """Nadam: Adam with Nesterov's momentum, which warms up.

    m and v are Adam's. With ``mu(n) = beta1 * (1 - 0.96**(n * momentum_decay) / 2)`` and P(n), the
    product of mu(1) … mu(n), step n is
    ``theta -= rate * m_hat / (sqrt(v / (1 - beta2**n)) + epsilon)`` with
    ``m_hat = (1 - mu(n)) / (1 - P(n)) * gradient + mu(n + 1) / (1 - P(n + 1)) * m``.

    Source: Dozat, *Incorporating Nesterov momentum into Adam* (2016), algorithm 2; the warm-up is
    that of Sutskever et al. (2013), with the constants of PyTorch and Keras.

    Attributes:
        momentum_decay: how fast mu(n) grows from about ``beta1 / 2`` to ``beta1``; at least 0.
    """

    momentum_decay: float = 0.004
    _product: tuple[int, float] = field(default=(0, 1.0), init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least_0("momentum_decay", self.momentum_decay)

    def mu(self, step: int) -> float:
        """The momentum mu of a step, counted from 1."""
        return self.beta1 * (1 - 0.5 * 0.96 ** (step * self.momentum_decay))

    def product(self, step: int) -> float:
        """The product P of the momenta of steps 1 to ``step``, or less than `NEGLIGIBLE`."""
        known, product = self._product if self._product[0] <= step else (0, 1.0)
        while known < step and product >= NEGLIGIBLE:
            known += 1
            product *= self.mu(known)
        self._product = known, product
        return product

    def _update(
        self, rate: float, theta: Array, gradient: Array, scratch: Array, **state: Array
    ) -> None:
        (m, v), n = self._moments(gradient, scratch, **state), self.steps
        mu, later, product = self.mu(n), self.mu(n + 1), self.product(n)
        root = np.sqrt(v)
        root /= sqrt(1 - self.beta2**n)
        root += self.epsilon
        np.multiply(gradient, rate * (1 - mu) / (1 - product), out=scratch)
        scratch /= root
        theta -= scratch
        np.multiply(m, rate * later / (1 - product * later), out=scratch)
        scratch /= root
        theta -= scratch
