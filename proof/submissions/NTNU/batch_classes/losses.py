import numpy as np

def mse(y, t):
    return np.mean((y - t) ** 2)

def d_mse(y, t):
    return 2 * (y - t) / y.size

def cross_entropy(y, t):
    return -np.sum(t * np.log(y)) / len(y)

def d_cross_entropy(y, t):
    return -(t / y) / len(y)

LOSSES = {"mse": (mse, d_mse), "cross_entropy": (cross_entropy, d_cross_entropy)}
