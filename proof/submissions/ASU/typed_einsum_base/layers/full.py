import numpy as np

from .base import Array, Layer

class FullLayer(Layer):
    def __init__(self, n_i: int, n_o: int) -> None:
        super().__init__()
        std = (2.0 / (n_i + n_o)) ** 0.5
        self.W = np.random.normal(loc=0.0, scale=std, size=(n_o, n_i))
        self.b = np.zeros(shape=(1, n_o))
        self.W_grad: Array = np.zeros_like(self.W)
        self.b_grad: Array = np.zeros_like(self.b)

    def forward(self, x: Array) -> Array:
        self.save(x)
        return np.einsum("bi,oi->bo", x, self.W) + self.b

    def backward(self, y_grad: Array) -> Array:
        (x,) = self.saved
        np.einsum("bo,bi->oi", y_grad, x, out=self.W_grad)
        np.einsum("bo->o", y_grad, out=self.b_grad[0])
        return np.einsum("bo,oi->bi", y_grad, self.W)

    def update_param(self, lr: float) -> None:
        for value, grad in ((self.W, self.W_grad), (self.b, self.b_grad)):
            value -= lr * grad

    update_params = update_param
