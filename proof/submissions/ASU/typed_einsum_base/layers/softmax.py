import numpy as np

from .base import Array, Layer

class SoftMaxLayer(Layer):
    def forward(self, x: Array) -> Array:
        shifted = x - x.max(axis=-1, keepdims=True)
        z = np.exp(shifted)
        z /= z.sum(axis=-1, keepdims=True)
        self.save(z)
        return z

    def backward(self, y_grad: Array) -> Array:
        (z,) = self.saved
        # (diag(z) - z z^T) g  =  z * (g - <g, z>)
        inner = np.einsum("bc,bc->b", y_grad, z)
        return z * (y_grad - inner[:, None])
