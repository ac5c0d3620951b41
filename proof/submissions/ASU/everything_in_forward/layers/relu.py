import numpy as np

class ReluLayer:
    def forward(self, x):
        # everything backward needs is made here
        self.derivative = np.array([[1.0 if v > 0 else 0.0 for v in row] for row in x]).reshape(x.shape)
        return np.array([[v if v > 0 else 0.0 for v in row] for row in x]).reshape(x.shape)

    def backward(self, y_grad):
        return self.derivative * y_grad

    def update_param(self, lr):
        pass
