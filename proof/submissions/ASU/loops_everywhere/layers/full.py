import numpy as np

class FullLayer:
    def __init__(self, n_i, n_o):
        self.n_i = n_i
        self.n_o = n_o
        scale = np.sqrt(2 / (n_i + n_o))
        self.W = scale * np.random.randn(n_o, n_i)
        self.b = np.zeros((1, n_o))
        self.w_grad = np.zeros((n_o, n_i))
        self.b_grad = np.zeros((1, n_o))

    def forward(self, x):
        self.x = x
        n_b = len(x)
        out = np.zeros((n_b, self.n_o))
        for i in range(n_b):
            for o in range(self.n_o):
                out[i, o] = np.sum(x[i] * self.W[o]) + self.b[0, o]
        return out

    def backward(self, y_grad):
        n_b = len(y_grad)
        # start from zero for every batch
        self.w_grad = np.zeros((self.n_o, self.n_i))
        self.b_grad = np.zeros((1, self.n_o))
        x_grad = np.zeros((n_b, self.n_i))
        for i in range(n_b):
            for o in range(self.n_o):
                g = y_grad[i, o]
                self.w_grad[o] += g * self.x[i]
                self.b_grad[0, o] += g
                x_grad[i] += g * self.W[o]
        return x_grad

    def update_param(self, lr):
        for o in range(self.n_o):
            for i in range(self.n_i):
                self.W[o, i] = self.W[o, i] - lr * self.w_grad[o, i]
            self.b[0, o] = self.b[0, o] - lr * self.b_grad[0, o]
