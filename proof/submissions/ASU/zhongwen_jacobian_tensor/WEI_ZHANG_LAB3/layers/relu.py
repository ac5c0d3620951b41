# -*- coding: utf-8 -*-
import numpy as np

class ReluLayer(object):
    """线性整流"""

    def forward(self, x):
        self.dydx = np.zeros_like(x)
        self.dydx[x > 0] = 1          # 导数，零处取零
        return self.dydx * x

    def backward(self, y_grad):
        return self.dydx * y_grad

    def update_param(self, lr):
        pass
