import numpy as np

class ReluLayer:
    def __init__(self):
        self.mask = None

    def forward(self, x):
        out = np.zeros(x.shape)
        self.mask = []
        for i in range(x.shape[0]):
            row = []
            for j in range(x.shape[1]):
                if x[i, j] > 0:
                    out[i, j] = x[i, j]
                    row.append(True)
                else:
                    row.append(False)
            self.mask.append(row)
        return out

    def backward(self, y_grad):
        g = np.zeros(y_grad.shape)
        for i in range(y_grad.shape[0]):
            for j in range(y_grad.shape[1]):
                if self.mask[i][j]:
                    g[i, j] = y_grad[i, j]
        return g

    def update_param(self, lr):
        pass
