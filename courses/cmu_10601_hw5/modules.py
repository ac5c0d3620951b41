"""The homework's network as modules: linear, sigmoid, softmax and cross-entropy.

Each goes forward and keeps what it needs, then backward: given ∂L/∂output it returns ∂L/∂input,
by the chain rule. What multiplies is the library's Jacobian of that one step. Rows are cases.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from chainrule import nn as layers
from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError
from chainrule.nn import Network
from chainrule.nn.activations import activation
from chainrule.nn.jacobians import Diagonal
from chainrule.nn.losses import CrossEntropy as Loss


class Module(ABC):
    """One step of the network."""

    @abstractmethod
    def forward(self, x: Array) -> Array:
        """The output, (cases, outputs), for x, (cases, inputs)."""

    @abstractmethod
    def backward(self, g: Array) -> Array:
        """∂L/∂x, (cases, inputs), given g = ∂L/∂output at the last forward pass."""

    def parameters(self) -> dict[str, tuple[Array, Array]]:
        """The parameters with their gradients, by name; views into the module's own."""
        return {}


class Linear(Module):
    """z = x W + b.

    Args:
        inputs: the width of x.
        outputs: the width of z.
        weights: how W starts: a range, or a name such as ``zeros``.
        seed: of that start.

    Attributes:
        W: (inputs, outputs); to assign is to write into it. ``W_grad`` after ``backward``.
        b: (outputs,), at first 0. ``b_grad`` after ``backward``.

    Example:
        >>> linear = Linear(2, 1)
        >>> linear.W, linear.b = [[1.0], [10.0]], [100.0]
        >>> linear.forward(np.array([[2.0, 3.0]]))
        array([[132.]])
        >>> linear.backward(np.array([[1.0]]))
        array([[ 1., 10.]])
        >>> linear.W_grad
        array([[2.],
               [3.]])
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        weights: str | Sequence[float] = (-0.1, 0.1),
        seed: int = 0,
    ) -> None:
        self._dense = layers.Dense(outputs, "linear", weights=weights)
        self._network = Network([self._dense], input=inputs, loss="mse", seed=seed)

    @property
    def W(self) -> Array:
        """The weights."""
        return self._dense.W

    @W.setter
    def W(self, value: Array) -> None:
        self._dense.W = value

    @property
    def b(self) -> Array:
        """The biases."""
        return self._dense.b

    @b.setter
    def b(self, value: Array) -> None:
        self._dense.b = value

    @property
    def W_grad(self) -> Array:
        """∂L/∂W = Σ x gᵀ over the cases."""
        return self._dense.W_grad

    @property
    def b_grad(self) -> Array:
        """∂L/∂b = Σ g over the cases."""
        return self._dense.b_grad

    def forward(self, x: Array) -> Array:
        """See `Module.forward`."""
        return self._network.forward_pass(x)

    def backward(self, g: Array) -> Array:
        """Return g Wᵀ, and leave the gradients of W and b in the module."""
        upstream = self._dense.backward_pass(_fitting(g, self._dense.z))
        assert upstream is not None
        return upstream

    def parameters(self) -> dict[str, tuple[Array, Array]]:
        """W and b."""
        return {"W": (self.W, self.W_grad), "b": (self.b, self.b_grad)}


class Sigmoid(Module):
    """a = 1 / (1 + e^(−z)), elementwise; its Jacobian is diag(a (1 − a))."""

    def __init__(self) -> None:
        self._sigmoid = activation("sigmoid")
        self._z: Array | None = None

    def forward(self, x: Array) -> Array:
        """See `Module.forward`."""
        self._z = np.array(x, dtype=float)
        return self._sigmoid.value(self._z)

    def backward(self, g: Array) -> Array:
        """G ⊙ a (1 − a)."""
        g = _fitting(g, self._z)
        assert self._z is not None
        return Diagonal(self._sigmoid.derivative(self._z)).vjp(g)


class Softmax(Module):
    """ŷ_j = e^(z_j) / Σ_k e^(z_k); its Jacobian is diag(ŷ) − ŷ ŷᵀ, one matrix a case."""

    def __init__(self) -> None:
        self._layer = layers.Softmax()

    def forward(self, x: Array) -> Array:
        """See `Module.forward`."""
        return self._layer.forward_pass(np.array(x, dtype=float)).copy()

    def backward(self, g: Array) -> Array:
        """g (diag(ŷ) − ŷ ŷᵀ)."""
        upstream = self._layer.backward_pass(_fitting(g, self._layer.s))
        assert upstream is not None
        return upstream


class CrossEntropy:
    """L = −(1/N) Σ t ln ŷ over N cases; ∂L/∂ŷ = −t / (N ŷ)."""

    def __init__(self) -> None:
        self._loss = Loss()
        self._y: Array | None = None
        self._t: Array | None = None

    def forward(self, y: Array, t: Array) -> float:
        """The mean cross-entropy of probabilities ŷ, (cases, classes).

        Args:
            y: the probabilities.
            t: class numbers (cases,), or one-hot rows.
        """
        self._y = np.array(y, dtype=float)
        self._t = self._loss.prepare(t, self._y.shape[1], self._y.dtype)
        if len(self._t) != len(self._y):
            raise ShapeError(f"{len(self._y)} cases have {len(self._t)} targets")
        with np.errstate(divide="ignore"):  # ln 0: the loss is infinite
            return float(self._loss.value(self._y, self._t))

    def backward(self) -> Array:
        """∂L/∂ŷ, (cases, classes)."""
        if self._y is None or self._t is None:
            raise ShapeError("backward follows forward")
        with np.errstate(divide="ignore"):
            return self._loss.jacobian(self._y, self._t)


class NeuralNetwork:
    """The modules in a row: linear, sigmoid, linear, softmax, and cross-entropy on top.

    Args:
        inputs: pixels a case.
        hidden_units: of the sigmoid.
        outputs: the classes.
        weights: how both W start.
        seed: of that start.

    Attributes:
        modules: in order, without the loss.
        loss: the cross-entropy.
    """

    def __init__(
        self,
        inputs: int,
        hidden_units: int,
        outputs: int,
        weights: str | Sequence[float] = (-0.1, 0.1),
        seed: int = 0,
    ) -> None:
        self.modules: list[Module] = [
            Linear(inputs, hidden_units, weights, seed),
            Sigmoid(),
            Linear(hidden_units, outputs, weights, seed + 1),
            Softmax(),
        ]
        self.loss = CrossEntropy()

    def forward(self, x: Array, t: Array) -> tuple[Array, float]:
        """The probabilities ŷ, (cases, classes), and the loss."""
        for module in self.modules:
            x = module.forward(x)
        return x, self.loss.forward(x, t)

    def backward(self) -> Array:
        """∂L/∂x; the gradients of the parameters are then in the linear modules."""
        g = self.loss.backward()
        for module in reversed(self.modules):
            g = module.backward(g)
        return g


def _fitting(g: Array, output: Array | None) -> Array:
    """``g`` as numbers, if it has the shape of the output of the last forward pass."""
    if output is None:
        raise ShapeError("backward follows forward")
    g = np.array(g, dtype=float)
    if g.shape != output.shape:
        raise ShapeError(f"∂L/∂output has the output's shape {output.shape}, found {g.shape}")
    return g
