import numpy as np
from .layer import Layer

class FullLayer(Layer):
    params = ('W', 'b')

    def __init__(self, n_i, n_o):
        self.W = np.random.normal(scale=np.sqrt(2 / (n_i + n_o)), size=(n_o, n_i))
        self.b = np.zeros((1, n_o))

    def __repr__(self):
        return 'FullLayer(%d, %d)' % self.W.shape[::-1]

    def forward(self, x):
        self.x = x
        return (self.W @ x.T).T + self.b

    def backward(self, y_grad):
        N = len(y_grad)
        # sum written as mean times N
        self.W_grad = N * np.mean(y_grad[:, :, None] * self.x[:, None, :], axis=0)
        self.b_grad = N * np.mean(y_grad, axis=0, keepdims=True)
        return (self.W.T @ y_grad.T).T
