import numpy as np

class FullLayer(object):
    def __init__(self, n_i, n_o):
        self.W = np.random.randn(n_o, n_i) * np.sqrt(2 / (n_o + n_i))
        self.b = np.zeros((1, n_o))

    def forward(self, x):
        self.x = x
        return np.dot(self.x, self.W.T) + self.b

    def backward(self, y_grad):
        self.W_grad = np.dot(self.x.T, y_grad).T
        self.b_grad = np.ones((1, len(y_grad))).dot(y_grad)
        return np.dot(y_grad, self.W)

    def update_param(self, lr):
        np.subtract(self.W, lr * self.W_grad, out=self.W)
        np.subtract(self.b, lr * self.b_grad, out=self.b)
