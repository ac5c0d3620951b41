import numpy as np

class FullLayer:
    def __init__(self, n_i, n_o):
        self.W = np.sqrt(2.0) / np.sqrt(n_i + n_o) * np.random.randn(n_o, n_i)
        self.b = np.zeros([1, n_o])
        self.W_grad = np.zeros_like(self.W)
        self.b_grad = np.zeros_like(self.b)

    def forward(self, x):
        self.x = x
        # all products, then the sum over the inputs
        return np.sum(x[:, np.newaxis, :] * self.W[np.newaxis, :, :], axis=2) + np.repeat(self.b, len(x), axis=0)

    def backward(self, y_grad):
        self.W_grad = np.sum(y_grad[:, :, np.newaxis] * self.x[:, np.newaxis, :], axis=0)
        self.b_grad = np.sum(y_grad, axis=0).reshape(1, len(self.W))
        return np.sum(y_grad[:, :, np.newaxis] * self.W[np.newaxis, :, :], axis=1)

    def update_param(self, lr):
        new_W = self.W - lr * self.W_grad
        new_b = self.b - lr * self.b_grad
        self.W, self.b = new_W, new_b
        return self
