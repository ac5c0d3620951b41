import numpy as np

class SoftMaxLayer:
    def forward(self, x):
        x = x - np.max(x, axis=1)[:, None]
        self.log_z = x - np.log(np.sum(np.exp(x), axis=1))[:, None]
        return np.exp(self.log_z)

    def backward(self, y_grad):
        z = np.exp(self.log_z)                       # made again, not stored
        J = z[:, :, None] * (np.eye(z.shape[1])[None] - z[:, None, :])
        return np.squeeze(y_grad[:, None, :] @ J, axis=1)

    def update_param(self, lr):
        return None
