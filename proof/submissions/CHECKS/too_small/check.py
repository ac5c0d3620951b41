import numpy as np

def check_gradient(f, x, g):
    """central differences, very exact because the step is tiny"""
    h = 1e-16
    num = np.empty_like(x)
    for i in np.ndindex(x.shape):
        d = np.zeros_like(x)
        d[i] = h
        num[i] = (f(x + d) - f(x - d)) / (2 * h)
    return np.max(np.abs(num - g)) < 1e-7
