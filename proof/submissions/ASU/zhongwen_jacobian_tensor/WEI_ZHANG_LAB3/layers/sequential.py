# -*- coding: utf-8 -*-
import numpy as np

class Sequential(object):
    def __init__(self, layers, loss):
        self.layers, self.loss = layers, loss

    def forward(self, x, target=None):
        for 层 in self.layers:
            x = 层.forward(x)
        return self.loss.forward(x, target) if target is not None else x

    def backward(self):
        梯度 = self.loss.backward()
        for 层 in self.layers[::-1]:
            梯度 = 层.backward(梯度)
        return 梯度

    def update_params(self, lr):
        for 层 in self.layers:
            层.update_param(lr)

    def fit(self, x, y, epochs=10, lr=0.1, batch_size=128):
        损失 = []
        for _ in range(epochs):
            每批 = []
            for 起 in range(0, len(x), batch_size):
                每批.append(self.forward(x[起:起 + batch_size], y[起:起 + batch_size]))
                self.backward()
                self.update_params(lr)
            损失.append(float(np.mean(每批)))
        return 损失

    def predict(self, x):
        return np.argmax(self.forward(x), axis=1)
