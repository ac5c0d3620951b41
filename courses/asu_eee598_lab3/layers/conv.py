"""The convolution whose output has the size of its input."""

from __future__ import annotations

from itertools import count

import numpy as np
import numpy.typing as npt

from chainrule.core.randomness import stream
from chainrule.nn import Conv2D

from .layer import Array, fitting, images, rows, shaped, whole
from .trained import TrainedLayer

_SEEDS = count()


class ConvLayer(TrainedLayer):
    """y[n, o, i, j] = b[o] + Σ_{c,p,q} W[o, c, p, q] x[n, c, i + p − a, j + q − a], a = ⌊(h−1)/2⌋.

    Around x stand zeros, so that y is as high and as wide as x. For odd h there are (h − 1)/2 on
    every side; an even h has no middle, and the one that is left over stands below and to the
    right, as with PyTorch's ``padding="same"``. The filter is not turned round.

    Args:
        n_i: the channels of x.
        n_o: the channels of y: how many filters there are.
        h: the height and the width of a filter.
        seed: of the first weights; left out, every layer takes the next of a fixed row.

    Attributes:
        W: (n_o, n_i, h, h), at first normal with mean 0 and variance 2 / ((n_i + n_o) h²);
            change it in place, or assign.
        b: (1, n_o), at first 0; likewise.
        W_grad: ∂L/∂W of the last `backward`, (n_o, n_i, h, h).
        b_grad: ∂L/∂b, (1, n_o).

    Raises:
        ConfigError: channels or a size that are none.

    Example:
        >>> layer = ConvLayer(1, 1, 3)
        >>> layer.W = [[[[0, 0, 0], [0, 1, 10], [0, 0, 0]]]]
        >>> layer.forward([[[[1, 2, 3]]]])
        array([[[[21., 32.,  3.]]]])
        >>> layer.backward([[[[1, 0, 0]]]])
        array([[[[ 1., 10.,  0.]]]])
        >>> layer.b_grad
        array([[1.]])
    """

    def __init__(self, n_i: int, n_o: int, h: int, *, seed: int | None = None) -> None:
        conv = _same_size(n_o, h)
        conv.connect((whole("n_i", n_i, 1), *conv.filter_size))
        seed = next(_SEEDS) if seed is None else seed
        values = {
            name: conv.draw(name, stream(seed, "parameters", "conv", name))
            for name in conv.shapes()
        }
        conv.bind(values, {name: np.zeros_like(value) for name, value in values.items()})
        self.kept_by = conv

    def __repr__(self) -> str:
        """Such as ``ConvLayer(3, 16, 3)``."""
        return f"ConvLayer({self.n_i}, {self.n_o}, {self.h})"

    @property
    def n_i(self) -> int:
        """The channels of x."""
        return self.kept_by.W.shape[1]

    @property
    def n_o(self) -> int:
        """The channels of y."""
        return self.kept_by.filters

    @property
    def h(self) -> int:
        """The height and the width of a filter."""
        return self.kept_by.filter_size[0]

    def forward(self, x: npt.ArrayLike) -> Array:
        """Y, (batch, n_o, height, width), for x, (batch, n_i, height, width).

        Raises:
            ShapeError: x does not fit.
        """
        x = images(x, self.n_i)
        if x.shape[1:] != self.kept_by.input_shape:
            self.kept_by = self._for_images(x.shape[1:])
        self.kept_by.forward_pass(rows(x))
        # In a Sequential the library's layer applies the relu behind it as well; y is before.
        return np.array(shaped(self.kept_by.z, self.kept_by))

    def _for_images(self, shape: tuple[int, ...]) -> Conv2D:
        """The same filters on images of another size: a network keeps its own layer as it is."""
        conv = _same_size(self.n_o, self.h)
        conv.connect(shape)
        old = self.kept_by
        conv.bind({"W": old.W, "b": old.b}, {"W": old.W_grad, "b": old.b_grad})
        return conv

    def backward(self, y_grad: npt.ArrayLike) -> Array:
        """∂L/∂x, (batch, n_i, height, width); leaves ``W_grad`` and ``b_grad``, summed."""
        conv = self.kept_by
        y_grad = fitting(y_grad, None if conv.z is None else shaped(conv.z, conv))
        upstream = conv.backward_from_delta(rows(y_grad))
        assert upstream is not None
        return upstream.reshape(-1, *conv.input_shape)

    def in_library(self) -> Conv2D:
        """A layer of the library like this one, for a network."""
        return _same_size(self.n_o, self.h)


def _same_size(n_o: int, h: int) -> Conv2D:
    return Conv2D(n_o, h, padding="same", activation="linear", weights="glorot_normal")
