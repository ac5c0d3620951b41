import numpy as np

class SoftMaxLayer(object):
    def __init__(self):
        self.z = None

    def forward(self, x):
        maxes = np.max(x, axis=1)
        x = x - maxes.reshape((-1, 1))
        ex = np.exp(x)
        sums = np.sum(ex, axis=1)
        self.z = ex/sums.reshape((-1, 1))
        return self.z

    def backward(self, y_grad):
        n, c = self.z.shape
        x_grad = np.empty((n, c))
        for i in range(n):
            z = self.z[i].reshape((c, 1))
            J = np.diagflat(z) - z.dot(z.T)
            x_grad[i] = y_grad[i].dot(J)
        return x_grad

    def update_param(self, lr):
        pass
