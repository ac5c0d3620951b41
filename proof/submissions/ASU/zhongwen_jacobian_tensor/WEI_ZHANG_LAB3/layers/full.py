# -*- coding: utf-8 -*-
import numpy as np

class FullLayer(object):
    """全连接层"""

    def __init__(self, n_i, n_o):
        # Glorot 初始化
        self.W = np.sqrt(2.0 / (n_i + n_o)) * np.random.standard_normal((n_o, n_i))
        self.b = np.zeros((1, n_o))
        self.W_grad = 0
        self.b_grad = 0

    def forward(self, x):
        self.x = x
        return np.inner(x, self.W) + self.b

    def backward(self, y_grad):
        # 对每个样本求和
        self.W_grad = np.tensordot(y_grad, self.x, axes=([0], [0]))
        self.b_grad = np.add.reduce(y_grad, axis=0)[None]
        # 传给前一层的梯度
        return np.tensordot(y_grad, self.W, axes=1)

    def update_param(self, lr):
        self.W = np.subtract(self.W, np.multiply(lr, self.W_grad))
        self.b = np.subtract(self.b, np.multiply(lr, self.b_grad))
