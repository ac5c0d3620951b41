import numpy as np
from numpy.random import normal

class FullLayer():

    def __init__(self, n_i, n_o):
        self.x = []
        self.W = normal(0, (2/(n_i + n_o))**0.5, [n_o, n_i])
        self.b = normal(0, 1e-3, [1, n_o])      # small numbers, the text allows it
        self.w_grad = []
        self.b_grad = []

    def forward(self, x):
        self.x = x
        z = x.dot(np.transpose(self.W))
        z += self.b
        return z

    def backward(self, y_grad):
        gradT = np.transpose(y_grad)
        self.w_grad = gradT.dot(self.x)
        self.b_grad = np.transpose(np.sum(gradT, axis=1, keepdims=True))
        return np.transpose(np.transpose(self.W).dot(gradT))

    def update_param(self, lr):
        stepW = -lr * self.w_grad
        stepb = -lr * self.b_grad
        self.W = self.W + stepW
        self.b = self.b + stepb
