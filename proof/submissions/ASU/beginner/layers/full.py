import numpy as np

class FullLayer(object):
    def __init__(self, n_i, n_o):
        self.x = None
        mu = 0
        sigma = np.sqrt(2.0/(n_i+n_o))
        self.W = np.random.normal(mu, sigma, (n_o, n_i))
        self.b = np.zeros((1, n_o))

    def forward(self, x):
        self.x = x
        WT = self.W.T
        xW = x.dot(WT)
        return xW + self.b

    def backward(self, y_grad):
        x_T = self.x.T
        self.W_grad = x_T.dot(y_grad).T
        self.b_grad = np.atleast_2d(y_grad.sum(axis=0))
        x_grad = y_grad.dot(self.W)
        return x_grad

    def update_param(self, lr):
        self.W = self.W - lr*self.W_grad
        self.b = self.b - lr*self.b_grad
