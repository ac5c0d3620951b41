import numpy as np

def softplus(z):
    return np.logaddexp(0, z)

def sigmoid(z):
    return np.where(z >= 0, 1 / (1 + np.exp(-np.abs(z))), np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))))

def mish(z):
    """Misra 2019: z tanh(softplus(z))"""
    return z * np.tanh(softplus(z))

def mish_derivative(z):
    t = np.tanh(softplus(z))
    return t + z * (1 - t ** 2) * sigmoid(z)

def mse(y, t):
    return np.mean((y - t) ** 2)

def mse_grad(y, t):
    return 2 * (y - t) / np.size(y)
