import numpy as np

class CrossEntropyLayer:
    def forward(self, x, t):
        self.x = x
        self.t = t
        logs = np.zeros_like(x)
        np.log(x, out=logs, where=(t > 0))
        return -np.vdot(t, logs) / len(x)

    def backward(self, y_grad=None):
        g = np.zeros_like(self.x)
        hot = self.t > 0
        g[hot] = -self.t[hot] / self.x[hot] / len(self.x)
        return g

    def update_param(self, lr):
        return None
