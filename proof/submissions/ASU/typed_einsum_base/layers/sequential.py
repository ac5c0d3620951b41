from functools import reduce
from typing import Iterator, List, Optional, Tuple

import numpy as np

from .base import Array, Layer

class Sequential:
    def __init__(self, layers: List[Layer], loss: Layer) -> None:
        self.layers = list(layers)
        self.loss = loss

    def forward(self, x: Array, target: Optional[Array] = None):
        out = reduce(lambda value, layer: layer.forward(value), self.layers, x)
        return out if target is None else self.loss.forward(out, target)

    def backward(self) -> Array:
        return reduce(lambda grad, layer: layer.backward(grad), self.layers[::-1], self.loss.backward())

    def update_params(self, lr: float) -> None:
        for layer in self.layers:
            layer.update_param(lr)

    @staticmethod
    def _batches(x: Array, y: Array, size: int) -> Iterator[Tuple[Array, Array]]:
        for start in range(0, len(x), size):
            stop = start + size
            yield x[start:stop], y[start:stop]

    def fit(self, x: Array, y: Array, epochs: int = 10, lr: float = 0.1, batch_size: int = 128) -> Array:
        history = np.zeros(epochs)
        for epoch in range(epochs):
            losses = []
            for xb, yb in self._batches(x, y, batch_size):
                losses.append(self.forward(xb, yb))
                self.backward()
                self.update_params(lr)
            history[epoch] = np.mean(losses)
        return history

    def predict(self, x: Array) -> Array:
        return self.forward(x).argmax(axis=-1)
