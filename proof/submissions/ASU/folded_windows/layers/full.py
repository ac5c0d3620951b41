import numpy as np

class FullLayer:
    # theta = [W | b^T]  (n_o, n_i + 1); W and b are windows on it
    def __init__(self, n_i, n_o):
        self.theta = np.zeros((n_o, n_i + 1))
        self.theta[:, :n_i] = np.random.normal(0, np.sqrt(2 / (n_i + n_o)), (n_o, n_i))
        self.theta_grad = np.zeros_like(self.theta)

    W = property(lambda self: self.theta[:, :-1], lambda self, v: self.theta[:, :-1].__setitem__(Ellipsis, v))
    b = property(lambda self: self.theta[:, -1:].T, lambda self, v: self.theta[:, -1].__setitem__(Ellipsis, np.ravel(v)))
    w_grad = W_grad = property(lambda self: self.theta_grad[:, :-1])
    b_grad = property(lambda self: self.theta_grad[:, -1:].T)

    def forward(self, x):
        self.x1 = np.hstack([x, np.ones((x.shape[0], 1))])
        return self.x1 @ self.theta.T

    def backward(self, y_grad):
        self.theta_grad = y_grad.T @ self.x1
        return (y_grad @ self.theta)[:, :-1]

    def update_param(self, lr):
        self.theta -= lr * self.theta_grad
