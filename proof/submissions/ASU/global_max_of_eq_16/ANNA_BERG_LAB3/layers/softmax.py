import numpy as np

class SoftMaxLayer(object):
    def __init__(self):
        self.z = None

    def forward(self, x):
        y = x - np.max(x)                    # eq. 16, max over i and j
        self.z = np.exp(y)/np.sum(np.exp(y), axis=1, keepdims=True)
        return self.z

    def backward(self, y_grad):
        x_grad = np.zeros(y_grad.shape)
        for i in range(len(y_grad)):
            zi = self.z[i:i+1]
            J = np.diag(zi[0]) - np.matmul(zi.T, zi)     # eq. 17
            x_grad[i:i+1] = np.matmul(y_grad[i:i+1], J)
        return x_grad

    def update_param(self, lr):
        pass  # no learnable parameters
