import math
import numpy as np

class CrossEntropyLayer:
    def forward(self, x, t):
        self.z = x
        self.t = t
        total = 0.0
        for i in range(len(x)):
            for j in range(len(x[i])):
                if t[i][j] != 0:
                    total -= t[i][j] * math.log(x[i][j])
        return total / len(x)

    def backward(self, y_grad=None):
        n_b = len(self.z)
        g = np.zeros(self.z.shape)
        for i in range(n_b):
            for j in range(self.z.shape[1]):
                if self.t[i][j] != 0:
                    g[i, j] = -self.t[i][j] / (n_b * self.z[i, j])
        return g

    def update_param(self, lr):
        pass
