from typing import Optional

import numpy as np

from .base import Array, Layer

class CrossEntropyLayer(Layer):
    def forward(self, x: Array, t: Array) -> float:
        self.save(x, t)
        picked = np.einsum("bc,bc->b", x, t)
        return float(-np.log(picked).mean())

    def backward(self, y_grad: Optional[Array] = None) -> Array:
        z, t = self.saved
        return np.divide(-t, z * z.shape[0], out=np.zeros_like(z), where=t != 0)
