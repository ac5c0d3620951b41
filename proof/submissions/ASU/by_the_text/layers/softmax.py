import numpy as np

class SoftMaxLayer(object):
    def __init__(self):
        self.y = None

    def forward(self, x):
        e = np.exp(x - np.max(x, axis=1, keepdims=True))
        self.y = e / np.sum(e, axis=1, keepdims=True)
        return self.y

    def backward(self, y_grad):
        out = np.zeros(y_grad.shape)
        for i in range(y_grad.shape[0]):
            z = self.y[i].reshape(1, -1)
            jac = np.diag(self.y[i]) - np.dot(z.T, z)
            out[i] = np.dot(y_grad[i], jac)
        return out

    def update_param(self, lr):
        pass
