"""Dropout: during training each number is left out with a fixed probability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from chainrule.core.arguments import is_finite
from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError
from chainrule.core.sequences import overflow_is_no_padding
from chainrule.nn.jacobians import Diagonal
from chainrule.nn.layers.base import Arrays, ParameterFree, Shape


class Dropout(ParameterFree):
    """y = x ⊙ m during training, and y = x in evaluation.

    The mask m has the shape of x: each value is 0 with probability ``rate``, else 1 / (1 − rate).
    This factor keeps the mean, E[x ⊙ m] = x, so that evaluation needs no scaling ("inverted
    dropout"). The Jacobian ∂y/∂x is diag(m).

    The mask depends only on the seed, the layer's name and the number of minibatches that were
    trained on before, see `Context`. Each number of a row, an image or a sequence has its own
    value; padding stays padding.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, *Dropout: a simple way to
    prevent neural networks from overfitting*, Journal of Machine Learning Research 15 (2014),
    1929–1958. There, the weights are multiplied by 1 − rate in evaluation instead.

    Args:
        rate: the probability that a number is left out, at least 0 and below 1.
        name: see `Layer`.
        inputs: see `Layer`.

    Attributes:
        x: the inputs of the last forward pass; None before.
        mask: m of the last forward pass, the shape of x; None in evaluation.

    Raises:
        ConfigError: the rate is not at least 0 and below 1.

    Example:
        >>> from chainrule.nn import Dense
        >>> from chainrule.nn.network import Network
        >>> layer = Dropout(0.5)
        >>> network = Network([layer, Dense(1)], input=4, loss="mse")
        >>> layer.forward_pass(np.array([[1.0, 2.0, 3.0, 4.0]]))
        array([[1., 2., 3., 4.]])
        >>> with network.training_mode(seed=1):
        ...     layer.forward_pass(np.array([[1.0, 2.0, 3.0, 4.0]]))
        array([[0., 0., 0., 8.]])
        >>> layer.backward_pass(np.ones((1, 4)))
        array([[0., 0., 0., 2.]])
    """

    type: ClassVar[str] = "dropout"
    same_at_every_step: ClassVar[bool] = False
    knows_padding: ClassVar[bool] = True
    formula: ClassVar[str] = "x"
    keeps_width: ClassVar[bool] = True
    passes_on: ClassVar[bool] = True
    differs_in_training: ClassVar[bool] = True

    def __init__(
        self,
        rate: float,
        *,
        name: str | None = None,
        inputs: str | Sequence[str] | None = None,
    ) -> None:
        super().__init__(name=name, inputs=inputs)
        if not (is_finite(rate) and 0 <= rate < 1):
            raise ConfigError(
                f"the rate of dropout is a probability of at least 0 and below 1, found {rate!r}"
            )
        self.rate = float(rate)
        self.mask: Array | None = None

    def connect(self, *shapes: Shape) -> None:
        """See `Layer.connect`."""
        (self.input_shape,) = shapes
        self.output_shape = self.input_shape
        self.size = self.outputs

    @property
    def formula_of_z(self) -> str:
        """See `Layer.formula_of_z`; the formula of the last forward pass."""
        return self.formula if self.mask is None else "x ⊙ m, m = 0 or 1 / (1 − rate)"

    def draw_mask(self, cases: int, dtype: np.dtype[Any]) -> Array | None:
        """The mask m, (cases, inputs), of this step of training; None in evaluation.

        Args:
            cases: the number of rows; fewer cases get the first rows of the mask for more.
            dtype: the type of the numbers.
        """
        if not self.context.training:
            return None
        mask: Array = self.draw_stays(cases) * dtype.type(1 / (1 - self.rate))
        return mask

    def draw_stays(self, cases: int) -> Array:
        """Where the mask of this step of training is not 0, (cases, inputs), truth values."""
        stays: Array = self.context.stream(self.name).random((cases, self.inputs)) >= self.rate
        return stays

    def evaluate(self, x: Array, values: Arrays) -> tuple[Array, Array]:
        """z = y = x ⊙ m, or x in evaluation."""
        y = self._masked(x, self.draw_mask(len(x), x.real.dtype))
        return y, y

    def forward_pass(self, x: Array) -> Array:
        """x ⊙ m, or x itself in evaluation."""
        self.x, self.mask = x, self.draw_mask(len(x), x.real.dtype)
        self.z = self._masked(x, self.mask)
        return self.z

    def _masked(self, x: Array, mask: Array | None) -> Array:
        if mask is None:
            return x
        # Padding is NaN + 0i, of which a complex product with m would make NaN + NaN i.
        y = x.real * mask + 1j * (x.imag * mask) if np.iscomplexobj(x) else x * mask
        if len(self.input_shape) == 2:
            shape = (len(x), *self.input_shape)
            overflow_is_no_padding(y.reshape(shape), x.reshape(shape))
        return y

    def _jacobian_x(self) -> Diagonal:
        return Diagonal(np.ones_like(self.x) if self.mask is None else self.mask)

    def _input_gradient(self, delta: Array) -> Array:
        return delta if self.mask is None else delta * self.mask
