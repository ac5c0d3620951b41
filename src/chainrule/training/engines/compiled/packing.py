"""θ as the loops want it: rows that fill whole lines of the cache, turned where that is faster."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.network import Network
from chainrule.training.engines.compiled.plan import (
    BIASES,
    BY_OUTPUT,
    OUTPUTS,
    STRIDE,
    WEIGHTS,
    Plan,
    dense_layers,
)

LINE = 64


def aligned(shape: tuple[int, int], dtype: np.dtype[Any]) -> Array:
    """Zeros that begin at a line of the cache."""
    spare = np.zeros(prod(shape) + LINE // dtype.itemsize, dtype)
    start = -spare.ctypes.data % LINE // dtype.itemsize
    return spare[start : start + prod(shape)].reshape(shape)


class Packing:
    """Copies vectors laid out as θ into packed ones, and back.

    Args:
        network: whose layout it is.
        plan: of that network.
    """

    def __init__(self, network: Network, plan: Plan) -> None:
        self._network = network
        self._plan = plan

    @property
    def is_identity(self) -> bool:
        """Whether packed vectors are laid out as θ is."""
        places = np.arange(self._network.parameters.layout.size)
        packed = np.full(self._plan.parameters, -1)
        self.pack(places, packed)
        return np.array_equal(packed, places)

    def pack(self, vector: Array, packed: Array) -> None:
        """Copy a vector laid out as θ into a packed one, whose padding stays as it is: 0."""
        for own, other in self.pairs(vector, packed):
            np.copyto(other, own)

    def unpack(self, packed: Array, vector: Array) -> None:
        """Copy a packed vector into one laid out as θ."""
        for own, other in self.pairs(vector, packed):
            np.copyto(own, other)

    def pairs(self, vector: Array, packed: Array) -> Iterator[tuple[Array, Array]]:
        """Views of the same numbers in both, of one shape."""
        layout = self._network.parameters.layout
        for k, layer in enumerate(dense_layers(self._network)):
            columns = self._plan.layers[k].astype(int)
            views = layout.views(vector, layer.name)
            rows = packed[columns[WEIGHTS] : columns[BIASES]].reshape(-1, columns[STRIDE])
            own = views["W"].T if columns[BY_OUTPUT] else views["W"]
            yield own, rows[:, : own.shape[1]]
            if layer.bias:  # else their place stays 0, and at a rate of 0
                biases = packed[columns[BIASES] :]
                yield views["b"], biases[: columns[OUTPUTS]]
