import numpy as np

class SoftMaxLayer:
    def __init__(self):
        self.z = None

    def forward(self, x):
        self.z = np.zeros(x.shape)
        for i in range(x.shape[0]):
            m = max(x[i])
            e = [np.exp(v - m) for v in x[i]]
            s = sum(e)
            for j in range(x.shape[1]):
                self.z[i, j] = e[j] / s
        return self.z

    def backward(self, y_grad):
        n_b, c = self.z.shape
        x_grad = np.zeros((n_b, c))
        for i in range(n_b):
            for k in range(c):
                for j in range(c):
                    if j == k:
                        d = self.z[i, j] * (1 - self.z[i, k])
                    else:
                        d = -self.z[i, j] * self.z[i, k]
                    x_grad[i, k] += y_grad[i, j] * d
        return x_grad

    def update_param(self, lr):
        pass
