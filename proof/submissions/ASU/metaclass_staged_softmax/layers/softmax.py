import numpy as np
from .layer import Layer

class SoftMaxLayer(Layer):
    def forward(self, x):
        top = np.amax(x, axis=1, keepdims=True)
        self.num = np.exp(x - top)
        self.den = np.sum(self.num, axis=1, keepdims=True)
        return self.num / self.den

    def backward(self, y_grad):
        # staged: z = num * inv, inv = 1 / den, den = sum(num)
        inv = 1 / self.den
        d_num = y_grad * inv
        d_inv = np.sum(y_grad * self.num, axis=1, keepdims=True)
        d_den = -d_inv * inv ** 2
        d_num = d_num + d_den
        return d_num * self.num
